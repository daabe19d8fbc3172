import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nexusUpload } from "../../../src/front-door/neighbours/model-nexus.ts";
import { bodyOf } from "../calls.ts";
import { neighbours } from "./neighbours.ts";

const bounded = { timeout: 20_000 };
const example = { model_id: "m", features: [5.1, 3.5, 1.4, 0.2], request_id: "mine" };
const answered = '{"model_id":"m","request_id":"mine","prediction":[0.25,0.75],"confidence":0.75}';

describe("Model-Nexus's POST /predict", bounded, () => {
  it("goes to the host as it came, and back with its time", async (t) => {
    const { post, fake, permits, clock } = await neighbours(t);
    const pending = post("/predict", example);
    const call = await fake.call();
    assert.deepEqual(JSON.parse(bodyOf(call).toString()), example);
    assert.deepEqual([call.model, call.codec, call.requestId], ["m", "nexus", "mine"]);
    clock.advance(2.5);
    fake.done(call, answered);
    const { status, json, headers } = await pending;
    assert.equal(status, 200);
    assert.deepEqual(json, {
      ...JSON.parse(answered),
      latency_ms: 2.5,
      timestamp: new Date(clock.wall()).toISOString(),
    });
    assert.equal(headers["x-request-id"], "mine");
    assert.deepEqual([permits.requests, permits.bytes], [0, 0]);
  });

  it("has one id, which is the head's where both say one", async (t) => {
    const { send, fake } = await neighbours(t);
    const pending = send("POST", "/predict", example, { "x-request-id": "head" });
    const call = await fake.call();
    assert.equal(call.requestId, "head");
    fake.done(call, answered);
    assert.equal((await pending).headers["x-request-id"], "head");
  });

  it("gets an id where its own is null", async (t) => {
    const { post, fake } = await neighbours(t);
    post("/predict", { ...example, request_id: null }).catch(() => undefined);
    assert.match((await fake.call()).requestId, /^[0-9a-f]{24}$/);
  });

  it("is counted and logged as any prediction", async (t) => {
    const { post, fake, metrics, lines } = await neighbours(t);
    const pending = post("/predict", example);
    fake.done(await fake.call(), answered);
    await pending;
    assert.equal(metrics.route("POST", "/predict", 200).requests.value, 1);
    assert.equal(metrics.model("m", "1").predictions("ok").value, 1);
    assert.deepEqual(
      [lines.length, lines[0]?.["route"], lines[0]?.["model"]],
      [1, "/predict", "m"],
    );
  });

  it("is refused before its body is read where there is no room", async (t) => {
    const { post, permits } = await neighbours(t, { maxInFlight: 1 });
    permits.take(1);
    const { status, json } = await post("/predict", "no JSON");
    assert.deepEqual([status, json["code"]], [503, "overloaded"]);
  });

  const refused: readonly (readonly [unknown, number, string])[] = [
    ["{", 400, "invalid-request"],
    ["[]", 400, "invalid-request"],
    [{}, 400, "invalid-request"],
    [{ model_id: 7, features: [1] }, 400, "invalid-request"],
    [{ ...example, request_id: 7 }, 400, "invalid-request"],
    [{ ...example, model_id: "no" }, 404, "model-not-found"],
  ];
  for (const [body, status, code] of refused) {
    it(`answers ${JSON.stringify(body)} with ${status}`, async (t) => {
      const { post, permits } = await neighbours(t);
      const reply = await post("/predict", body);
      assert.deepEqual([reply.status, reply.json["code"]], [status, code]);
      assert.deepEqual(Object.keys(reply.json), ["error", "code", "request_id"]);
      assert.deepEqual([permits.requests, permits.bytes], [0, 0]);
    });
  }

  it("passes a host's failure on, under the caller's id", async (t) => {
    const { post, fake } = await neighbours(t);
    const pending = post("/predict", example);
    fake.failed(await fake.call(), "deadline-exceeded");
    const { status, json } = await pending;
    assert.deepEqual([status, json["request_id"]], [504, "mine"]);
  });

  it("takes no other verb", async (t) => {
    const { get } = await neighbours(t);
    const { status, headers } = await get("/predict");
    assert.deepEqual([status, headers["allow"]], [405, "POST"]);
  });
});

describe("Model-Nexus's GET /models/info", bounded, () => {
  it("describes a model by ONNX's numbers", async (t) => {
    const { get } = await neighbours(t);
    const { status, json } = await get("/models/info?id=m");
    assert.equal(status, 200);
    assert.deepEqual(json, {
      id: "m",
      name: "m",
      version: "1",
      inputs: [{ name: "x", dtype: 11, shape: [-1, 4] }],
      outputs: [{ name: "y", dtype: 7, shape: [-1] }],
    });
  });

  it("refuses an unknown model, and two ids", async (t) => {
    const { get } = await neighbours(t);
    const unknown = await get("/models/info?id=no");
    const twice = await get("/models/info?id=m&id=m");
    assert.deepEqual([unknown.status, unknown.json["code"]], [404, "model-not-found"]);
    assert.deepEqual([twice.status, twice.json["code"]], [400, "invalid-request"]);
  });

  it("leaves a model that is named info its own routes", async (t) => {
    const { get } = await neighbours(t);
    assert.deepEqual((await get("/models/info")).json, { type: "model", model: "info" });
  });
});

describe("Model-Nexus's POST /models/upload", bounded, () => {
  const version = {
    id: "iris",
    version: "2",
    path: "iris/2/model.onnx",
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
    outputs: [{ name: "y", datatype: "INT64", shape: [-1] }],
  };

  it("answers with model and info", () => {
    const { model, info, ...own } = JSON.parse(nexusUpload(JSON.stringify(version)));
    assert.deepEqual(model, { id: "iris", name: "iris", version: "2", path: "iris/2/model.onnx" });
    assert.deepEqual(info, {
      inputs: [{ name: "x", dtype: 1, shape: [-1, 4] }],
      outputs: [{ name: "y", dtype: 7, shape: [-1] }],
    });
    assert.deepEqual(own, version);
  });
});
