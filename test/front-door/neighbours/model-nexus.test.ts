import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { neighbours } from "./neighbours.ts";

describe("Model-Nexus's routes", { timeout: 20_000 }, () => {
  it("describe a model by ONNX's numbers", async () => {
    const response = await neighbours().app.inject({ url: "/models/info?id=m" });
    assert.equal(response.statusCode, 200);
    assert.deepEqual(response.json(), {
      id: "m",
      name: "m",
      version: "1",
      inputs: [{ name: "x", dtype: 11, shape: [-1, 4] }],
      outputs: [{ name: "y", dtype: 7, shape: [-1] }],
    });
  });

  it("refuse an unknown model, and two ids", async () => {
    const { app } = neighbours();
    const unknown = await app.inject({ url: "/models/info?id=no" });
    const twice = await app.inject({ url: "/models/info?id=m&id=m" });
    assert.deepEqual([unknown.statusCode, unknown.json().code], [404, "model-not-found"]);
    assert.deepEqual([twice.statusCode, twice.json().code], [400, "invalid-request"]);
  });

  it("leave a model that is named info its own routes", async () => {
    const response = await neighbours().app.inject({ url: "/models/info" });
    assert.deepEqual(response.json(), { type: "model", model: "info" });
  });

  const payload = { model_id: "m", features: [1, 2, 3, 4], request_id: "mine" };

  it("predict, and give the permit back", async () => {
    const { app, fake, permits } = neighbours();
    const pending = app.inject({ method: "POST", url: "/predict", payload });
    const call = await fake.call();
    assert.deepEqual(JSON.parse(Buffer.from(call.body).toString()), payload);
    fake.done(call, '{"predictions":[[0.25,0.75]]}');
    const response = await pending;
    assert.equal(response.statusCode, 200);
    assert.deepEqual(response.json(), {
      model_id: "m",
      request_id: "mine",
      prediction: [0.25, 0.75],
      confidence: 0.75,
      latency_ms: 0,
      timestamp: response.json().timestamp,
    });
    assert.equal(permits.requests, 0);
  });

  async function post(context: TestContext, body: string, parts = neighbours()) {
    const url = await parts.app.listen({ port: 0, host: "127.0.0.1" });
    context.after(() => parts.app.close());
    const headers = { connection: "close" };
    const response = await fetch(`${url}/predict`, { method: "POST", body, headers });
    return { status: response.status, json: (await response.json()) as Record<string, unknown> };
  }

  const refused: readonly (readonly [string, number])[] = [
    ["{", 400],
    ["[]", 400],
    ["{}", 400],
    ['{"model_id":"m"}', 400],
    ['{"model_id":"no","features":[1]}', 404],
  ];
  for (const [body, status] of refused) {
    it(`answer ${body} with ${status}`, async (context) => {
      assert.equal((await post(context, body)).status, status);
    });
  }

  it("pass a host's failure on, under the caller's id", async (context) => {
    const parts = neighbours();
    const pending = post(context, JSON.stringify(payload), parts);
    parts.fake.failed(await parts.fake.call(), "deadline-exceeded");
    const { status, json } = await pending;
    assert.deepEqual([status, json["request_id"]], [504, "mine"]);
  });
});
