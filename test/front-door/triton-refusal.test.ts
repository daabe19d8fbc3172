import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tritonRefusal } from "../../src/front-door/triton-refusal.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { noSuchModel, noSuchVersion } from "../../src/protocol/model-refusals.ts";
import { model } from "./door-parts.ts";
import { neighbours } from "./neighbours/neighbours.ts";

const infer = "/v2/models/m/infer";
const load = "/v2/repository/models/m/load";
const unknown = "Request for unknown model:";

describe("tritonRefusal", () => {
  const rows: readonly (readonly [ErrorCode, string, string, number, string])[] = [
    ["model-not-found", noSuchModel("m").message, infer, 400, `${unknown} 'm' is not found`],
    [
      "model-not-found",
      noSuchModel("m").message,
      "/v2/models/m/stats",
      400,
      "requested model 'm' is not available",
    ],
    [
      "model-not-found",
      noSuchVersion("m", "9", [{ version: "1" }]).message,
      "/v2/models/m/versions/9/infer?x=1",
      404,
      `${unknown} 'm' version 9 is not found`,
    ],
    [
      "model-unavailable",
      "model 'm' cannot be served: it is broken",
      infer,
      404,
      `${unknown} 'm' has no available versions`,
    ],
    ["model-unavailable", "loading", infer, 503, `${unknown} 'm' is not at ready state`],
    [
      "model-unavailable",
      "loading",
      "/v2/models/m/versions/1/infer",
      503,
      `${unknown} 'm' version 1 is not at ready state`,
    ],
    [
      "invalid-request",
      "Failed to parse 'data' field: shape does not match true shape: input 'x'",
      infer,
      500,
      "Failed to parse 'data' field: shape does not match true shape: input 'x'",
    ],
    [
      "invalid-request",
      "Unable to parse 'data': Shape",
      infer,
      500,
      "Unable to parse 'data': Shape",
    ],
    ["invalid-request", "Unable to parse 'shape': -1", infer, 500, "Unable to parse 'shape': -1"],
    ["invalid-request", "unexpected shape", infer, 400, "unexpected shape"],
    ["overloaded", "full", infer, 503, "Exceeds maximum queue size"],
    ["deadline-exceeded", "late", infer, 503, "Request timeout expired"],
    ["not-found", "no route", "/v2/x", 404, "Not Found"],
    ["method-not-allowed", "takes POST", infer, 405, "Method Not Allowed"],
    ["conflict", "failed to load 'm': busy", load, 400, "failed to load 'm': busy"],
    ["model-not-found", "failed to load 'm': no", load, 400, "failed to load 'm': no"],
    ["model-not-found", "failed to unload 'm': no", load, 400, "failed to unload 'm': no"],
    ["model-unavailable", "failed to load 'm': later", load, 503, "failed to load 'm': later"],
    ["draining", "failed to load 'm': over", load, 503, "failed to load 'm': over"],
    ["unsupported-media-type", "content-encoding", infer, 501, "content-encoding"],
    ["payload-too-large", "too large", infer, 400, "too large"],
  ];
  for (const [code, message, url, status, error] of rows) {
    it(`says ${status} for ${code}: ${message}`, () => {
      assert.deepEqual(tritonRefusal({ code, message }, url), { status, error });
    });
  }
});

describe("compat: { triton: true }", { timeout: 20_000 }, () => {
  const rows: readonly (readonly [string, string, number, unknown])[] = [
    ["POST", "/v2/models/no/infer", 400, { error: `${unknown} 'no' is not found` }],
    ["GET", "/v2/models/no", 400, { error: `${unknown} 'no' is not found` }],
    ["GET", "/v2/nothing", 404, { error: "Not Found" }],
    ["GET", infer, 405, { error: "Method Not Allowed" }],
    ["GET", "/v2/health/live", 200, {}],
    ["GET", "/v2/health/ready", 400, {}],
    ["GET", "/v2/models/m/ready", 400, { error: "Model version not ready" }],
  ];
  for (const [method, path, status, json] of rows) {
    it(`answers ${method} ${path} as Triton does`, async (t) => {
      const { send, directory } = await neighbours(t, { compatTriton: true });
      directory.server = { draining: true, started: true, changesRefused: null };
      const reply = await send(method, path, method === "POST" ? "{}" : undefined);
      assert.deepEqual([reply.status, reply.json], [status, json]);
    });
  }

  it("answers health of the one model that the query names, under the caller's id", async (t) => {
    const { send, directory } = await neighbours(t, { compatTriton: true });
    const id = { "x-request-id": "mine" };
    directory.server = { draining: false, started: true, changesRefused: null };
    const ready = await send("GET", "/v2/health/ready", undefined, id);
    assert.deepEqual([ready.status, ready.headers["x-request-id"]], [200, "mine"]);
    directory.update(model("ill", { state: "unavailable", hosts: [] }));
    assert.equal((await send("GET", "/v2/health/ready?model=m")).status, 200);
    assert.equal((await send("GET", "/v2/health/ready?model=ill")).status, 400);
    const unheard = await send("GET", "/v2/health/ready?model=no");
    assert.deepEqual(unheard.json, { error: "Request for unknown model: 'no' is not found" });
  });

  it("leaves what is not under /v2 as it is", async (t) => {
    const { post } = await neighbours(t, { compatTriton: true });
    const { status, json } = await post("/predict/no", "{}");
    assert.deepEqual([status, json["code"]], [404, "model-not-found"]);
  });

  it("is off by itself", async (t) => {
    const { post } = await neighbours(t);
    assert.equal((await post("/v2/models/no/infer", "{}")).status, 404);
  });
});
