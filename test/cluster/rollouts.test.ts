import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { describe, it } from "node:test";
import { brokenModel, echoModel } from "../../models/odd-models.ts";
import { type Cluster, type Owner, startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import {
  addVersion,
  hostsOfVersion,
  modelsFolder,
  patch,
  post,
  settled,
  upload,
  versionOf,
  yamlOf,
} from "./model-changes.ts";
import { type SteadyLoad, steadyLoad } from "./steady-load.ts";
import { waitFor } from "./wait.ts";

const shortBake = "bake_ms: 200\n";
/** Longer than any test waits. */
const longBake = "bake_ms: 600000\n";

function sample(file: string): Buffer {
  return readFileSync(new URL(`../../models/smoother/${file}`, import.meta.url));
}

/** One front door, as several may hear of a change a moment apart. */
function startEcho(owner: Owner, yaml: string): Promise<Cluster> {
  const models = { echo: { onnx: echoModel(), yaml } };
  return startReady(owner, { models, flags: ["--front-doors", "1"] });
}

function assertMoved(load: SteadyLoad, from: string, to: string): void {
  const movedAt = load.firstOf(to);
  assert.ok(load.firstOf(from) < movedAt);
  assert.deepEqual(load.versionsSince(movedAt), [to]);
}

interface RolloutTree {
  readonly models: readonly {
    readonly rollout: { readonly state: string; readonly reason: string | null } | null;
    readonly failures: Readonly<Record<string, string>>;
  }[];
}

async function rolloutOf(cluster: Cluster) {
  const { models } = (await cluster.get<RolloutTree>("/supervisor")).json;
  const [model] = models;
  assert.ok(model !== undefined);
  return model;
}

describe("A rollout under load", () => {
  it("moves from a version to one that was put beside it, and ends the old process", async (t) => {
    const cluster = await startEcho(t, shortBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    addVersion(cluster, "echo", "2", echoModel());
    const { status, json, text } = await post(cluster, "echo", "load");
    assert.deepEqual([status, json.default], [200, "2"], text);
    await settled(cluster, "echo", 1, before);
    await load.endsWithoutLoss();
    assertMoved(load, "1", "2");
    assert.equal((await versionOf(cluster, "echo", "1")).state, "unloaded");
    await cluster.endsCleanly();
  });

  it("moves to a version that was uploaded", async (t) => {
    const cluster = await startEcho(t, shortBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    const { status, text } = await upload(cluster, { id: "echo" }, echoModel());
    assert.equal(status, 201, text);
    await settled(cluster, "echo", 1, before);
    await load.endsWithoutLoss();
    assertMoved(load, "1", "2");
    await cluster.endsCleanly();
  });

  it("carries out a patch that needs another process", async (t) => {
    const cluster = await startEcho(t, shortBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    const { status, text } = await patch(cluster, "echo", { batching: { max_batch_size: 8 } });
    assert.equal(status, 200, text);
    await settled(cluster, "echo", 1, before);
    await load.endsWithoutLoss();
    assert.match(yamlOf(cluster, "echo"), /max_batch_size: 8/);
    await cluster.endsCleanly();
  });

  it("leaves an older version aside that is made the default again", async (t) => {
    const cluster = await startEcho(t, "bake_ms: 0\nversions: all\n");
    addVersion(cluster, "echo", "2", echoModel());
    assert.equal((await post(cluster, "echo", "load")).status, 200);
    const pids = await settled(cluster, "echo", 2);
    const load = await steadyLoad(t, cluster, "echo");
    const { status, text } = await patch(cluster, "echo", { default_version: "1" });
    assert.equal(status, 200, text);
    await load.flows();
    await load.endsWithoutLoss();
    assertMoved(load, "2", "1");
    assert.deepEqual(await cluster.pidsOf("echo"), pids);
    await cluster.endsCleanly();
  });

  it("keeps the process for what the process does not see", async (t) => {
    const cluster = await startEcho(t, shortBake);
    const [pid] = await cluster.pidsOf("echo");
    assert.ok(pid !== undefined);
    const load = await steadyLoad(t, cluster, "echo");
    const changes = { description: "says it again", replicas: 2, default_version: "1" };
    const { status, json, text } = await patch(cluster, "echo", changes);
    assert.deepEqual([status, json.description], [200, "says it again"], text);
    const pids = await settled(cluster, "echo", 2);
    assert.ok(pids.includes(pid));
    await load.endsWithoutLoss();
    await cluster.endsCleanly();
  });
});

describe("A restart under load", () => {
  it("puts another process in the place of each", async (t) => {
    const cluster = await startEcho(t, "replicas: 2");
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    const { status, text } = await post(cluster, "echo", "restart");
    assert.equal(status, 200, text);
    await settled(cluster, "echo", 2, before);
    await load.endsWithoutLoss();
    await cluster.endsCleanly();
  });
});

describe("A rollout whose new host is killed before it has lasted", () => {
  const words = /rolled back: its host ended \(SIGKILL\)/;

  async function killNew(cluster: Cluster): Promise<void> {
    const [host] = await hostsOfVersion(cluster, "echo", "2");
    assert.ok(host?.pid);
    process.kill(host.pid, "SIGKILL");
    await waitFor(async () => (await cluster.hosts("echo")).length === 1, "the old host alone");
  }

  it("goes back by itself, and says why", async (t) => {
    const cluster = await startEcho(t, longBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    addVersion(cluster, "echo", "2", echoModel());
    assert.equal((await post(cluster, "echo", "load")).status, 200);
    await load.flows();
    await killNew(cluster);
    const backAt = performance.now();
    await load.flows();
    await load.endsWithoutLoss();
    assert.ok(load.firstOf("2") < backAt);
    assert.deepEqual(load.versionsSince(backAt), ["1"]);
    assert.deepEqual(await cluster.pidsOf("echo"), before);
    const { state, reason } = await versionOf(cluster, "echo", "2");
    assert.equal(state, "unavailable");
    assert.match(reason ?? "", words);
    const { rollout, failures } = await rolloutOf(cluster);
    assert.equal(rollout?.state, "rolled-back");
    assert.match(failures["2"] ?? "", words);
    const said = cluster.logs.find(({ msg }) => msg === "rolled back");
    assert.deepEqual([said?.["model"], said?.["version"]], ["echo", "2"]);
    await cluster.endsCleanly();
  });

  it("stays as it was after a crash of the server, until somebody names the version", async (t) => {
    const crashed = await startEcho(t, longBake);
    addVersion(crashed, "echo", "2", echoModel());
    assert.equal((await post(crashed, "echo", "load")).status, 200);
    await killNew(crashed);
    const isWritten = () => crashed.logs.some(({ msg }) => msg === "change rolled-back");
    await waitFor(isWritten, "the rollback to be written down");
    crashed.signal("SIGKILL");
    await crashed.ended();
    const { home } = crashed;
    const cluster = await startReady(t, { home, modelsFolder: modelsFolder(crashed) });
    const { json } = await cluster.predict("echo", { features: [1, 2, 3, 4] });
    assert.equal(json.version, "1");
    assert.match((await versionOf(cluster, "echo", "2")).reason ?? "", words);
    assert.equal((await post(cluster, "echo", "load")).json.default, "1");
    assert.equal((await post(cluster, "echo", "load?version=2")).json.default, "2");
    await cluster.endsCleanly();
  });

  it("takes a patch back with it", async (t) => {
    const cluster = await startEcho(t, longBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    assert.equal((await patch(cluster, "echo", { batching: { max_batch_size: 8 } })).status, 200);
    const fresh = (await cluster.pidsOf("echo")).find((pid) => !before.includes(pid));
    assert.ok(fresh !== undefined);
    process.kill(fresh, "SIGKILL");
    await waitFor(() => yamlOf(cluster, "echo") === longBake, "the configuration of before");
    assert.deepEqual(await settled(cluster, "echo"), before);
    await load.endsWithoutLoss();
    assert.equal((await post(cluster, "echo", "load")).status, 200);
    assert.deepEqual(await cluster.pidsOf("echo"), before);
    await cluster.endsCleanly();
  });
});

describe("A change that fails", () => {
  it("leaves everything as it is where a golden sample is not met, and names the output", async (t) => {
    const cluster = await startEcho(t, shortBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    const golden = [{ features: [1, 2, 3, 4], outputs: { y: [[1, 2, 3, 5]] } }];
    const { status, json } = await patch(cluster, "echo", { golden });
    assert.deepEqual([status, json.code], [422, "invalid-model"]);
    assert.match(json.error, /golden.*'?y'?/);
    assert.deepEqual(await settled(cluster, "echo"), before);
    await load.endsWithoutLoss();
    assert.equal(yamlOf(cluster, "echo"), shortBake);
    assert.equal((await post(cluster, "echo", "unload")).status, 200);
    assert.equal((await versionOf(cluster, "echo", "1")).state, "unloaded");
    await cluster.endsCleanly();
  });

  it("leaves the old version serving where the new one cannot be loaded, after a crash too", async (t) => {
    const crashed = await startEcho(t, shortBake);
    const before = await crashed.pidsOf("echo");
    const load = await steadyLoad(t, crashed, "echo");
    addVersion(crashed, "echo", "2", brokenModel());
    const { status, json } = await post(crashed, "echo", "load");
    assert.deepEqual([status, json.code], [422, "invalid-model"]);
    assert.match(json.error, /protobuf/i);
    assert.equal((await patch(crashed, "echo", { description: "as before" })).status, 200);
    assert.deepEqual(await settled(crashed, "echo"), before);
    await load.endsWithoutLoss();
    assert.deepEqual(load.versionsSince(0), ["1"]);
    crashed.signal("SIGKILL");
    await crashed.ended();
    const { home } = crashed;
    const cluster = await startReady(t, { home, modelsFolder: modelsFolder(crashed) });
    const answer = await cluster.predict("echo", { features: [1, 2, 3, 4] });
    assert.deepEqual([answer.status, answer.json.version], [200, "1"]);
    await cluster.endsCleanly();
  });
});

describe("A file that has been spoilt", () => {
  it("lets neither a restart nor another replica through, and harms nobody who serves", async (t) => {
    const cluster = await startEcho(t, shortBake);
    const before = await cluster.pidsOf("echo");
    const load = await steadyLoad(t, cluster, "echo");
    writeFileSync(`${modelsFolder(cluster)}/echo/model.onnx`, brokenModel());
    for (const { status, json } of [
      await post(cluster, "echo", "restart"),
      await patch(cluster, "echo", { replicas: 2 }),
    ]) {
      assert.deepEqual([status, json.code], [422, "invalid-model"]);
      assert.match(json.error, /protobuf/i);
    }
    assert.deepEqual(await settled(cluster, "echo"), before);
    assert.equal(yamlOf(cluster, "echo"), shortBake);
    await load.endsWithoutLoss();
    await cluster.endsCleanly();
  });

  it("is taken up when it has been mended", async (t) => {
    const cluster = await startEcho(t, shortBake);
    addVersion(cluster, "echo", "2", brokenModel());
    assert.equal((await post(cluster, "echo", "load")).status, 422);
    assert.equal((await post(cluster, "echo", "load")).json.default, "1");
    writeFileSync(`${modelsFolder(cluster)}/echo/2/model.onnx`, echoModel());
    assert.equal((await post(cluster, "echo", "load")).json.default, "2");
    await cluster.endsCleanly();
  });
});

describe("A sequence that is open during a rollout", () => {
  function startSmoother(owner: Owner, drainSequencesMs: number): Promise<Cluster> {
    const yaml = `${sample("model.yaml")}bake_ms: 0\n`;
    const models = { smoother: { onnx: sample("model.onnx"), yaml } };
    const flags = ["--front-doors", "1", "--drain-sequences-ms", String(drainSequencesMs)];
    return startReady(owner, { models, flags });
  }

  const open = (cluster: Cluster) => openSocket(cluster.url, "/v2/models/smoother/stream");
  const meanOf = ({ outputs, error }: { outputs: unknown; error: string }) => {
    assert.ok(outputs !== undefined, error);
    return (outputs as { mean: { data: number[][] } }).mean.data[0]?.[0];
  };

  it("goes on at its old host, which ends with it", async (t) => {
    const cluster = await startSmoother(t, 30_000);
    const [old] = await cluster.pidsOf("smoother");
    assert.ok(old !== undefined);
    const socket = await open(cluster);
    await socket.step(1, { features: [2] });
    const changes = { batching: { max_batch_size: 8 } };
    assert.equal((await patch(cluster, "smoother", changes)).status, 200);
    assert.equal(meanOf(await socket.step(2, { features: [4] })), 3);
    assert.ok((await cluster.pidsOf("smoother")).includes(old));
    const other = await open(cluster);
    assert.equal(meanOf(await other.step(1, { features: [10] })), 10);
    other.close();
    assert.equal(meanOf(await socket.step(3, { features: [6] })), 4);
    socket.close();
    await settled(cluster, "smoother", 1, [old]);
    assert.deepEqual(socket.endings, []);
    await cluster.endsCleanly();
  });

  it("hears of its end when it takes longer than the drain may", async (t) => {
    const cluster = await startSmoother(t, 200);
    const before = await cluster.pidsOf("smoother");
    const socket = await open(cluster);
    await socket.step(1, { features: [2] });
    const changes = { batching: { max_batch_size: 8 } };
    assert.equal((await patch(cluster, "smoother", changes)).status, 200);
    assert.equal((await socket.ending()).reason, "draining");
    await settled(cluster, "smoother", 1, before);
    socket.send({ type: "reset" });
    assert.equal(meanOf(await socket.step(2, { features: [4] })), 4);
    socket.close();
    await cluster.endsCleanly();
  });
});
