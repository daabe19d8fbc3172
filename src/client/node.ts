/* `troupe/client` in Node: its WebSocket is that of `ws`, as Node 20 has none of its own. */
import type { ClientRequest, IncomingMessage } from "node:http";
import { Readable } from "node:stream";
import type { RawData, WebSocket } from "ws";
import { Client, type ClientOptions } from "./client.ts";
import { errorOfAnswer, type RawAnswer } from "./client-error.ts";
import { unreachable } from "./http.ts";
import type { FormRequest, Headers, Platform, Socket, SocketListeners } from "./platform.ts";

// biome-ignore lint/performance/noBarrelFile: with browser.ts this is the package's face.
export { TroupeClientError } from "./client-error.ts";
export type * from "./face.ts";

export class TroupeClient extends Client {
  constructor(url: string | URL, options: ClientOptions = {}) {
    super(url, options, nodePlatform);
  }
}

/** A server that takes a connection and never answers is not there. */
const openingMs = 30_000;
/** For the other side's goodbye; past it the connection is cut, as a server that hangs would keep the program alive. */
const closingMs = 2_000;

const nodePlatform: Platform = { openSocket, sendForm };

async function openSocket(
  url: string,
  headers: Headers,
  listeners: SocketListeners,
): Promise<Socket> {
  const ws = await import("ws");
  const timeouts = { handshakeTimeout: openingMs, closeTimeout: closingMs };
  const socket = new ws.WebSocket(url, { headers, ...timeouts });
  // Before it is open, since the first message may come with the answer to the upgrade.
  socket.on("message", (data: RawData, isBinary: boolean) =>
    listeners.onMessage(isBinary ? new Uint8Array(data as Buffer) : String(data)),
  );
  const giveUp = () => socket.terminate();
  listeners.signal.addEventListener("abort", giveUp);
  if (listeners.signal.aborted) giveUp();
  await opened(socket, url, listeners).finally(() =>
    listeners.signal.removeEventListener("abort", giveUp),
  );
  return { send: (message) => socket.send(message, () => undefined), close: () => socket.close() };
}

/** A refusal comes as an answer over HTTP, whose body says why. */
function opened(socket: WebSocket, url: string, { onClose }: SocketListeners): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("open", () => {
      socket.on("close", (code, reason) => onClose(code, String(reason)));
      resolve();
    });
    socket.on("error", (error) => reject(unreachable(new URL(url), error)));
    socket.once("unexpected-response", (request: ClientRequest, response: IncomingMessage) => {
      readAnswer(response)
        .then((answer) => reject(errorOfAnswer(answer)), reject)
        .finally(() => request.destroy());
    });
  });
}

async function sendForm(form: FormRequest): Promise<RawAnswer> {
  const { protocol } = new URL(form.url);
  const { request } = await (protocol === "https:" ? import("node:https") : import("node:http"));
  const headers = { ...form.headers, "content-length": form.body.size };
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => reject(unreachable(new URL(form.url), error));
    const options = { method: "POST", headers, ...(form.signal && { signal: form.signal }) };
    const sending = request(form.url, options, (response) => {
      readAnswer(response).then(resolve, fail);
    });
    sending.on("error", fail);
    feed(sending, form).catch((error: unknown) => {
      fail(error);
      // The rest of the body never comes: without this the server, and our process, would wait for it.
      sending.destroy();
    });
  });
}

/** A server that has answered before the end reads no further. */
async function feed(sending: ClientRequest, { body, onSent }: FormRequest): Promise<void> {
  let sent = 0;
  const chunks = Readable.fromWeb(body.stream() as Parameters<typeof Readable.fromWeb>[0]);
  for await (const chunk of slicesOf(chunks as AsyncIterable<Uint8Array>)) {
    if (sending.destroyed || sending.closed) return;
    if (!sending.write(chunk)) await drained(sending);
    sent += chunk.length;
    onSent(sent);
  }
  sending.end();
}

const sliceBytes = 65_536;

/** What lies in memory comes in one piece, of which there would be no progress, and nothing to abort. */
async function* slicesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += sliceBytes) yield chunk.subarray(at, at + sliceBytes);
  }
}

function drained(sending: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      sending.off("drain", end);
      sending.off("close", end);
      resolve();
    };
    sending.on("drain", end);
    sending.on("close", end);
  });
}

async function readAnswer(response: IncomingMessage): Promise<RawAnswer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of response as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return {
    status: response.statusCode ?? 0,
    body: new Uint8Array(Buffer.concat(chunks)),
    header: (name) => String(response.headers[name] ?? "") || null,
  };
}
