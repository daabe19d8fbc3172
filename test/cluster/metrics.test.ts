import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { METHODS } from "node:http";
import { after, describe, it } from "node:test";
import { brokenModel, echoModel, gatherModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { sumOf } from "./metrics-page.ts";
import { upload } from "./model-changes.ts";
import { waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  { models: { echo: { onnx: echoModel() }, gather: { onnx: gatherModel() } } },
);

/** What somebody asks who looks for holes; the names are others each time. */
function scannedPaths(): readonly string[] {
  const name = () => randomBytes(6).toString("hex");
  return [
    `/${name()}`,
    `/${name()}/${name()}`,
    `/predict/${name()}`,
    `/predict/echo/versions/${name()}`,
    `/v2/models/${name()}`,
    `/v2/models/${name()}/infer`,
    `/v2/models/echo/versions/${name()}/infer`,
    `/v2/models/${name()}/versions/${name()}/ready`,
    `/v2/models/${name()}/stream`,
    `/readyz?model=${name()}`,
    `/%zz${name()}`,
  ];
}

const verbs = METHODS.filter((verb) => verb !== "CONNECT");

async function scan(): Promise<void> {
  for (const method of verbs) {
    const asks = scannedPaths().map((path) => cluster.send({ method, path, body: "{}" }));
    for (const { status } of await Promise.all(asks)) {
      assert.ok(status < 500, `${method} is answered ${status}`);
    }
  }
}

describe("The page of metrics", () => {
  it("counts requests by route, verb and status", async () => {
    const labels = { method: "POST", endpoint: "/predict/{model}", status: "200" };
    const before = await cluster.metric("http_requests_total", labels);
    const timedBefore = await cluster.metric("http_request_duration_seconds_count", {
      method: "POST",
      endpoint: "/predict/{model}",
    });
    for (let ask = 0; ask < 3; ask += 1) await cluster.predict("echo", { features: row });
    await cluster.reaches(before + 3, "http_requests_total", labels);
    const { status: _, ...route } = labels;
    await cluster.reaches(timedBefore + 3, "http_request_duration_seconds_count", route);
    const missing = { method: "GET", endpoint: "other", status: "404" };
    const unknown = await cluster.metric("http_requests_total", missing);
    await cluster.get("/nowhere");
    await cluster.reaches(unknown + 1, "http_requests_total", missing);
  });

  it("counts predictions by model, version and outcome", async () => {
    await cluster.predict("gather", { features: [3] });
    await cluster.predict("gather", { features: [99] });
    await cluster.predict("gather", { features: ["three"] });
    const page = await cluster.metrics();
    const outcomes = ["ok", "inference-failed", "invalid-request"].map((status) =>
      sumOf(page, "model_predictions_total", { model_id: "gather", version: "1", status }),
    );
    assert.deepEqual(outcomes, [1, 1, 1]);
    const ran = { model_id: "gather" };
    assert.equal(sumOf(page, "model_inference_duration_seconds_count", ran), 2);
    assert.equal(sumOf(page, "troupe_batch_rows_count", ran), 2);
    assert.equal(sumOf(page, "troupe_batches_total", { ...ran, outcome: "failed" }), 1);
  });

  it("times every stage of a request, by model", async () => {
    await cluster.predict("echo", { features: row });
    const page = await cluster.metrics();
    const name = "troupe_stage_duration_seconds_count";
    for (const stage of ["admission", "decode", "queue", "run", "encode", "total"]) {
      assert.ok(sumOf(page, name, { model_id: "echo", stage }) >= 1, `stage ${stage}`);
    }
  });

  it("has the state of every process", async () => {
    const page = await cluster.metrics();
    assert.equal(sumOf(page, "models_loaded"), 2);
    const processes = [
      { role: "front-door", index: "0" },
      { role: "host", model_id: "echo", version: "1", index: "0" },
      { role: "host", model_id: "gather", version: "1", index: "0" },
    ];
    for (const labels of processes) {
      assert.ok(sumOf(page, "troupe_process_rss_bytes", labels) > 2 ** 24, JSON.stringify(labels));
      assert.ok(sumOf(page, "troupe_process_cpu_seconds", labels) > 0);
      const stalls = page.filter(({ name }) => name === "troupe_event_loop_delay_seconds");
      assert.equal(stalls.length, processes.length);
    }
    const ofHosts = ["troupe_queue_rows", "troupe_host_in_flight", "troupe_breaker_state"];
    for (const gauge of ofHosts) {
      assert.equal(page.filter(({ name }) => name === gauge).length, 2, gauge);
    }
    for (const gauge of ["troupe_in_flight", "troupe_in_flight_bytes"]) {
      assert.equal(page.filter(({ name }) => name === gauge).length, 1, gauge);
    }
  });

  it("counts WebSocket connections and frames", async () => {
    const before = await cluster.metrics();
    const frames = (direction: string) => sumOf(before, "troupe_ws_frames_total", { direction });
    const socket = await openSocket(cluster.url, "/v2/models/echo/stream");
    for (const id of [1, 2, 3]) socket.infer(id, { features: row });
    await socket.count(3);
    await cluster.reaches(1, "troupe_ws_connections");
    await cluster.reaches(frames("in") + 3, "troupe_ws_frames_total", { direction: "in" });
    await cluster.reaches(frames("out") + 3, "troupe_ws_frames_total", { direction: "out" });
    const upgrades = { endpoint: "/v2/models/{model}/stream", status: "101" };
    assert.equal(await cluster.metric("http_requests_total", upgrades), 1);
    socket.close();
    await socket.closed;
    await cluster.reaches(0, "troupe_ws_connections");
  });

  it("has a type and a help for every name, once", async () => {
    const { text, headers } = await cluster.get("/metrics");
    assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
    const helps = [...text.matchAll(/^# HELP (\w+) (.+)$/gm)].map(([, name]) => name);
    const types = [...text.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name]) => name);
    assert.deepEqual(helps, types);
    assert.equal(new Set(helps).size, helps.length);
    assert.ok(helps.length >= 20, `${helps.length} metrics`);
  });

  it("does not grow under a scanner that makes up paths, verbs and models", async () => {
    const namesOf = async () =>
      (await cluster.metrics()).map(({ name, labels }) => `${name}${JSON.stringify(labels)}`);
    await scan();
    // What the scan adds is counted when its connections are done.
    const first = await waitFor(async () => {
      const [before, now] = [await namesOf(), await namesOf()];
      return before.length === now.length && now;
    }, "the number of series to settle");
    for (let again = 0; again < 2; again += 1) await scan();
    const known = new Set(first);
    const added = (await namesOf()).filter((series) => !known.has(series));
    assert.deepEqual(added, []);
    const methods = new Set([...known].map((series) => /"method":"(\w+)"/.exec(series)?.[1]));
    assert.ok(methods.size <= 9, [...methods].join());
  });
});

describe("The series of models", () => {
  const seriesOf = async (model: string) =>
    (await cluster.metrics()).filter(({ labels }) => labels["model_id"] === model);

  it("are none for uploads that are refused, under whatever name", async () => {
    const labels = { kind: "upload", outcome: "failed", model_id: "" };
    const before = await cluster.metric("troupe_changes_total", labels);
    const names = ["refused-1", "refused-2"];
    for (const id of names)
      assert.equal((await upload(cluster, { id }, brokenModel())).status, 422);
    await cluster.reaches(before + names.length, "troupe_changes_total", labels);
    for (const name of names) assert.deepEqual(await seriesOf(name), []);
  });

  it("go with their model", async () => {
    const before = await cluster.metric("troupe_changes_total", {
      kind: "delete",
      outcome: "done",
    });
    assert.equal((await upload(cluster, { id: "brief" }, echoModel())).status, 201);
    await cluster.predict("brief", { features: row });
    const names = new Set((await seriesOf("brief")).map(({ name }) => name));
    for (const name of ["troupe_changes_total", "model_predictions_total", "troupe_queue_rows"]) {
      assert.ok(names.has(name), `${name} among ${[...names]}`);
    }
    const gone = await cluster.send({ method: "DELETE", path: "/models/brief" });
    assert.equal(gone.status, 200, gone.text);
    assert.deepEqual(await seriesOf("brief"), []);
    const after = { kind: "delete", outcome: "done", model_id: "" };
    await cluster.reaches(before + 1, "troupe_changes_total", after);
  });
});

it("and nothing is left", () => cluster.endsCleanly());
