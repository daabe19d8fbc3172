import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bodyOf } from "../calls.ts";
import { neighbours } from "./neighbours.ts";

const bounded = { timeout: 20_000 };

describe("The AI Backend's predictions", bounded, () => {
  const routes = [
    ["POST", "/post/predict"],
    ["GET", "/post/predict"],
    ["POST", "/get/predict"],
    ["GET", "/get/predict"],
  ] as const;
  for (const [method, path] of routes) {
    it(`give the model's answer to ${method} ${path}`, async (t) => {
      const { send, fake, metrics } = await neighbours(t);
      const body = { features: [1, 2, 3, 4] };
      const pending = send(method, `${path}?id=m`, body);
      const call = await fake.call();
      assert.deepEqual([call.model, call.codec], ["m", "predict"]);
      assert.deepEqual(JSON.parse(bodyOf(call).toString()), body);
      fake.done(call, '{"predictions":[1]}');
      const { status, json } = await pending;
      assert.deepEqual([status, json], [200, { predictions: [1] }]);
      assert.equal(metrics.route(method, path, 200).requests.value, 1);
    });
  }

  it("are refused without a name, and of an unknown one", async (t) => {
    const { post, get } = await neighbours(t);
    assert.equal((await post("/post/predict", "{}")).status, 400);
    assert.equal((await get("/get/predict?id=")).status, 400);
    assert.equal((await get("/get/predict?id=no")).status, 404);
  });

  it("are refused with two names", async (t) => {
    const { post } = await neighbours(t);
    const { status, json } = await post("/post/predict?id=m&id=n", "{}");
    assert.deepEqual(
      [status, json["error"]],
      [400, "id must name the model, in the query, got several"],
    );
  });

  it("are refused with two versions", async (t) => {
    const { post } = await neighbours(t);
    const { status, json } = await post("/post/predict?id=m&version=1&version=2", "{}");
    const words = "version must be one version, in the query, got several";
    assert.deepEqual([status, json["error"]], [400, words]);
  });

  const misspelt = [
    ["GET", "/get/predic%74?id=m", 404],
    ["POST", "/post/predic%74?id=m", 404],
    ["HEAD", "/get/predict?id=m", 404],
  ] as const;
  for (const [method, path, status] of misspelt) {
    it(`are not what ${method} ${path} asks for`, async (t) => {
      const { send, fake } = await neighbours(t);
      assert.equal((await send(method, path)).status, status);
      assert.equal(fake.flights.length, 0);
    });
  }
});

describe("The AI Backend's other routes", bounded, () => {
  const questions = [
    ["GET", "/get/getlogs?id=m", { type: "logs", model: "m", clear: false }],
    ["POST", "/post/cleanlogs?id=m", { type: "logs", model: "m", clear: true }],
    ["POST", "/get/cleanlogs?id=m", { type: "logs", model: "m", clear: true }],
  ] as const;
  for (const [method, path, question] of questions) {
    it(`ask the supervisor for ${method} ${path}`, async (t) => {
      const { send } = await neighbours(t);
      const { status, json } = await send(method, path);
      assert.deepEqual([status, json], [200, question]);
    });
  }

  const refused: readonly (readonly [string, string, number])[] = [
    ["GET", "/get/getlogs", 400],
    ["GET", "/post/cleanlogs?id=m", 405],
    ["GET", "/get/cleanlogs?id=m", 405],
    ["POST", "/post/addmodel?id=m&type=httpmodel&dest=http://x", 501],
    ["POST", "/post/addmodel?id=m&type=subprocessmodel", 501],
    ["POST", "/post/addmodel?id=m&type=other", 400],
    ["POST", "/post/addmodel", 400],
  ];
  for (const [method, path, status] of refused) {
    it(`answer ${method} ${path} with ${status}`, async (t) => {
      const { send } = await neighbours(t);
      assert.equal((await send(method, path)).status, status);
    });
  }
});
