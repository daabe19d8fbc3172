import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";

type Json = Readonly<Record<string, unknown>>;

const cluster = await startReady({ after }, { models: { echo: { onnx: echoModel() } } });

function predict(features: unknown, model_id = "echo") {
  const body = { model_id, features, request_id: "mine" };
  return cluster.send<Json>({ method: "POST", path: "/predict", body });
}

describe("The neighbours' routes", () => {
  it("predict as Model-Nexus does", async () => {
    const { status, headers, json } = await predict([0.125, 0.25, 0.125, 0.5]);
    assert.equal(status, 200);
    assert.deepEqual([json["model_id"], json["request_id"]], ["echo", "mine"]);
    assert.deepEqual(json["prediction"], [0.125, 0.25, 0.125, 0.5]);
    assert.equal(json["confidence"], 0.5);
    assert.equal(headers["x-request-id"], "mine");
    assert.equal(typeof json["latency_ms"], "number");
    assert.match(String(json["timestamp"]), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  });

  it("refuse what Model-Nexus refuses, and nothing is left", async () => {
    const wrong = await predict([1, 2]);
    const unknown = await predict([1, 2, 3, 4], "no");
    assert.deepEqual([wrong.status, wrong.json["code"]], [400, "invalid-request"]);
    assert.deepEqual([unknown.status, unknown.json["code"]], [404, "model-not-found"]);
    await cluster.quiet();
  });

  it("describe what is loaded", async () => {
    const listed = await cluster.get<readonly Json[]>("/available_models");
    const info = await cluster.get<Json>("/models/info?id=echo");
    const health = await cluster.get<Json>("/health");
    assert.deepEqual([listed.json[0]?.["name"], info.json["id"]], ["echo", "echo"]);
    assert.deepEqual(health.json["loaded_models"], ["echo"]);
    assert.deepEqual(health.json["models_loaded"], ["echo:1"]);
    assert.equal((await cluster.get("/health/live")).status, 200);
    assert.equal((await cluster.get("/health/ready")).status, 200);
  });
});
