import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bodyOf } from "../calls.ts";
import { until } from "../until.ts";
import { type Json, neighbours } from "./neighbours.ts";

const bounded = { timeout: 20_000 };
const example = { model: "m", features: [1, 2, 3, 4], parameters: {} };

describe("The inference platform's POST /infer", bounded, () => {
  it("answers with the result, and what it is of", async (t) => {
    const { post, fake, permits, clock } = await neighbours(t);
    const pending = post("/infer", example);
    const call = await fake.call();
    assert.deepEqual([call.model, call.codec, call.pinned], ["m", "platform", false]);
    clock.advance(3);
    fake.done(call, '{"predictions":[0]}');
    const { status, json } = await pending;
    assert.equal(status, 200);
    assert.deepEqual(json, {
      success: true,
      result: { predictions: [0] },
      model_used: "m:1",
      latency_ms: 3,
      request_id: call.requestId,
      timestamp: new Date(clock.wall()).toISOString(),
      metadata: { model_type: "onnx" },
    });
    assert.equal(permits.requests, 0);
  });

  it("takes the version that it names", async (t) => {
    const { post, fake } = await neighbours(t);
    post("/infer", { ...example, version: "1" }).catch(() => undefined);
    assert.deepEqual((await fake.call()).pinned, true);
    assert.equal((await post("/infer", { ...example, version: "9" })).status, 404);
  });

  it("takes the default model where it names none", async (t) => {
    const { post, fake } = await neighbours(t, { defaultModel: "m" });
    post("/infer", { inputs: { x: [1] } }).catch(() => undefined);
    assert.equal((await fake.call()).model, "m");
  });

  const refused: readonly (readonly [unknown, number])[] = [
    ["no JSON", 400],
    [{ features: [1] }, 400],
    [{ ...example, model: 7 }, 400],
    [{ ...example, version: 1 }, 400],
    [{ ...example, parameters: [] }, 400],
    [{ ...example, model: "no" }, 404],
  ];
  for (const [body, status] of refused) {
    it(`answers ${JSON.stringify(body)} with ${status}`, async (t) => {
      const { post, permits } = await neighbours(t);
      const reply = await post("/infer", body);
      assert.equal(reply.status, status);
      assert.deepEqual(Object.keys(reply.json), ["error", "code", "request_id"]);
      assert.equal(permits.requests, 0);
    });
  }
});

describe("The inference platform's POST /infer/batch", bounded, () => {
  it("answers in order, each for itself", async (t) => {
    const { post, fake, permits, lines } = await neighbours(t);
    const requests = [{ ...example, features: [1] }, { model: "no" }, {}, example, example];
    const pending = post("/infer/batch", { requests });
    const calls = [await fake.call(1), await fake.call(2), await fake.call(3)];
    assert.deepEqual(JSON.parse(bodyOf(calls[0] ?? { body: [] }).toString()), requests[0]);
    const [first, second, third] = calls;
    if (!first || !second || !third) throw new Error("three calls were awaited");
    fake.done(third, '{"predictions":[3]}');
    fake.failed(second, "inference-failed");
    fake.done(first, '{"predictions":[1]}');
    const { status, json } = await pending;
    const items = json as unknown as readonly Json[];
    assert.equal(status, 200);
    assert.deepEqual(
      items.map(({ success, code, result }) => [success, code ?? result]),
      [
        [true, { predictions: [1] }],
        [false, "model-not-found"],
        [false, "invalid-request"],
        [false, "inference-failed"],
        [true, { predictions: [3] }],
      ],
    );
    assert.deepEqual(Object.keys(items[1] ?? {}), [
      "success",
      "error",
      "code",
      "latency_ms",
      "request_id",
      "timestamp",
    ]);
    assert.deepEqual([permits.requests, permits.bytes], [0, 0]);
    assert.deepEqual(lines.map(({ status: of }) => of).sort(), [200, 200, 404, 500]);
  });

  const many = Array.from({ length: 101 }, () => example);
  for (const [words, requests] of [
    ["no requests", []],
    ["more than a hundred", many],
    ["no list", {}],
  ] as const) {
    it(`refuses ${words}`, async (t) => {
      const { post, permits } = await neighbours(t);
      const { status, json } = await post("/infer/batch", { requests });
      assert.deepEqual([status, json["code"]], [400, "invalid-request"]);
      assert.equal(permits.requests, 0);
    });
  }

  it("gives all back when its caller leaves", async (t) => {
    const { post, fake, permits, http } = await neighbours(t);
    const pending = post("/infer/batch", { requests: [example, example] }).catch(() => undefined);
    await fake.call(2);
    assert.equal(permits.requests, 3);
    http.server.closeAllConnections();
    await pending;
    await until(() => permits.requests === 0);
    assert.equal(fake.cancelled.length, 2);
  });
});

describe("The inference platform's other routes", bounded, () => {
  it("say that the server lives, and is ready", async (t) => {
    const { get } = await neighbours(t);
    const live = await get("/health/live");
    const ready = await get("/health/ready");
    assert.deepEqual([live.status, live.json], [200, { status: "alive" }]);
    assert.deepEqual([ready.status, ready.json], [200, { status: "ready", reasons: [] }]);
  });

  it("say with 503 that it is not ready", async (t) => {
    const { get, directory } = await neighbours(t);
    directory.server = { draining: true, started: true, changesRefused: null };
    const { status, json } = await get("/health/ready");
    assert.deepEqual([status, json["status"]], [503, "not_ready"]);
  });

  it("name what is loaded in /health, with versions", async (t) => {
    const { get } = await neighbours(t);
    const { json } = await get("/health");
    const { version, uptime_seconds } = json;
    assert.deepEqual(json["models_loaded"], ["m:1"]);
    assert.deepEqual([typeof version, typeof uptime_seconds], ["string", "number"]);
  });

  it("list models as an array where that is asked", async (t) => {
    const say = () => '{"models":[{"name":"m"}],"count":1}';
    const { get } = await neighbours(t, { say });
    assert.deepEqual((await get("/models")).json, { models: [{ name: "m" }], count: 1 });
    assert.deepEqual((await get("/models?format=array")).json, [{ name: "m" }]);
    assert.equal((await get("/models?format=table")).status, 400);
  });

  const page = [
    "# TYPE model_predictions_total counter",
    'model_predictions_total{model_id="m",version="1",status="ok"} 3',
    'model_predictions_total{model_id="m",version="1",status="invalid-request"} 1',
    'model_predictions_total{model_id="gone",version="1",status="ok"} 7',
    'troupe_stage_duration_seconds_sum{model_id="m",stage="total"} 0.02',
    'troupe_stage_duration_seconds_count{model_id="m",stage="total"} 4',
    'troupe_stage_duration_seconds_sum{model_id="m",stage="run"} 5',
  ].join("\n");

  it("tell figures of the models that are there as JSON", async (t) => {
    const { get, clock } = await neighbours(t, { say: () => page });
    const { json } = await get("/metrics", { accept: "application/json" });
    assert.deepEqual(json, {
      total_requests: 4,
      successful_requests: 3,
      failed_requests: 1,
      average_latency_ms: 5,
      requests_per_model: { m: 4 },
      timestamp: new Date(clock.wall()).toISOString(),
    });
  });

  for (const [accept, isJson] of [
    ["application/json, text/plain, */*", true],
    ["text/plain;q=0.5, application/json", true],
    ["text/plain, application/json", false],
    ["application/json;q=0", false],
    ["application/jsonlines", false],
    ["text/plain;version=0.0.4;q=0.4,*/*;q=0.1", false],
  ] as const) {
    it(`are ${isJson ? "JSON" : "text"} for ${accept}`, async (t) => {
      const { get } = await neighbours(t, { say: () => page });
      const { headers } = await get("/metrics", { accept });
      assert.equal(headers["content-type"]?.startsWith("application/json"), isJson);
    });
  }

  it("leave Prometheus its text", async (t) => {
    const { get } = await neighbours(t, { say: () => page });
    for (const accept of ["*/*", "application/openmetrics-text,text/plain;q=0.5"]) {
      assert.equal((await get("/metrics", { accept })).text, page);
    }
  });
});
