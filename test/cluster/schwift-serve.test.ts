import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel, plusModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";

type Json = Readonly<Record<string, unknown>>;

const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
mkdirSync(modelsFolder);
writeFileSync(join(modelsFolder, "net.onnx"), echoModel());

writeFileSync(join(modelsFolder, "plus.onnx"), plusModel(1));

function schwift(name: string, more: string, file = "net.onnx"): void {
  const text = `model:\n  name: ${name}\n  model_args: { model_file: ${file} }\n${more}`;
  writeFileSync(join(modelsFolder, `${name}.yaml`), text);
}

schwift(
  "swift",
  "  max_batch_delay_ms: 5\n  input: { shape: [4], dtype: float32 }\n  caching: true\n",
);
schwift("patient", "  max_batch_delay_ms: 60000\n");
schwift("swapped", "", "plus.onnx");
schwift("skewed", "  input: { shape: [4], dtype: int64 }\n");
schwift("wrong", "  max_batch_dely_ms: 5\n");

const cluster = await startReady({ after }, { home, modelsFolder });
const row = [0.125, 0.25, 0.125, 0.5];

function post<Body = Json>(path: string, body?: unknown) {
  return cluster.send<Body>({ method: "POST", path, body });
}

function get<Body = Json>(path: string, headers: Readonly<Record<string, string>> = {}) {
  return cluster.send<Body>({ path, headers });
}

describe("SchwiftServe's YAML", () => {
  it("is a model that predicts", async () => {
    const { status, json } = await post("/predict/swift", { features: row });
    assert.deepEqual([status, json["model"], json["predictions"]], [200, "swift", [row]]);
  });

  it("waits for company on /predict_batched alone", async () => {
    let ended = false;
    const waiting = post("/predict_batched/patient", { features: [row, row] }).finally(() => {
      ended = true;
    });
    // What waits a minute would come too late; that it does not wait itself takes what waits along.
    while (!ended) assert.equal((await post("/predict/patient", { features: row })).status, 200);
    const { status, json } = await waiting;
    assert.deepEqual([status, json["model"], json["predictions"]], [200, "patient", [row, row]]);
    const ran = await cluster.metric("troupe_requests_run_total", { model_id: "patient" });
    const batches = await cluster.metric("troupe_batches_total", { model_id: "patient" });
    assert.equal(ran - batches, 1);
  });

  it("is shown as a configuration, with what is not honoured", async () => {
    const { json } = await get<{ from: Json; warnings: readonly string[] }>("/models/swift/config");
    assert.equal(json.from["batching.max_queue_delay_ms"], "swift.yaml");
    assert.deepEqual(json.warnings, ["model.caching (line 6): every request is run"]);
  });

  const refused = [
    ["skewed", /skewed.yaml: input \(line 4\) is INT64 \[4\], but the model's is FP32/],
    ["wrong", /Cannot read wrong.yaml: unknown key "max_batch_dely_ms".*\(line 4\)/],
  ] as const;
  for (const [name, reason] of refused) {
    it(`refuses ${name} by file, line and key`, async () => {
      const { json } = await get(`/models/${name}`);
      assert.equal(json["state"], "unavailable");
      assert.match(String(json["reason"]), reason);
    });
  }

  it("is what its file says by now after a load", async () => {
    schwift("described", "");
    assert.equal((await post("/models/described/load")).status, 200);
    schwift("described", "  description: changed\n");
    assert.equal((await post("/models/described/load")).status, 200);
    assert.equal((await get("/models/described")).json["description"], "changed");
  });

  it("is rolled out by a load where its model file was replaced", async () => {
    const predicted = async () =>
      (await post("/predict/swapped", { features: [0, 0, 0, 0] })).json["predictions"];
    assert.deepEqual(await predicted(), [[1, 1, 1, 1]]);
    writeFileSync(join(modelsFolder, ".new"), plusModel(2));
    renameSync(join(modelsFolder, ".new"), join(modelsFolder, "plus.onnx"));
    assert.equal((await post("/models/swapped/load")).status, 200);
    assert.deepEqual(await predicted(), [[2, 2, 2, 2]]);
  });

  it("is not changed by uploads, patches or deletes", async () => {
    const patch = { method: "PATCH", path: "/models/swift", body: { replicas: 2 } };
    const { status, json } = await cluster.send<Json>(patch);
    assert.deepEqual([status, json["code"]], [409, "conflict"]);
    assert.match(
      String(json["error"]),
      /swift.yaml describes it; change that file, and load the model$/,
    );
    assert.equal((await cluster.send({ method: "DELETE", path: "/models/swift" })).status, 409);
  });

  it("is listed for people and programs", async () => {
    const { json } = await get<readonly Json[]>("/available_models");
    assert.deepEqual(
      json.find(({ name }) => name === "swift"),
      {
        name: "swift",
        backend: "onnx",
        dtype: "FP32",
        input_shape: [-1, 4],
        output_shape: [-1, 4],
      },
    );
    const { text } = await cluster.send({
      path: "/available_models",
      headers: { accept: "text/html" },
    });
    assert.match(text, /^<!doctype html>/);
  });
});

describe("SchwiftServe's statuses", () => {
  const refused = [
    ["/predict/swift", { features: [1, 2] }, 400, "invalid-request"],
    ["/predict_batched/swift", { rows: [row] }, 400, "invalid-request"],
    ["/predict_batched/no", { features: row }, 404, "model-not-found"],
  ] as const;
  for (const [path, body, status, code] of refused) {
    it(`answer ${path} with ${status} for ${JSON.stringify(body)}`, async () => {
      const reply = await post(path, body);
      assert.deepEqual([reply.status, reply.json["code"]], [status, code]);
    });
  }

  it("stand in /health with what is loaded", async () => {
    const { json } = await get("/health");
    assert.deepEqual(json["loaded_models"], ["described", "patient", "swapped", "swift"]);
    assert.equal(json["max_workers"], 4);
  });

  it("count under the names that the README maps them to", async () => {
    const of = { model_id: "swift" };
    assert.ok((await cluster.metric("model_predictions_total", { ...of, status: "ok" })) > 0);
    const refusals = { ...of, status: "invalid-request" };
    assert.ok((await cluster.metric("model_predictions_total", refusals)) > 0);
    const total = { ...of, stage: "total" };
    assert.ok((await cluster.metric("troupe_stage_duration_seconds_count", total)) > 0);
    assert.ok((await cluster.metric("troupe_batches_total", of)) > 0);
  });
});

describe("After all of it", () => {
  it("nothing is left", () => cluster.quiet());
});
