import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainRoutes } from "../../src/front-door/plain-routes.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { Question } from "../../src/protocol/questions.ts";
import { doorParts, model } from "./door-parts.ts";

const metadata: ModelMetadata = {
  inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4], batchAxis: 0 }],
  outputs: [{ name: "y", datatype: "INT64", shape: [-1], batchAxis: 0 }],
  batching: { type: "batched", maxBatchSize: 64 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

function setUp() {
  const parts = doorParts();
  parts.directory.update(model("m", { metadata }));
  const state = { draining: false };
  const ask = async ({ type }: Question) => `{"${type}":1}`;
  const app = plainRoutes({
    ...parts,
    ask,
    tell: () => undefined,
    isDraining: () => state.draining,
  });
  return { ...parts, app, state };
}

type Method = "GET" | "POST" | "PUT" | "DELETE";

async function get(url: string, method: Method = "GET", parts = setUp()) {
  const headers = { "x-request-id": "r-1" };
  const response = await parts.app.inject({ method, url, headers });
  return { ...parts, response };
}

describe("The plain routes", { timeout: 20_000 }, () => {
  const rows: readonly (readonly [string, number])[] = [
    ["/livez", 200],
    ["/v2/health/live", 200],
    ["/readyz", 200],
    ["/readyz?model=m", 200],
    ["/readyz?model=no", 404],
    ["/v2/health/ready", 200],
    ["/health", 200],
    ["/v2", 200],
    ["/v2/models/m", 200],
    ["/v2/models/m/versions/1", 200],
    ["/v2/models/m/versions/9", 404],
    ["/v2/models/no", 404],
    ["/v2/models/m/ready", 200],
    ["/v2/models/m/versions/1/ready", 200],
    ["/v2/models/no/ready", 404],
    ["/supervisor", 200],
    ["/metrics", 200],
    ["/models", 200],
    ["/models/m", 200],
    ["/models/upload", 200],
    ["/models/m/versions/1", 200],
    ["/models/m/config", 200],
    ["/models/.m", 404],
    ["/events", 400],
    ["/elsewhere", 404],
    ["/v2/models/%zz", 400],
  ];
  for (const [url, status] of rows) {
    it(`answers ${url} with ${status}, and the caller's id`, async () => {
      const { response } = await get(url);
      assert.deepEqual([response.statusCode, response.headers["x-request-id"]], [status, "r-1"]);
    });
  }

  const verbs: readonly (readonly [Method, string, string])[] = [
    ["POST", "/livez", "GET"],
    ["DELETE", "/v2/models/m", "GET"],
    ["GET", "/predict/m", "POST"],
    ["PUT", "/models", "GET, POST"],
    ["POST", "/models/m", "GET, PATCH, DELETE"],
    ["GET", "/models/m/load", "POST"],
    ["POST", "/models/m/config", "GET"],
    ["PUT", "/models/m/versions/1", "GET, DELETE"],
    ["PUT", "/v2/models/m/versions/1/infer", "POST"],
  ];
  for (const [method, url, allowed] of verbs) {
    it(`refuses ${method} ${url} with what it takes`, async () => {
      const { response } = await get(url, method);
      const { statusCode, headers } = response;
      assert.deepEqual([statusCode, headers["allow"]], [405, allowed]);
      assert.equal(response.json().code, "method-not-allowed");
    });
  }

  it("says what went wrong in the shape of all failures", async () => {
    const { response } = await get("/elsewhere?x=1");
    assert.deepEqual(response.json(), {
      error: "no route GET /elsewhere",
      code: "not-found",
      request_id: "r-1",
    });
  });

  it("describes a model as Open Inference does", async () => {
    const { name, versions, platform, inputs, outputs } = (
      await get("/v2/models/m")
    ).response.json();
    assert.deepEqual(
      { name, versions, platform, inputs, outputs },
      {
        name: "m",
        versions: ["1"],
        platform: "onnxruntime_onnx",
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
        outputs: [{ name: "y", datatype: "INT64", shape: [-1] }],
      },
    );
  });

  it("is not ready before the models are loaded", async () => {
    const parts = setUp();
    parts.directory.server = { ...parts.directory.server, started: false };
    const { response } = await get("/readyz", "GET", parts);
    assert.deepEqual(
      [response.statusCode, response.json()],
      [503, { ready: false, live: true, reasons: ["models are being loaded"] }],
    );
  });

  it("is live although it is not ready", async () => {
    const parts = setUp();
    parts.directory.server = { ...parts.directory.server, draining: true };
    assert.equal((await get("/livez", "GET", parts)).response.statusCode, 200);
  });

  it("says of a model that it is not ready, and why", async () => {
    const parts = setUp();
    parts.directory.update(model("m", { state: "unavailable", reason: "broken" }));
    const { response } = await get("/v2/models/m/ready", "GET", parts);
    assert.deepEqual([response.statusCode, response.json().ready], [503, false]);
  });

  it("passes on what the supervisor says", async () => {
    const { response } = await get("/supervisor");
    assert.equal(response.body, '{"tree":1}');
    assert.match(String(response.headers["content-type"]), /^application\/json/);
  });

  it("says so when the supervisor does not answer", async () => {
    const parts = doorParts();
    const ask = async () => {
      throw new TroupeError("model-unavailable", "no word", { retryAfterMs: 1_000 });
    };
    const app = plainRoutes({ ...parts, ask, tell: () => undefined, isDraining: () => false });
    const response = await app.inject({ url: "/metrics" });
    assert.deepEqual([response.statusCode, response.headers["retry-after"]], [503, "1"]);
  });

  it("keeps the words of its own bugs inside", async () => {
    const parts = doorParts();
    const ask = async () => {
      throw new Error("secret");
    };
    const app = plainRoutes({ ...parts, ask, tell: () => undefined, isDraining: () => false });
    const response = await app.inject({ url: "/metrics" });
    assert.deepEqual([response.statusCode, response.json().error], [500, "internal error"]);
  });

  for (const url of ["/livez", "/elsewhere"] as const) {
    it(`ends the connection while it drains: ${url}`, async () => {
      const parts = setUp();
      parts.state.draining = true;
      const { response } = await get(url, "GET", parts);
      assert.equal(response.headers["connection"], "close");
    });
  }

  it("counts requests by route, not by path", async () => {
    const { metrics } = await get("/v2/models/m/ready");
    assert.equal(metrics.route("GET", "/v2/models/{model}/ready", 200).requests.value, 1);
  });

  it("counts all paths that nobody knows as one", async () => {
    const { metrics } = await get("/a/b/c");
    assert.equal(metrics.route("GET", "other", 404).requests.value, 1);
  });
});
