import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { neighbours } from "./neighbours.ts";

describe("SchwiftServe's routes", { timeout: 20_000 }, () => {
  it("list what serves, as JSON", async () => {
    const response = await neighbours().app.inject({ url: "/available_models" });
    assert.deepEqual(response.json(), [
      { name: "m", backend: "onnx", dtype: "FP64", input_shape: [-1, 4], output_shape: [-1] },
    ]);
  });

  it("list what serves, as a page for browsers", async () => {
    const headers = { accept: "text/html,*/*" };
    const response = await neighbours().app.inject({ url: "/available_models", headers });
    assert.equal(response.headers["content-type"], "text/html; charset=utf-8");
    assert.match(response.body, /<td>m<\/td><td>onnx<\/td><td>FP64<\/td><td>-1,4<\/td>/);
  });

  it("name what is loaded in /health", async () => {
    const response = await neighbours().app.inject({ url: "/health" });
    assert.deepEqual(response.json().loaded_models, ["m"]);
  });
});
