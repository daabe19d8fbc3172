import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

const traceFolder = join(mkdtempSync("/tmp/trt-"), "traces");
mkdirSync(traceFolder);
const onnx = echoModel();
const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx, yaml: "batching: { max_batch_size: 8, max_queue_delay_ms: 200 }" },
      other: { onnx },
    },
    flags: ["--trace-folder", traceFolder],
  },
);

interface Trace {
  readonly id: number;
  readonly request_id: string;
  readonly model: string;
  readonly version: string;
  readonly status: number;
  readonly batch_rows: number | null;
  readonly timestamps: Readonly<Record<string, number | null>>;
}

interface Failed {
  readonly error: string;
}

const stages = [
  "received",
  "admitted",
  "sent",
  "queued",
  "batch_begun",
  "run_begun",
  "run_ended",
  "answered",
  "written",
];
const row = [1, 2, 3, 4];
const off = { trace_level: ["OFF"], trace_rate: null, trace_count: null, trace_file: null };

async function set(fields: object, path = "/v2/trace/setting") {
  return cluster.send<Record<string, unknown> & Failed>({ method: "POST", path, body: fields });
}

async function traces(query = ""): Promise<readonly Trace[]> {
  return (await cluster.get<{ readonly traces: readonly Trace[] }>(`/v2/trace${query}`)).json
    .traces;
}

async function predict(id: string, model = "echo", features: unknown = row) {
  return cluster.predict(model, { features }, { "x-request-id": id });
}

/** It waits for company. */
async function predictBatched(id: string) {
  const headers = { "x-request-id": id };
  const body = { features: row };
  return cluster.send({ method: "POST", path: "/predict_batched/echo", body, headers });
}

const idsWith = async (prefix: string) =>
  (await traces()).map((one) => one.request_id).filter((id) => id.startsWith(prefix));

describe("Traces", () => {
  it("are off, until they are asked for", async () => {
    await predict("off-1");
    assert.deepEqual(await traces(), []);
    const { json } = await cluster.get("/v2/trace/setting");
    assert.deepEqual(json, {
      trace_file: "",
      trace_level: ["OFF"],
      trace_rate: "1000",
      trace_count: "-1",
      log_frequency: "0",
    });
  });

  it("tell of the stages of requests that shared a batch, in order", async () => {
    assert.equal((await set({ trace_level: ["TIMESTAMPS"], trace_rate: "1" })).status, 200);
    await Promise.all(["batch-1", "batch-2", "batch-3"].map((id) => predictBatched(id)));
    const found = (await traces("?model=echo")).filter((one) => one.request_id.startsWith("batch"));
    assert.equal(found.length, 3);
    for (const { status, version, batch_rows, timestamps } of found) {
      assert.deepEqual([status, version], [200, "1"]);
      assert.equal(batch_rows, 3);
      assert.deepEqual(Object.keys(timestamps), stages);
      const points = stages.map((stage) => Number(timestamps[stage]));
      // A process knows the clock's origin to some microseconds.
      const isInOrder = points.every((at, index) => at + 50_000 >= (points[index - 1] ?? at));
      assert.ok(isInOrder && points.every((at) => at > 0), JSON.stringify(timestamps));
    }
    const begun = new Set(found.map(({ timestamps }) => timestamps["run_begun"]));
    assert.equal(begun.size, 1);
  });

  it("come newest first, and of one model where that is asked for", async () => {
    for (const id of ["order-1", "order-2"]) await predict(id, "other");
    assert.deepEqual(await idsWith("order"), ["order-2", "order-1"]);
    const of = await traces("?model=other");
    assert.ok(of.length >= 2 && of.every(({ model }) => model === "other"));
    assert.equal((await cluster.get("/v2/trace?modle=other")).status, 400);
  });

  it("tell of frames of a WebSocket too", async () => {
    const socket = await openSocket(cluster.url, "/ws");
    const { request_id } = await socket.step(1, { model: "other", features: row });
    socket.close();
    const [found] = (await traces()).filter((one) => one.request_id === request_id);
    assert.deepEqual([found?.status, found?.batch_rows, found?.model], [200, 1, "other"]);
    assert.ok(stages.every((stage) => Number(found?.timestamps[stage]) > 0));
  });

  it("tell of a request that fails in its host how far it came", async () => {
    assert.equal((await predict("fails", "other", [1])).status, 400);
    const [failed] = (await traces()).filter((one) => one.request_id === "fails");
    assert.equal(failed?.status, 400);
    assert.ok(failed?.timestamps["sent"] !== null);
    assert.equal(failed?.timestamps["queued"], null);
  });

  it("are taken of one request of N, and of a model by its own settings", async () => {
    await set({ trace_rate: "3" });
    await set({ trace_level: ["OFF"] }, "/v2/models/other/trace/setting");
    for (let at = 1; at <= 6; at += 1) await predict(`third-${at}`);
    await predict("own-1", "other");
    assert.deepEqual(await idsWith("third"), ["third-6", "third-3"]);
    assert.deepEqual(await idsWith("own"), []);
    const own = await set(off, "/v2/models/other/trace/setting");
    assert.deepEqual([own.json["trace_level"], own.json["trace_rate"]], [["OFF"], "3"]);
    await set({ trace_level: null }, "/v2/models/other/trace/setting");
    assert.equal((await set({}, "/v2/models/no/trace/setting")).status, 404);
  });

  it("end when their count has run out", async () => {
    await set({ trace_rate: "1", trace_count: "2" });
    for (const at of [1, 2, 3, 4]) await predict(`count-${at}`);
    assert.deepEqual(await idsWith("count"), ["count-2", "count-1"]);
    const { json } = await cluster.get<Record<string, unknown>>("/v2/trace/setting");
    assert.equal(json["trace_count"], "0");
  });

  it("go to files of the folder too, so many to each", async () => {
    await set({ trace_count: "-1", trace_file: "t.jsonl", log_frequency: "2" });
    for (const at of [1, 2, 3]) await predict(`file-${at}`);
    const idsIn = (name: string) => {
      const path = join(traceFolder, name);
      if (!existsSync(path)) return [];
      const lines = readFileSync(path, "utf8").trimEnd().split("\n");
      return lines.map((line) => (JSON.parse(line) as Trace).request_id);
    };
    await waitFor(() => idsIn("t.jsonl.1").length === 1, "the third trace");
    assert.deepEqual(idsIn("t.jsonl.0"), ["file-1", "file-2"]);
    assert.deepEqual(idsIn("t.jsonl.1"), ["file-3"]);
  });

  it("are refused what is no setting, field by field", async () => {
    const rows: readonly (readonly [object, number, RegExp])[] = [
      [{ trace_level: ["ALL"] }, 400, /trace_level/],
      [{ trace_level: ["TENSORS"] }, 501, /TENSORS/],
      [{ trace_rate: "0" }, 400, /trace_rate/],
      [{ trace_rate: "often" }, 400, /trace_rate/],
      [{ trace_count: "-2" }, 400, /trace_count/],
      [{ log_frequency: "-1" }, 400, /log_frequency/],
      [{ trace_file: "../outside" }, 400, /trace_file.*trace folder/],
      [{ trace_file: "/etc/passwd" }, 400, /trace_file/],
      [{ trace_mode: "triton" }, 400, /unknown setting 'trace_mode'/],
    ];
    for (const [fields, status, words] of rows) {
      const reply = await set(fields);
      assert.equal(reply.status, status, JSON.stringify(fields));
      assert.match(reply.json.error, words);
    }
  });

  it("are off again, and nothing is left", async () => {
    await set(off);
    await predict("off-2");
    assert.deepEqual(await idsWith("off-2"), []);
    await cluster.endsCleanly();
  });
});

describe("A server without a trace folder", () => {
  it("refuses a file, and says why", async (t) => {
    const without = await startReady(t, { models: { echo: { onnx } } });
    const reply = await without.send<Failed>({
      method: "POST",
      path: "/v2/trace/setting",
      body: { trace_file: "t.jsonl" },
    });
    assert.equal(reply.status, 400);
    assert.match(reply.json.error, /--trace-folder/);
    await without.endsCleanly();
  });
});
