/*
 * A page of the server's own origin, in a real browser without a window: what asks for the page or for the client's files
 * gets them, everything else goes to the server. The page's script says what it found, and the browser is ended.
 */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { join, resolve } from "node:path";
import type { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { waitFor, within } from "./wait.ts";

const files = resolve(import.meta.dirname, "../..");
const names = ["chromium", "chromium-browser", "google-chrome"];

/** $CHROMIUM, or one of the usual names; undefined where there is none. */
export function findBrowser(): string | undefined {
  const given = process.env["CHROMIUM"];
  const candidates = given === undefined ? names : [given];
  return candidates.find((name) => spawnSync(name, ["--version"]).status === 0);
}

/** What the script's last expression resolves to; it may await, and imports the client from `/dist/…`. */
export async function inPage(browser: string, serverUrl: string, script: string): Promise<unknown> {
  const target = new URL(serverUrl);
  let tell: (found: unknown) => void = () => undefined;
  const found = new Promise<unknown>((resolveFound) => {
    tell = resolveFound;
  });
  const server = createServer((asked, answer) => {
    const { url = "" } = asked;
    if (url === "/page") answer.setHeader("content-type", "text/html").end(pageOf(script));
    else if (url === "/found") readJson(asked, answer).then(tell, tell);
    else if (url.startsWith("/dist/")) sendScript(url, answer);
    else pass(target, asked, answer);
  });
  server.on("upgrade", (asked: IncomingMessage, socket: Socket, head: Buffer) =>
    passSocket(target, asked, socket, head),
  );
  await new Promise<void>((listens) => server.listen(0, "127.0.0.1", listens));
  const { port } = server.address() as AddressInfo;
  try {
    const url = `http://127.0.0.1:${port}/page`;
    return await withBrowser(browser, [url], () => within(found, "the page's result"));
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

/** What a page has become when its scripts have run, in a browser that knows no name and no other address. */
export function shownPage(browser: string, url: string): Promise<string> {
  const { hostname } = new URL(url);
  const alone = `--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE ${hostname}`;
  const flags = [alone, "--virtual-time-budget=10000", "--dump-dom", url];
  return withBrowser(browser, flags, (output) => within(text(output), "the page"));
}

async function withBrowser<Found>(
  browser: string,
  more: readonly string[],
  use: (output: Readable) => Promise<Found>,
): Promise<Found> {
  const profile = mkdtempSync("/tmp/trt-page-");
  const flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"];
  const child = spawn(browser, [...flags, `--user-data-dir=${profile}`, ...more], {
    stdio: ["ignore", "pipe", "ignore"],
    // A group of its own, as its many processes must end together.
    detached: true,
  });
  const ended = new Promise((exits) => child.once("exit", exits));
  try {
    return await use(child.stdout);
  } finally {
    endGroup(child.pid);
    await ended;
    await waitFor(() => isRemoved(profile), "the browser's folder to be gone");
  }
}

/** One that was asked for its page only has ended by itself. */
function endGroup(leader: number | undefined): void {
  try {
    if (leader !== undefined) process.kill(-leader, "SIGKILL");
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code !== "ESRCH") throw thrown;
  }
}

/** Throws while a process that is just dying writes to it. */
function isRemoved(folder: string): boolean {
  rmSync(folder, { recursive: true, force: true });
  return true;
}

function pageOf(script: string): string {
  return `<!doctype html><title>client</title><script type="module">
    const run = async () => { ${script} };
    const found = await run().catch((error) => ({ thrown: String(error.stack) }));
    await fetch("/found", { method: "POST", body: JSON.stringify(found) });
  </script>`;
}

async function readJson(asked: IncomingMessage, answer: ServerResponse): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of asked as AsyncIterable<Buffer>) chunks.push(chunk);
  answer.end();
  return JSON.parse(Buffer.concat(chunks).toString("utf8"));
}

function sendScript(url: string, answer: ServerResponse): void {
  answer.setHeader("content-type", "text/javascript").end(readFileSync(join(files, url)));
}

function pass(target: URL, asked: IncomingMessage, answer: ServerResponse): void {
  const { method, url, headers } = asked;
  const options = { host: target.hostname, port: target.port, method, path: url, headers };
  const passed = request(options, (came) => {
    answer.writeHead(came.statusCode ?? 502, came.headers);
    came.pipe(answer);
  });
  passed.on("error", () => answer.destroy());
  asked.pipe(passed);
}

function passSocket(target: URL, asked: IncomingMessage, socket: Socket, head: Buffer): void {
  const behind = connect(Number(target.port), target.hostname, () => {
    const headers = asked.rawHeaders.map((text, at) =>
      at % 2 === 0 ? `${text}: ` : `${text}\r\n`,
    );
    behind.write(`${asked.method} ${asked.url} HTTP/1.1\r\n${headers.join("")}\r\n`);
    behind.write(head);
    socket.pipe(behind).pipe(socket);
  });
  behind.on("error", () => socket.destroy());
  socket.on("error", () => behind.destroy());
}
