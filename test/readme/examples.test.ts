import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { promisify } from "node:util";
import { greeting } from "../../supervisor/greeting.ts";
import { startReady } from "../cluster/cluster.ts";
import { openSocket } from "../cluster/frame-socket.ts";
import { freePort } from "../cluster/grpc-client.ts";
import { parseCurl } from "./curl-line.ts";
import { blocksOf, examplesIn, readme, repository, sectionOf, tableOf } from "./readme.ts";
import { assertShown } from "./shown-answer.ts";
import { assertReply } from "./shown-reply.ts";

const shownUrl = "http://127.0.0.1:8080";
const shownHost = "127.0.0.1:8080";
const shownGrpc = "127.0.0.1:8081";

/** A copy, as the examples change it. */
const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
for (const name of ["digits", "iris", "smoother"]) {
  cpSync(resolve(repository, "models", name), join(modelsFolder, name), { recursive: true });
}

const grpcPort = await freePort();
const cluster = await startReady(
  { after },
  { home, modelsFolder, flags: ["--front-doors", "1", "--grpc-port", String(grpcPort)] },
);

/** Examples in it are for another server. */
const refusals = sectionOf(readme, "Triton's refusals");
const curls = examplesIn(readme, "sh")
  .filter(({ call }) => call.text.startsWith("curl"))
  .filter(({ call }) => !refusals.includes(call.text));
const scripts = examplesIn(readme, "js");

describe("the README's examples", () => {
  it("are there, each with its answer", () => {
    const blocks = blocksOf(readme);
    assert.ok(curls.length > 0 && scripts.length > 0);
    const calls = blocks.filter(({ text }) => text.startsWith("curl"));
    assert.equal(curls.length + examplesIn(refusals, "sh").length, calls.length);
    assert.equal(scripts.length, blocks.filter(({ language }) => language === "js").length);
  });

  // In the order of the page, where some build on what those before have done.
  const examples = [...curls, ...scripts].toSorted((a, b) => a.call.line - b.call.line);
  for (const { call, answer } of examples) {
    it(`answers line ${call.line} as shown`, async () => {
      if (call.language === "js") {
        assertShown(linesOf(await run(call.text)), linesOf(answer.text));
        return;
      }
      const { origin, ask } = parseCurl(call.text);
      assert.equal(origin, shownUrl);
      assertReply(await cluster.send<unknown>(ask), answer);
    });
  }
});

/** What a script prints. */
async function run(script: string): Promise<string> {
  const code = script
    .replaceAll(shownHost, new URL(cluster.url).host)
    .replaceAll(shownGrpc, `127.0.0.1:${grpcPort}`);
  const flags = ["--input-type=module", "--eval", code];
  const options = { cwd: repository, timeout: 30_000 };
  const { stdout } = await promisify(execFile)(process.execPath, flags, options);
  return stdout;
}

function linesOf(text: string): readonly unknown[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
}

interface Metadata {
  readonly inputs: readonly { readonly datatype: string; readonly shape: readonly number[] }[];
  readonly parameters: { readonly description: string; readonly sequence?: object };
}

/** Of a served model, as far as the greeting asks. */
async function viewOf(name: string): Promise<Parameters<typeof greeting>[1][number]> {
  const { json } = await cluster.get<Metadata>(`/v2/models/${name}`);
  const { inputs, parameters } = json;
  const { state, stream } = { state: [], stream: null, ...parameters.sequence };
  const version = {
    version: "1",
    state: "ready",
    reason: null,
    metadata: { inputs, state, stream },
  };
  const view = { name, problem: null, description: parameters.description, versions: [version] };
  return view as unknown as Parameters<typeof greeting>[1][number];
}

describe("the README's picture of a start", () => {
  it("is what a terminal shows", async () => {
    const views = await Promise.all(["digits", "iris", "smoother"].map(viewOf));
    const shown = blocksOf(readme).find(({ text }) => text.startsWith("Troupe serves"));
    assert.equal(greeting(shownUrl, views).trim(), shown?.text.trim());
  });
});

interface Route {
  readonly method: string;
  readonly path: string;
  readonly request: string;
  readonly statuses: readonly string[];
}

describe("the README's table of routes", () => {
  const head = ["method", "path", "request", "answer", "statuses"];
  const routes = tableOf(readme, head).map(
    ([method = "", path = "", request = "", _answer, statuses = ""]): Route => ({
      method,
      path,
      request,
      statuses: statuses.split(/, | /),
    }),
  );

  for (const route of routes) {
    it(`names what is there: ${route.method} ${route.path}`, async () => {
      if (route.request === "WebSocket upgrade") await assertUpgrade(route);
      else if (isChange(route)) await assertChange(route);
      else await assertAnswer(route);
    });
  }
});

function pathOf({ path }: Route, model: string): string {
  return path
    .replace("{model}", model)
    .replace("{version}", "1")
    .replace("{file}", "swagger-ui.css");
}

async function assertUpgrade(route: Route): Promise<void> {
  const socket = await openSocket(cluster.url, pathOf(route, "iris"));
  socket.close();
  assert.ok(route.statuses.includes("101"));
}

/** Of a model that is there: this would do it. */
function isChange({ method, path }: Route): boolean {
  return ["PATCH", "DELETE"].includes(method) || /\/(load|unload|restart)$/.test(path);
}

async function assertChange(route: Route): Promise<void> {
  const { method, statuses } = route;
  const body = method === "PATCH" ? {} : undefined;
  const { json } = await cluster.send({ method, path: pathOf(route, "nobody"), body });
  assert.equal(json.code, "model-not-found");
  assert.ok(statuses.includes("404"));
}

async function assertAnswer(route: Route): Promise<void> {
  const { method, request, statuses } = route;
  const { status } = await cluster.send({ method, path: pathOf(route, "iris") });
  const refusal = request.startsWith("multipart") ? 415 : 400;
  const isWhole = method === "GET" || request.startsWith("JSON, optional");
  assert.equal(status, isWhole ? 200 : refusal);
  assert.ok(method === "POST" || statuses.includes("200"));
}

describe("the README's table of metrics", () => {
  const rows = tableOf(readme, ["metric", "type", "labels", "meaning"]);

  it("names every metric with its type and meaning", async () => {
    const { text } = await cluster.get("/metrics");
    const types = new Map(commentsIn(text, "TYPE"));
    const served = commentsIn(text, "HELP").map(([name, help]) => [name, types.get(name), help]);
    const listed = rows.map(([name, type, _labels, meaning]) => [name, type, meaning]);
    assert.deepEqual(sorted(listed), sorted(served));
  });

  it("names the labels of each", async () => {
    await cluster.predict("iris", { features: [5.1, 3.5, 1.4, 0.2] });
    const listed = new Map(rows.map(([name, _type, labels]) => [name, labels]));
    for (const { name, labels } of await cluster.metrics()) {
      const metric = listed.has(name) ? name : name.replace(/_(bucket|sum|count)$/, "");
      const names = Object.keys(labels).filter((label) => label !== "le");
      assert.equal(names.join(", "), listed.get(metric), metric);
    }
  });
});

function commentsIn(page: string, kind: string): readonly (readonly [string, string])[] {
  const lines = page.matchAll(new RegExp(`^# ${kind} (\\w+) (.*)$`, "gm"));
  return [...lines].map(([, name = "", text = ""]) => [name, text]);
}

function sorted<Row extends readonly unknown[]>(rows: readonly Row[]): readonly Row[] {
  return rows.toSorted((a, b) => (String(a[0]) < String(b[0]) ? -1 : 1));
}
