import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";
import { request } from "node:http";
import type { TestContext } from "node:test";
import { HttpServer } from "../../../src/front-door/http-server.ts";
import { plainRoutes } from "../../../src/front-door/plain-routes.ts";
import { predictRoute } from "../../../src/front-door/predict-route.ts";
import { SharedSeats } from "../../../src/front-door/shared-seats.ts";
import type { DoorSettings } from "../../../src/protocol/control.ts";
import type { ModelMetadata } from "../../../src/protocol/model-metadata.ts";
import type { Question } from "../../../src/protocol/questions.ts";
import { doorParts, model } from "../door-parts.ts";

const metadata: ModelMetadata = {
  inputs: [{ name: "x", datatype: "FP64", shape: [-1, 4], batchAxis: 0 }],
  outputs: [{ name: "y", datatype: "INT64", shape: [-1], batchAxis: 0 }],
  batching: { type: "batched", maxBatchSize: 64 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

export type Json = Readonly<Record<string, unknown>>;

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly json: Json;
}

export interface Options extends Partial<DoorSettings> {
  /** What the supervisor says; by default the question itself. */
  readonly say?: (question: Question) => string;
}

/** A front door that has the model `m`, version 1, with all its routes. */
export async function neighbours(
  t: TestContext,
  { say = JSON.stringify, ...changed }: Options = {},
) {
  const parts = doorParts(changed);
  parts.directory.update(model("m", { metadata }));
  const isDraining = () => false;
  const ask = async (question: Question) => say(question);
  const app = plainRoutes({ ...parts, ask, tell: () => undefined, isDraining });
  const sharedSeats = new SharedSeats();
  const hot = predictRoute({ ...parts, ...parts.settings, sharedSeats, isDraining });
  await app.ready();
  const http = new HttpServer(parts.clock, hot, (...exchange) => app.routing(...exchange));
  const port = await http.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => {
    http.server.closeAllConnections();
    http.server.close();
  });
  const send = (method: string, path: string, body?: unknown, headers: OutgoingHttpHeaders = {}) =>
    exchange(port, { method, path, body, headers });
  const get = (path: string, headers?: OutgoingHttpHeaders) =>
    send("GET", path, undefined, headers);
  return {
    ...parts,
    http,
    send,
    get,
    post: (path: string, body?: unknown) => send("POST", path, body),
  };
}

interface Sent {
  readonly method: string;
  readonly path: string;
  /** A text is sent as it is. */
  readonly body: unknown;
  readonly headers: OutgoingHttpHeaders;
}

function exchange(port: number, { method, path, body, headers }: Sent): Promise<Reply> {
  const text = typeof body === "string" || body === undefined ? body : JSON.stringify(body);
  const length = text === undefined ? {} : { "content-length": Buffer.byteLength(text) };
  const options = { port, host: "127.0.0.1", method, path, headers: { ...length, ...headers } };
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, agent: false }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("end", () => {
        const got = Buffer.concat(chunks).toString();
        const isJson = response.headers["content-type"]?.includes("json") === true;
        const json = isJson && got !== "" ? JSON.parse(got) : {};
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text: got, json });
      });
    });
    sent.on("error", reject);
    sent.end(text);
  });
}
