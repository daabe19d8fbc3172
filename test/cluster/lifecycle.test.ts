import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { after, describe, it } from "node:test";
import { brokenModel, echoModel } from "../../models/odd-models.ts";
import { type HostTreeView, startCluster, startReady } from "./cluster.ts";
import { waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];
const fewRestarts =
  "restart: { intensity: 2, period_ms: 60000, min_backoff_ms: 10, max_backoff_ms: 20 }";

interface ModelList {
  readonly models: readonly { readonly name: string; readonly problem: string | null }[];
}

interface Health {
  readonly status: string;
  readonly reasons: readonly string[];
}

const cluster = await startReady(
  { after },
  {
    models: {
      steady: { onnx: echoModel() },
      fragile: { onnx: echoModel(), yaml: fewRestarts },
      broken: { onnx: brokenModel() },
      misspelt: { onnx: echoModel(), yaml: "batchin: { max_batch_size: 4 }" },
      empty: {},
    },
  },
);

async function steadyAnswers(): Promise<void> {
  const { status, json } = await cluster.predict("steady", { features: row });
  assert.deepEqual([status, json.predictions], [200, [row]]);
}

async function reasonFor(model: string): Promise<string> {
  const { reasons } = (await cluster.get("/readyz")).json;
  const found = reasons.filter((reason) => reason.includes(`'${model}'`));
  assert.equal(found.length, 1, `reasons: ${reasons.join("; ")}`);
  return found[0] ?? "";
}

describe("A bad model", () => {
  it("does not keep the server from being ready, nor the good ones from serving", async () => {
    assert.equal((await cluster.get("/readyz")).status, 200);
    await steadyAnswers();
    assert.equal(await cluster.metric("models_loaded"), 2);
  });

  const faults: readonly (readonly [string, RegExp])[] = [
    ["broken", /unavailable: .*protobuf/i],
    ["misspelt", /unavailable: .*batchin.*nearest.*batching/],
    ["empty", /unavailable: holds no \.onnx file/],
  ];
  for (const [model, words] of faults) {
    it(`is named with its reason: ${model}`, async () => {
      assert.match(await reasonFor(model), words);
      const { status, headers, json } = await cluster.predict(model, { features: row });
      assert.deepEqual([status, json.code], [503, "model-unavailable"]);
      assert.ok(Number(headers["retry-after"]) >= 1);
      assert.doesNotMatch(json.error, /\/tmp\//);
      assert.equal((await cluster.get(`/v2/models/${model}/ready`)).status, 503);
      const only = await cluster.get(`/readyz?model=${model}`);
      assert.deepEqual([only.status, only.json.ready], [503, false]);
    });
  }

  it("is listed beside the others, and makes the server's health degraded", async () => {
    const { models } = (await cluster.get<ModelList>("/v2/models")).json;
    assert.deepEqual(
      models.map(({ name, problem }) => [name, problem !== null]),
      [
        ["broken", false],
        ["empty", true],
        ["fragile", false],
        ["misspelt", true],
        ["steady", false],
      ],
    );
    const { status, reasons } = (await cluster.get<Health>("/health")).json;
    assert.deepEqual([status, reasons.length], ["degraded", 3]);
  });

  it("is not started again, as only another file would help", async () => {
    const host = await cluster.host("broken");
    assert.deepEqual([host.state, host.restarts], ["given-up", 0]);
  });
});

describe("A model whose host dies again and again", () => {
  const killed = new Set<number>();

  /** Kills whatever runs in the slot, once each. */
  async function killOnSight(): Promise<HostTreeView> {
    const host = await cluster.host("fragile");
    if (host.pid !== null && !killed.has(host.pid)) {
      killed.add(host.pid);
      process.kill(host.pid, "SIGKILL");
    }
    return host;
  }

  it("is given up when the crashes outrun the intensity, while others are served", async () => {
    await waitFor(async () => {
      await steadyAnswers();
      return (await killOnSight()).state === "given-up";
    }, "the model to be given up");
    assert.equal(killed.size, 3);
  });

  it("says why in the tree and in the reasons of a server that is still ready", async () => {
    const { reason, pid, last_exit } = await cluster.host("fragile");
    assert.match(reason ?? "", /3 crashes in a row, the last: SIGKILL/);
    assert.deepEqual([pid, last_exit?.reason, last_exit?.signal], [null, "SIGKILL", "SIGKILL"]);
    assert.match(await reasonFor("fragile"), /unavailable: 3 crashes in a row/);
    assert.equal((await cluster.get("/readyz")).status, 200);
  });

  it("is unavailable to its callers, who are told when to come back", async () => {
    const { status, headers, json } = await cluster.predict("fragile", { features: row });
    assert.deepEqual([status, json.code], [503, "model-unavailable"]);
    assert.match(json.error, /cannot be served/);
    assert.ok(Number(headers["retry-after"]) >= 1);
    assert.ok(Number(headers["retry-after-ms"]) >= 1);
    assert.equal((await cluster.get("/v2/models/fragile/ready")).status, 503);
    await steadyAnswers();
  });
});

describe("A host's process", () => {
  it("begins with an empty working folder", async () => {
    const { pid } = await cluster.host("steady");
    const folder = readlinkSync(`/proc/${pid}/cwd`);
    assert.ok(folder.startsWith(cluster.home), folder);
    assert.deepEqual(readdirSync(folder), []);
  });

  it("has nothing of the server's environment", async () => {
    const { pid } = await cluster.host("steady");
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const names = environment.split("\0").map((entry) => entry.split("=")[0] ?? "");
    const ofNode = /^NODE_CHANNEL_/;
    assert.deepEqual(
      names.filter((name) => name !== "" && !ofNode.test(name)),
      ["ORT_DISABLE_TELEMETRY"],
    );
  });
});

describe("A model that is required", () => {
  it("keeps the server from being ready while it is not", async (t) => {
    const models = {
      needed: { onnx: brokenModel(), yaml: "required: true" },
      other: { onnx: echoModel() },
    };
    const hindered = await startCluster(t, { models });
    const started = () => hindered.logs.some(({ msg }) => msg === "started");
    await waitFor(started, "every model to be ready or given up");
    const { status, json } = await hindered.get("/readyz");
    assert.deepEqual([status, json.ready], [503, false]);
    assert.match(json.reasons.join(), /'needed' version '1' is unavailable/);
    assert.equal((await hindered.get("/v2/health/ready")).status, 503);
    assert.equal((await hindered.get("/readyz?model=other")).status, 200);
    assert.equal((await hindered.predict("other", { features: row })).status, 200);
  });
});

it("and nothing is left", () => cluster.endsCleanly());
