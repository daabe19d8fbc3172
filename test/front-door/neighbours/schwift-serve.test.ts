import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bodyOf } from "../calls.ts";
import { model } from "../door-parts.ts";
import { neighbours } from "./neighbours.ts";

const bounded = { timeout: 20_000 };

describe("SchwiftServe's predictions", bounded, () => {
  for (const path of ["/predict/m", "/predict_batched/m"]) {
    it(`reach the host from ${path}, and come back as they are`, async (t) => {
      const { post, fake, metrics } = await neighbours(t);
      const body = { features: [[1, 2, 3, 4]] };
      const pending = post(path, body);
      const call = await fake.call();
      assert.deepEqual([call.model, call.codec], ["m", "predict"]);
      assert.deepEqual(JSON.parse(bodyOf(call).toString()), body);
      fake.done(call, '{"model":"m","predictions":[0]}');
      const { status, json } = await pending;
      assert.deepEqual([status, json], [200, { model: "m", predictions: [0] }]);
      const endpoint = path.replace("/m", "/{model}");
      assert.equal(metrics.route("POST", endpoint, 200).requests.value, 1);
    });
  }

  it("never wait for company on /predict, and may on /predict_batched", async (t) => {
    const { post, fake } = await neighbours(t);
    post("/predict/m", "{}").catch(() => undefined);
    assert.equal((await fake.call()).hurried, true);
    post("/predict_batched/m", "{}").catch(() => undefined);
    assert.equal((await fake.call(2)).hurried, false);
  });

  it("are answered 404 of an unknown model, and 504 after the deadline", async (t) => {
    const { post, fake } = await neighbours(t);
    assert.equal((await post("/predict_batched/no", "{}")).status, 404);
    const pending = post("/predict_batched/m", "{}");
    fake.failed(await fake.call(), "deadline-exceeded");
    assert.equal((await pending).status, 504);
  });
});

describe("SchwiftServe's lists", bounded, () => {
  it("name what serves, as JSON", async (t) => {
    const { get } = await neighbours(t);
    assert.deepEqual((await get("/available_models")).json, [
      { name: "m", backend: "onnx", dtype: "FP64", input_shape: [-1, 4], output_shape: [-1] },
    ]);
  });

  it("name what serves, as a page for browsers", async (t) => {
    const { get } = await neighbours(t);
    const { headers, text } = await get("/available_models", { accept: "text/html,*/*" });
    assert.equal(headers["content-type"], "text/html; charset=utf-8");
    assert.match(text, /<td>m<\/td><td>onnx<\/td><td>FP64<\/td><td>-1,4<\/td>/);
  });

  it("stand in /health", async (t) => {
    const { get, directory } = await neighbours(t);
    const hosts = ["a", "b"].map((hostId) => ({ hostId, socketPath: "" }));
    directory.update(model("m", { hosts }));
    const { json } = await get("/health");
    assert.deepEqual([json["loaded_models"], json["max_workers"]], [["m"], 2]);
  });
});
