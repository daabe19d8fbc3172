import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel, fixedBatchModel, gatherModel } from "../../models/odd-models.ts";
import { layeredModel } from "../../models/stateful-models.ts";
import { startReady } from "./cluster.ts";
import type { Reply } from "./http-client.ts";
import { waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel(), yaml: "replicas: 2\nbatching: { max_batch_size: 16 }" },
      gather: { onnx: gatherModel() },
      fixed: { onnx: fixedBatchModel() },
      layered: { onnx: layeredModel() },
    },
    flags: ["--front-doors", "2"],
  },
);

interface Sum {
  readonly count: number;
  readonly ns: number;
}

const stages = ["queue", "compute_input", "compute_infer", "compute_output"] as const;

interface Stats {
  readonly name: string;
  readonly version: string;
  readonly last_inference: number;
  readonly inference_count: number;
  readonly execution_count: number;
  readonly inference_stats: Readonly<Record<"success" | "fail" | (typeof stages)[number], Sum>>;
  readonly batch_stats: readonly {
    readonly batch_size: number;
    readonly compute_input: Sum;
    readonly compute_infer: Sum;
    readonly compute_output: Sum;
  }[];
  readonly memory_usage: readonly { readonly type: string; readonly byte_size: number }[];
}

interface Failed {
  readonly error: string;
  readonly code: string;
}

async function statsAt(path: string): Promise<readonly Stats[]> {
  const { status, json } = await cluster.get<{ readonly model_stats: readonly Stats[] }>(path);
  assert.equal(status, 200);
  return json.model_stats;
}

async function statsOf(model: string): Promise<Stats> {
  const [stats, ...others] = await statsAt(`/v2/models/${model}/stats`);
  assert.ok(stats !== undefined && others.length === 0);
  return stats;
}

function post<Body = Failed>(path: string, body: unknown = {}): Promise<Reply<Body>> {
  return cluster.send<Body>({ method: "POST", path, body });
}

/** On connections of their own, so that both front doors and both replicas have some. */
async function echo(...rows: readonly number[]): Promise<void> {
  for (const count of rows) {
    const features = Array.from({ length: count }, () => row);
    const path = "/predict/echo";
    const { status } = await cluster.send({
      method: "POST",
      path,
      body: { features },
      agent: false,
    });
    assert.equal(status, 200);
  }
}

describe("The statistics", () => {
  it("are exact as soon as the answers are there, over front doors and replicas", async () => {
    const began = Date.now();
    await echo(1, 3, 1, 5, 3, 1);
    assert.equal((await cluster.predict("echo", { features: [1] })).status, 400);
    const stats = await statsOf("echo");
    const { inference_stats: sums } = stats;
    assert.deepEqual([stats.name, stats.version], ["echo", "1"]);
    assert.deepEqual([stats.inference_count, stats.execution_count], [14, 6]);
    assert.deepEqual([sums.success.count, sums.fail.count], [6, 1]);
    for (const stage of stages) assert.equal(sums[stage].count, 6);
    assert.deepEqual(
      stats.batch_stats.map((batch) => [batch.batch_size, batch.compute_infer.count]),
      [
        [1, 3],
        [3, 2],
        [5, 1],
      ],
    );
    assert.ok(stats.last_inference >= began && stats.last_inference <= Date.now());
    const within = stages.reduce((sum, stage) => sum + sums[stage].ns, 0);
    assert.ok(within > 0 && within < sums.success.ns, `${within} ns of ${sums.success.ns}`);
    for (const stage of ["compute_input", "compute_infer", "compute_output"] as const) {
      const ofRuns = stats.batch_stats.reduce((sum, batch) => sum + batch[stage].ns, 0);
      assert.ok(ofRuns > 0, stage);
    }
  });

  it("count a failed run as a failure, and as no execution", async () => {
    const { status } = await cluster.predict("gather", { features: [99] });
    assert.equal(status, 500);
    const { execution_count, inference_stats: sums } = await statsOf("gather");
    assert.deepEqual([execution_count, sums.success.count, sums.fail.count], [0, 0, 1]);
  });

  it("say how much memory the hosts take", async () => {
    const [usage] = await waitFor(async () => {
      const { memory_usage } = await statsOf("echo");
      return (memory_usage[0]?.byte_size ?? 0) > 0 && memory_usage;
    }, "the memory of hosts");
    assert.equal(usage?.type, "CPU");
  });

  it("are there of all models, and of one version", async () => {
    const all = await statsAt("/v2/models/stats");
    assert.deepEqual(all.map(({ name }) => name).toSorted(), [
      "echo",
      "fixed",
      "gather",
      "layered",
    ]);
    assert.equal((await statsAt("/v2/models/echo/versions/1/stats")).length, 1);
    for (const path of ["/v2/models/no/stats", "/v2/models/echo/versions/9/stats"]) {
      assert.equal((await cluster.get(path)).status, 404);
    }
  });

  it("keep what a host counted just before it was drained", async () => {
    const before = await statsOf("echo");
    await echo(1, 2);
    for (const change of ["unload", "load"]) {
      assert.equal((await post(`/v2/repository/models/echo/${change}`)).status, 200);
    }
    const later = await statsOf("echo");
    assert.equal(later.execution_count, before.execution_count + 2);
    assert.equal(later.inference_count, before.inference_count + 3);
  });

  it("never go backward when hosts and front doors die", async () => {
    await echo(1, 1, 1, 1);
    // What is asked for is kept, whoever dies after it.
    const before = await statsOf("echo");
    const { front_doors, models } = await cluster.tree();
    const hosts = models.find(({ name }) => name === "echo")?.versions.flatMap((one) => one.hosts);
    const pids = [...front_doors, ...(hosts ?? [])].flatMap(({ pid }) => pid ?? []);
    for (const pid of pids) process.kill(pid, "SIGKILL");
    await waitFor(async () => (await cluster.restarts()) === pids.length, "all to come back");
    await cluster.ready();
    const later = await statsOf("echo");
    assert.deepEqual(later.batch_stats, before.batch_stats);
    assert.deepEqual(later.inference_stats.success, before.inference_stats.success);
  });
});

describe("The configuration of a model", () => {
  it("is what the trial found and model.yaml says", async () => {
    const { json } = await cluster.get<Record<string, unknown>>("/v2/models/echo/config");
    const { name, backend, max_batch_size, input, output, instance_group } = json;
    assert.deepEqual(
      { name, backend, max_batch_size, input, output, instance_group },
      {
        name: "echo",
        backend: "onnxruntime",
        max_batch_size: 16,
        input: [{ name: "x", data_type: "TYPE_FP32", dims: [4] }],
        output: [{ name: "y", data_type: "TYPE_FP32", dims: [4] }],
        instance_group: [{ name: "echo", kind: "KIND_CPU", count: 2 }],
      },
    );
  });

  it("has no batch where the model has none, and states where it has some", async () => {
    const fixed = await cluster.get<Record<string, unknown>>("/v2/models/fixed/config");
    assert.equal(fixed.json["max_batch_size"], 0);
    const path = "/v2/models/layered/versions/1/config";
    const { json } = await cluster.get<{ readonly sequence_batching: object }>(path);
    assert.ok("state" in json.sequence_batching);
    assert.equal((await cluster.get("/v2/models/no/config")).status, 404);
  });
});

describe("The repository", () => {
  const ready = (name: string) => ({ name, version: "1", state: "READY" });
  const index = async (body: unknown = {}) => {
    const { json } = await post<readonly { readonly name: string }[]>("/v2/repository/index", body);
    return json.filter(({ name }) => name === "fixed");
  };

  it("unloads and loads a model, and its index tells", async () => {
    assert.deepEqual(await index(), [ready("fixed")]);
    const parameters = { unload_dependents: false };
    const unloaded = await post("/v2/repository/models/fixed/unload", { parameters });
    assert.deepEqual([unloaded.status, unloaded.text], [200, ""]);
    // Another front door may hear of it a moment later.
    await waitFor(async () => (await index({ ready: true })).length === 0, "the index to tell");
    assert.deepEqual(await index(), [
      { name: "fixed", version: "1", state: "UNAVAILABLE", reason: "unloaded" },
    ]);
    const loaded = await post("/v2/repository/models/fixed/load");
    assert.deepEqual([loaded.status, loaded.text], [200, ""]);
    await waitFor(async () => (await index({ ready: true })).length === 1, "the index to tell");
  });

  it("says why it loads nothing", async () => {
    const { status, json } = await post("/v2/repository/models/no/load");
    assert.deepEqual(
      [status, json.error, json.code],
      [404, "failed to load 'no': no model is named 'no'", "model-not-found"],
    );
  });
});

describe("Logging", () => {
  const isLogged = (id: string) => cluster.logs.some(({ request_id }) => request_id === id);
  const fails = (id: string) => cluster.predict("echo", { features: [1] }, { "x-request-id": id });
  const all = { log_info: true, log_warning: true, log_error: true };

  it("is changed in all processes, and in those that start later", async () => {
    const warnings = await post<object>("/v2/logging", { log_info: false });
    const shown = { log_file: "", ...all, log_info: false, log_verbose_level: 0 };
    assert.deepEqual(warnings.json, { ...shown, log_format: "ISO8601" });
    const [door] = (await cluster.tree()).front_doors;
    assert.ok(door !== undefined && door.pid !== null);
    process.kill(door.pid, "SIGKILL");
    await waitFor(async () => {
      const [now] = (await cluster.tree()).front_doors;
      return now?.state === "ready" && now.pid !== door.pid;
    }, "another front door");
    for (let ask = 0; ask < 10; ask += 1) await fails("unseen");
    await post("/v2/logging", { log_info: true });
    assert.deepEqual((await cluster.get<object>("/v2/logging")).json, {
      log_file: "",
      ...all,
      log_verbose_level: 0,
      log_format: "ISO8601",
    });
    await waitFor(async () => (await fails("seen")) && isLogged("seen"), "a line again");
    assert.ok(!isLogged("unseen"));
  });

  it("refuses what cannot be changed", async () => {
    assert.equal((await post("/v2/logging", { log_file: "x" })).status, 501);
    assert.equal((await post("/v2/logging", { log_info: 1 })).status, 400);
  });
});

describe("The server's metadata", () => {
  it("lists what works beyond the protocol", async () => {
    const { json } = await cluster.get<{ readonly extensions: readonly string[] }>("/v2");
    assert.deepEqual(json.extensions, [
      "binary_tensor_data",
      "classification",
      "logging",
      "model_configuration",
      "model_repository",
      "model_repository(unload_dependents)",
      "schedule_policy",
      "sequence",
      "statistics",
      "trace",
    ]);
  });

  it("is of a server that ends cleanly after all this", () => cluster.endsCleanly());
});
