import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, describe, it } from "node:test";
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
function startEchoes(owner: Owner, yamls: Readonly<Record<string, string>>): Promise<Cluster> {
  const models = Object.entries(yamls).map(([name, yaml]) => [name, { onnx: echoModel(), yaml }]);
  return startReady(owner, {
    models: Object.fromEntries(models),
    flags: ["--front-doors", "1"],
  });
}

/** A model of its own for each change. */
const cluster = await startEchoes(
  { after },
  {
    moved: shortBake,
    uploaded: shortBake,
    patched: shortBake,
    aside: "bake_ms: 0\nversions: all\n",
    kept: shortBake,
    restarted: "replicas: 2",
    back: longBake,
    "taken-back": longBake,
    golden: shortBake,
    spoilt: shortBake,
    mended: shortBake,
  },
);

function assertMoved(load: SteadyLoad, from: string, to: string): void {
  const movedAt = load.firstOf(to);
  assert.ok(load.firstOf(from) < movedAt);
  assert.deepEqual(load.versionsSince(movedAt), [to]);
}

interface RolloutTree {
  readonly models: readonly {
    readonly name: string;
    readonly rollout: { readonly state: string; readonly reason: string | null } | null;
    readonly failures: Readonly<Record<string, string>>;
  }[];
}

async function rolloutOf(name: string) {
  const { models } = (await cluster.get<RolloutTree>("/supervisor")).json;
  const model = models.find((one) => one.name === name);
  assert.ok(model !== undefined);
  return model;
}

describe("A rollout under load", () => {
  it("moves from a version to one that was put beside it, and ends the old process", async (t) => {
    const before = await cluster.pidsOf("moved");
    const load = await steadyLoad(t, cluster, "moved");
    addVersion(cluster, "moved", "2", echoModel());
    const { status, json, text } = await post(cluster, "moved", "load");
    assert.deepEqual([status, json.default], [200, "2"], text);
    await settled(cluster, "moved", 1, before);
    await load.endsWithoutLoss();
    assertMoved(load, "1", "2");
    assert.equal((await versionOf(cluster, "moved", "1")).state, "unloaded");
  });

  it("moves to a version that was uploaded", async (t) => {
    const before = await cluster.pidsOf("uploaded");
    const load = await steadyLoad(t, cluster, "uploaded");
    const { status, text } = await upload(cluster, { id: "uploaded" }, echoModel());
    assert.equal(status, 201, text);
    await settled(cluster, "uploaded", 1, before);
    await load.endsWithoutLoss();
    assertMoved(load, "1", "2");
  });

  it("carries out a patch that needs another process", async (t) => {
    const before = await cluster.pidsOf("patched");
    const load = await steadyLoad(t, cluster, "patched");
    const { status, text } = await patch(cluster, "patched", { batching: { max_batch_size: 8 } });
    assert.equal(status, 200, text);
    await settled(cluster, "patched", 1, before);
    await load.endsWithoutLoss();
    assert.match(yamlOf(cluster, "patched"), /max_batch_size: 8/);
  });

  it("leaves an older version aside that is made the default again", async (t) => {
    addVersion(cluster, "aside", "2", echoModel());
    assert.equal((await post(cluster, "aside", "load")).status, 200);
    const pids = await settled(cluster, "aside", 2);
    const load = await steadyLoad(t, cluster, "aside");
    const { status, text } = await patch(cluster, "aside", { default_version: "1" });
    assert.equal(status, 200, text);
    await load.flows();
    await load.endsWithoutLoss();
    assertMoved(load, "2", "1");
    assert.deepEqual(await cluster.pidsOf("aside"), pids);
  });

  it("keeps the process for what the process does not see", async (t) => {
    const [pid] = await cluster.pidsOf("kept");
    assert.ok(pid !== undefined);
    const load = await steadyLoad(t, cluster, "kept");
    const changes = { description: "says it again", replicas: 2, default_version: "1" };
    const { status, json, text } = await patch(cluster, "kept", changes);
    assert.deepEqual([status, json.description], [200, "says it again"], text);
    const pids = await settled(cluster, "kept", 2);
    assert.ok(pids.includes(pid));
    await load.endsWithoutLoss();
  });
});

describe("A restart under load", () => {
  it("puts another process in the place of each", async (t) => {
    const before = await cluster.pidsOf("restarted");
    const load = await steadyLoad(t, cluster, "restarted");
    const { status, text } = await post(cluster, "restarted", "restart");
    assert.equal(status, 200, text);
    await settled(cluster, "restarted", 2, before);
    await load.endsWithoutLoss();
  });
});

describe("A rollout whose new host is killed before it has lasted", () => {
  const words = /rolled back: its host ended \(SIGKILL\)/;

  async function killNew(at: Cluster, model: string): Promise<void> {
    const [host] = await hostsOfVersion(at, model, "2");
    assert.ok(host?.pid);
    process.kill(host.pid, "SIGKILL");
    await waitFor(async () => (await at.hosts(model)).length === 1, "the old host alone");
  }

  it("goes back by itself, and says why", async (t) => {
    const before = await cluster.pidsOf("back");
    const load = await steadyLoad(t, cluster, "back");
    addVersion(cluster, "back", "2", echoModel());
    assert.equal((await post(cluster, "back", "load")).status, 200);
    await load.flows();
    await killNew(cluster, "back");
    const backAt = performance.now();
    await load.flows();
    await load.endsWithoutLoss();
    assert.ok(load.firstOf("2") < backAt);
    assert.deepEqual(load.versionsSince(backAt), ["1"]);
    assert.deepEqual(await cluster.pidsOf("back"), before);
    const { state, reason } = await versionOf(cluster, "back", "2");
    assert.equal(state, "unavailable");
    assert.match(reason ?? "", words);
    const { rollout, failures } = await rolloutOf("back");
    assert.equal(rollout?.state, "rolled-back");
    assert.match(failures["2"] ?? "", words);
    const said = cluster.logs.find(({ msg, model }) => msg === "rolled back" && model === "back");
    assert.deepEqual([said?.["model"], said?.["version"]], ["back", "2"]);
  });

  it("stays as it was after a crash of the server, until somebody names the version", async (t) => {
    const crashed = await startEchoes(t, { echo: longBake });
    addVersion(crashed, "echo", "2", echoModel());
    assert.equal((await post(crashed, "echo", "load")).status, 200);
    await killNew(crashed, "echo");
    const isWritten = () => crashed.logs.some(({ msg }) => msg === "change rolled-back");
    await waitFor(isWritten, "the rollback to be written down");
    crashed.signal("SIGKILL");
    await crashed.ended();
    const { home } = crashed;
    const next = await startReady(t, { home, modelsFolder: modelsFolder(crashed) });
    const { json } = await next.predict("echo", { features: [1, 2, 3, 4] });
    assert.equal(json.version, "1");
    assert.match((await versionOf(next, "echo", "2")).reason ?? "", words);
    assert.equal((await post(next, "echo", "load")).json.default, "1");
    assert.equal((await post(next, "echo", "load?version=2")).json.default, "2");
    await next.endsCleanly();
  });

  it("takes a patch back with it", async (t) => {
    const before = await cluster.pidsOf("taken-back");
    const load = await steadyLoad(t, cluster, "taken-back");
    assert.equal(
      (await patch(cluster, "taken-back", { batching: { max_batch_size: 8 } })).status,
      200,
    );
    const fresh = (await cluster.pidsOf("taken-back")).find((pid) => !before.includes(pid));
    assert.ok(fresh !== undefined);
    process.kill(fresh, "SIGKILL");
    await waitFor(() => yamlOf(cluster, "taken-back") === longBake, "the configuration of before");
    assert.deepEqual(await settled(cluster, "taken-back"), before);
    await load.endsWithoutLoss();
    assert.equal((await post(cluster, "taken-back", "load")).status, 200);
    assert.deepEqual(await cluster.pidsOf("taken-back"), before);
  });
});

describe("A change that fails", () => {
  it("leaves everything as it is where a golden sample is not met, and names the output", async (t) => {
    const before = await cluster.pidsOf("golden");
    const load = await steadyLoad(t, cluster, "golden");
    const golden = [{ features: [1, 2, 3, 4], outputs: { y: [[1, 2, 3, 5]] } }];
    const { status, json } = await patch(cluster, "golden", { golden });
    assert.deepEqual([status, json.code], [422, "invalid-model"]);
    assert.match(json.error, /golden.*'?y'?/);
    assert.deepEqual(await settled(cluster, "golden"), before);
    await load.endsWithoutLoss();
    assert.equal(yamlOf(cluster, "golden"), shortBake);
    assert.equal((await post(cluster, "golden", "unload")).status, 200);
    assert.equal((await versionOf(cluster, "golden", "1")).state, "unloaded");
  });

  it("leaves the old version serving where the new one cannot be loaded, after a crash too", async (t) => {
    const crashed = await startEchoes(t, { echo: shortBake });
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
    const next = await startReady(t, { home, modelsFolder: modelsFolder(crashed) });
    const answer = await next.predict("echo", { features: [1, 2, 3, 4] });
    assert.deepEqual([answer.status, answer.json.version], [200, "1"]);
    await next.endsCleanly();
  });
});

describe("A file that has been spoilt", () => {
  it("lets neither a restart nor another replica through, and harms nobody who serves", async (t) => {
    const before = await cluster.pidsOf("spoilt");
    const load = await steadyLoad(t, cluster, "spoilt");
    writeFileSync(`${modelsFolder(cluster)}/spoilt/model.onnx`, brokenModel());
    for (const { status, json } of [
      await post(cluster, "spoilt", "restart"),
      await patch(cluster, "spoilt", { replicas: 2 }),
    ]) {
      assert.deepEqual([status, json.code], [422, "invalid-model"]);
      assert.match(json.error, /protobuf/i);
    }
    assert.deepEqual(await settled(cluster, "spoilt"), before);
    assert.equal(yamlOf(cluster, "spoilt"), shortBake);
    await load.endsWithoutLoss();
  });

  it("is taken up when it has been mended", async () => {
    addVersion(cluster, "mended", "2", brokenModel());
    assert.equal((await post(cluster, "mended", "load")).status, 422);
    assert.equal((await post(cluster, "mended", "load")).json.default, "1");
    writeFileSync(`${modelsFolder(cluster)}/mended/2/model.onnx`, echoModel());
    assert.equal((await post(cluster, "mended", "load")).json.default, "2");
  });
});

describe("A sequence that is open during a rollout", () => {
  function startSmoother(owner: Owner, drainSequencesMs: number): Promise<Cluster> {
    const yaml = `${sample("model.yaml")}bake_ms: 0\n`;
    const models = { smoother: { onnx: sample("model.onnx"), yaml } };
    const flags = ["--front-doors", "1", "--drain-sequences-ms", String(drainSequencesMs)];
    return startReady(owner, { models, flags });
  }

  const open = (at: Cluster) => openSocket(at.url, "/v2/models/smoother/stream");
  const meanOf = ({ outputs, error }: { outputs: unknown; error: string }) => {
    assert.ok(outputs !== undefined, error);
    return (outputs as { mean: { data: number[][] } }).mean.data[0]?.[0];
  };

  it("goes on at its old host, which ends with it", async (t) => {
    const own = await startSmoother(t, 30_000);
    const [old] = await own.pidsOf("smoother");
    assert.ok(old !== undefined);
    const socket = await open(own);
    await socket.step(1, { features: [2] });
    const changes = { batching: { max_batch_size: 8 } };
    assert.equal((await patch(own, "smoother", changes)).status, 200);
    assert.equal(meanOf(await socket.step(2, { features: [4] })), 3);
    assert.ok((await own.pidsOf("smoother")).includes(old));
    const other = await open(own);
    assert.equal(meanOf(await other.step(1, { features: [10] })), 10);
    other.close();
    assert.equal(meanOf(await socket.step(3, { features: [6] })), 4);
    socket.close();
    await settled(own, "smoother", 1, [old]);
    assert.deepEqual(socket.endings, []);
    await own.endsCleanly();
  });

  it("hears of its end when it takes longer than the drain may", async (t) => {
    const own = await startSmoother(t, 200);
    const before = await own.pidsOf("smoother");
    const socket = await open(own);
    await socket.step(1, { features: [2] });
    const changes = { batching: { max_batch_size: 8 } };
    assert.equal((await patch(own, "smoother", changes)).status, 200);
    assert.equal((await socket.ending()).reason, "draining");
    await settled(own, "smoother", 1, before);
    socket.send({ type: "reset" });
    assert.equal(meanOf(await socket.step(2, { features: [4] })), 4);
    socket.close();
    await own.endsCleanly();
  });
});

it("and nothing is left of all that", () => cluster.endsCleanly());
