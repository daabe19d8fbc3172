import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { zipMapModel } from "../../models/datatype-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { formHeaders, formOf, uploadParts } from "./multipart.ts";

type Json = Readonly<Record<string, unknown>>;

const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
mkdirSync(join(modelsFolder, "echo"), { recursive: true });
writeFileSync(join(modelsFolder, "echo", "model.onnx"), echoModel());
mkdirSync(join(modelsFolder, "sklearn"));
writeFileSync(join(modelsFolder, "sklearn", "model.onnx"), zipMapModel());

const flags = ["--compat-triton", "--default-model", "echo"];
const cluster = await startReady({ after }, { home, modelsFolder, flags });
const rfc3339 = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/;
const row = [0.125, 0.25, 0.125, 0.5];

function post<Body = Json>(path: string, body?: unknown) {
  return cluster.send<Body>({ method: "POST", path, body });
}

function get<Body = Json>(path: string, headers: Readonly<Record<string, string>> = {}) {
  return cluster.send<Body>({ path, headers });
}

describe("Model-Nexus's routes", () => {
  const predict = (features: unknown, model_id = "echo") =>
    post("/predict", { model_id, features, request_id: "mine" });

  it("predict", async () => {
    const { status, headers, json } = await predict(row);
    const { latency_ms, timestamp, ...rest } = json;
    assert.equal(status, 200);
    assert.deepEqual(rest, {
      model_id: "echo",
      request_id: "mine",
      prediction: row,
      confidence: 0.5,
    });
    assert.equal(headers["x-request-id"], "mine");
    assert.equal(typeof latency_ms, "number");
    assert.match(String(timestamp), rfc3339);
  });

  it("predict rows as one flat list", async () => {
    const { json } = await predict([row, row]);
    assert.deepEqual(json["prediction"], [...row, ...row]);
  });

  it("refuse a wrong count, an unknown model and what is no JSON", async () => {
    const wrong = await predict([1, 2]);
    const unknown = await predict(row, "no");
    assert.deepEqual([wrong.status, wrong.json["code"]], [400, "invalid-request"]);
    assert.match(String(wrong.json["error"]), /Expected \[-1,4\], got \[1,2\]/);
    assert.deepEqual([unknown.status, unknown.json["code"]], [404, "model-not-found"]);
    assert.equal((await post("/predict", "{")).status, 400);
  });

  it("predict labels with what scikit-learn exports, though it has no tensor of scores", async () => {
    const { status, json } = await predict(row, "sklearn");
    const { inputs, outputs } = (await get("/models/info?id=sklearn")).json;
    assert.deepEqual([status, (json["prediction"] as readonly unknown[]).length], [200, 1]);
    assert.equal("confidence" in json, false);
    assert.deepEqual(inputs, [{ name: "X", dtype: 1, shape: [-1, 4] }]);
    assert.deepEqual(outputs, [{ name: "output_label", dtype: 7, shape: [-1] }]);
  });

  it("take an upload, refuse it twice, and list it", async () => {
    const form = formOf(
      uploadParts({ id: "grown", name: "It grows", version: "1" }, ["model.onnx", echoModel()]),
    );
    const upload = () =>
      cluster.send<Json>({
        method: "POST",
        path: "/models/upload",
        headers: formHeaders,
        body: form,
      });
    const { status, json } = await upload();
    assert.equal(status, 201);
    const path = "grown/1/model.onnx";
    assert.deepEqual(json["model"], { id: "grown", name: "grown", version: "1", path });
    assert.deepEqual(json["info"], {
      inputs: [{ name: "x", dtype: 1, shape: [-1, 4] }],
      outputs: [{ name: "y", dtype: 1, shape: [-1, 4] }],
    });
    assert.equal((await upload()).status, 409);
    assert.equal((await predict(row, "grown")).status, 200, "the live one is unharmed");
    const { models, count } = (await get<{ models: readonly Json[]; count: number }>("/models"))
      .json;
    const listed = models.find(({ id }) => id === "grown");
    assert.equal(count, models.length);
    assert.deepEqual(
      ["name", "version", "path", "type", "is_loaded", "parameters", "description"].map(
        (field) => listed?.[field],
      ),
      ["grown", "1", path, "onnx", true, {}, ""],
    );
    assert.deepEqual((await get<readonly Json[]>("/models?format=array")).json.length, count);
  });

  it("describe a model and the server", async () => {
    assert.deepEqual((await get("/models/info?id=echo")).json, {
      id: "echo",
      name: "echo",
      version: "1",
      inputs: [{ name: "x", dtype: 1, shape: [-1, 4] }],
      outputs: [{ name: "y", dtype: 1, shape: [-1, 4] }],
    });
    assert.equal((await get("/models/info?id=no")).status, 404);
    const health = (await get("/health")).json;
    assert.equal(health["status"], "ok");
    assert.match(String(health["timestamp"]), rfc3339);
    assert.match(String(health["version"]), /^\d+\.\d+\.\d+/);
    assert.ok(Number.isInteger(health["uptime_seconds"]));
    assert.deepEqual(health["loaded_models"], ["echo", "grown", "sklearn"]);
    assert.deepEqual(health["models_loaded"], ["echo:1", "grown:1", "sklearn:1"]);
    assert.equal(health["max_workers"], 3);
  });

  it("count under Model-Nexus's names", async () => {
    const { text } = await cluster.send({ path: "/metrics" });
    for (const name of [
      'http_requests_total{method="POST",endpoint="/predict",status="200"}',
      "http_request_duration_seconds_count",
      'model_predictions_total{model_id="echo"',
      'model_inference_duration_seconds_count{model_id="echo"',
      "models_loaded 3",
    ]) {
      assert.ok(text.includes(name), name);
    }
  });
});

describe("The inference platform's routes", () => {
  it("infer, with the default model too", async () => {
    for (const body of [{ model: "echo", features: row }, { inputs: { x: [row] } }]) {
      const { status, json, headers } = await post("/infer", body);
      const { latency_ms, timestamp, request_id, ...rest } = json;
      assert.deepEqual(
        [status, rest],
        [
          200,
          {
            success: true,
            result: { predictions: [row] },
            model_used: "echo:1",
            metadata: { model_type: "onnx" },
          },
        ],
      );
      assert.equal(typeof latency_ms, "number");
      assert.match(String(timestamp), rfc3339);
      assert.equal(request_id, headers["x-request-id"]);
    }
  });

  it("say of text that it is not for tensors", async () => {
    const { status, json } = await post("/infer", { text: "I love it" });
    assert.equal(status, 400);
    assert.match(String(json["error"]), /'text'/);
  });

  it("infer a batch, each for itself", async () => {
    const requests = [
      { features: row },
      { model: "no" },
      { text: "x" },
      { model: "grown", version: "1", features: [row, row], parameters: {} },
    ];
    const { status, json } = await post<readonly Json[]>("/infer/batch", { requests });
    assert.equal(status, 200);
    assert.deepEqual(
      json.map(({ success, code, model_used }) => [success, code ?? model_used]),
      [
        [true, "echo:1"],
        [false, "model-not-found"],
        [false, "invalid-request"],
        [true, "grown:1"],
      ],
    );
    assert.deepEqual(json[3]?.["result"], { predictions: [row, row] });
    assert.match(String(json[1]?.["error"]), /no model is named 'no'/);
  });

  it("unload and load, with words", async () => {
    const unloaded = await post("/models/grown/unload");
    assert.deepEqual(
      [unloaded.status, unloaded.json["message"]],
      [200, "model 'grown' is unloaded"],
    );
    assert.equal((await post("/infer", { model: "grown", features: row })).status, 503);
    const loaded = await post("/models/grown/load?version=1");
    assert.equal(loaded.json["message"], "version '1' of model 'grown' is loaded");
    assert.equal((await post("/models/no/load")).status, 404);
    assert.equal((await post("/models/no/unload?version=1")).status, 404);
  });

  it("tell figures as JSON, and whether the server lives", async () => {
    const { json } = await get<Json>("/metrics", { accept: "application/json" });
    const { total_requests, successful_requests, failed_requests } = json as Record<string, number>;
    assert.equal(total_requests, (successful_requests ?? 0) + (failed_requests ?? 0));
    assert.ok(Number(json["average_latency_ms"]) > 0);
    assert.match(String(json["timestamp"]), rfc3339);
    const perModel = json["requests_per_model"] as Record<string, number>;
    assert.deepEqual(Object.keys(perModel).toSorted(), ["echo", "grown", "sklearn"]);
    assert.ok((perModel["echo"] ?? 0) > 0);
    assert.deepEqual((await get("/health/live")).json, { status: "alive" });
    const ready = await get("/health/ready");
    assert.deepEqual([ready.status, ready.json["status"]], [200, "ready"]);
  });
});

describe("The AI Backend's routes", () => {
  it("predict by POST and GET", async () => {
    const body = { features: row };
    for (const method of ["POST", "GET"]) {
      for (const path of ["/post/predict?id=echo", "/get/predict?id=echo"]) {
        const { status, json } = await cluster.send<Json>({ method, path, body });
        assert.deepEqual([status, json["predictions"]], [200, [row]], `${method} ${path}`);
      }
    }
  });

  it("show the hosts' lines, and forget them by POST alone", async () => {
    const logs = async () =>
      (await get<{ logs: readonly Json[] }>("/get/getlogs?id=echo")).json.logs;
    const before = await logs();
    assert.ok(before.some(({ message }) => /^process ready/.test(String(message))));
    assert.equal((await get("/post/cleanlogs?id=echo")).status, 405);
    assert.equal((await post("/post/cleanlogs?id=echo")).status, 200);
    assert.deepEqual(await logs(), []);
    assert.equal((await get("/get/getlogs?id=no")).status, 404);
  });

  it("say that other kinds of models are not built", async () => {
    const { status, json } = await post("/post/addmodel?id=x&type=httpmodel&dest=http://h");
    assert.deepEqual([status, json["code"]], [501, "not-implemented"]);
  });
});

describe("compat: { triton: true }", () => {
  const inputs = (shape: readonly number[], data: readonly number[]) => ({
    inputs: [{ name: "x", datatype: "FP32", shape, data }],
  });
  const rows: readonly (readonly [string, unknown, number, RegExp])[] = [
    ["no", inputs([1, 4], row), 400, /^Request for unknown model: 'no' is not found$/],
    [
      "echo/versions/9",
      inputs([1, 4], row),
      404,
      /^Request for unknown model: 'echo' version 9 is/,
    ],
    ["echo", inputs([1, 4], [1]), 500, /^Failed to parse 'data' field: shape does not match/],
    ["echo", inputs([1, 4], [...row, 1]), 500, /^Unable to parse 'data': Shape does not match/],
    ["echo", inputs([-2, 4], row), 500, /^Unable to parse 'shape': attempt to access JSON non-uns/],
    ["echo", inputs([1, 3], row.slice(1)), 400, /^unexpected shape for input 'x' for model 'echo'/],
  ];
  for (const [model, body, status, error] of rows) {
    it(`answers ${model} with ${status}: ${error.source}`, async () => {
      const reply = await post(`/v2/models/${model}/infer`, body);
      assert.deepEqual([reply.status, Object.keys(reply.json)], [status, ["error"]], reply.text);
      assert.match(String(reply.json["error"]), error);
    });
  }

  it("answers health without a body", async () => {
    const { status, text } = await cluster.send({ path: "/v2/health/ready" });
    assert.deepEqual([status, text], [200, ""]);
  });
});

describe("After all of it", () => {
  it("nothing is left", () => cluster.quiet());
});
