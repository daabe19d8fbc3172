import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
});
