/* What a rollout goes back to, and what is never gone back to. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { brokenModel, echoModel } from "../../models/odd-models.ts";
import { type Cluster, startReady } from "./cluster.ts";
import {
  addVersion,
  assertServes,
  hostsOfVersion,
  longBake,
  type ModelDescription,
  modelsFolder,
  patch,
  post,
  upload,
  versionOf,
} from "./model-changes.ts";
import { waitFor } from "./wait.ts";

const onnx = echoModel();

async function kill(at: Cluster, version: string): Promise<void> {
  const [host] = await hostsOfVersion(at, "echo", version);
  assert.ok(host?.pid);
  process.kill(host.pid, "SIGKILL");
}

async function uploads(at: Cluster, version: string): Promise<void> {
  const { status, text } = await upload(at, { id: "echo", version }, onnx);
  assert.equal(status, 201, text);
}

async function describeEcho(at: Cluster): Promise<ModelDescription> {
  return (await at.get<ModelDescription>("/models/echo")).json;
}

function isState(at: Cluster, version: string, state: string): Promise<unknown> {
  const look = async () => (await versionOf(at, "echo", version)).state === state;
  return waitFor(look, `version ${version} to be ${state}`);
}

describe("A rollout beside versions that stay", () => {
  it("bakes, and goes back to them", async (t) => {
    const yaml = `${longBake}versions: all\n`;
    const cluster = await startReady(t, { models: { echo: { onnx, yaml } } });
    await uploads(cluster, "2");
    await assertServes(cluster, "echo", "2");
    assert.equal((await describeEcho(cluster)).rollout, "baking");
    await kill(cluster, "2");
    await isState(cluster, "2", "unavailable");
    await assertServes(cluster, "echo", "1");
    await cluster.endsCleanly();
  });
});

describe("A rollout with nothing to go back to", () => {
  it("stays with the new version when that dies, and does not condemn it", async (t) => {
    const models = { echo: { onnx: brokenModel(), yaml: longBake } };
    const cluster = await startReady(t, { models });
    await uploads(cluster, "2");
    await assertServes(cluster, "echo", "2");
    await kill(cluster, "2");
    await isState(cluster, "2", "ready");
    await assertServes(cluster, "echo", "2");
    await cluster.endsCleanly();
  });
});

describe("A version that is given up", () => {
  it("does not come in the way of changes of the others", async (t) => {
    const models = { echo: { onnx, yaml: `${longBake}versions: all\n` } };
    const first = await startReady(t, { models });
    addVersion(first, "echo", "2", brokenModel());
    first.signal("SIGKILL");
    await first.ended();
    const cluster = await startReady(t, { home: first.home, modelsFolder: modelsFolder(first) });
    await isState(cluster, "2", "unavailable");
    const described = await patch(cluster, "echo", { description: "one is broken" });
    assert.equal(described.status, 200, described.text);
    await uploads(cluster, "3");
    await assertServes(cluster, "echo", "3");
    assert.equal((await post(cluster, "echo", "load?version=2")).status, 422);
    await assertServes(cluster, "echo", "3");
    await cluster.endsCleanly();
  });
});

describe("A change that is refused", () => {
  it("is forgotten, and leaves the good versions beside a bad one", async (t) => {
    const cluster = await startReady(t, {
      models: { echo: { onnx, yaml: "bake_ms: 0\nversions: { latest: 2 }\n" } },
    });
    addVersion(cluster, "echo", "2", onnx);
    addVersion(cluster, "echo", "3", brokenModel());
    assert.equal((await post(cluster, "echo", "load")).status, 422);
    await assertServes(cluster, "echo", "2");
    assert.match((await versionOf(cluster, "echo", "3")).reason ?? "", /^rolled back/);
    assert.equal((await versionOf(cluster, "echo", "1")).state, "ready");
    await cluster.endsCleanly();
  });

  it("is forgotten where it was an unload for which nothing can stand in", async (t) => {
    const cluster = await startReady(t, {
      models: { echo: { onnx: brokenModel(), yaml: "bake_ms: 0\n" } },
    });
    await uploads(cluster, "2");
    assert.equal((await post(cluster, "echo", "unload?version=2")).status, 422);
    assert.equal((await patch(cluster, "echo", { description: "still there" })).status, 200);
    await assertServes(cluster, "echo", "2");
    await cluster.endsCleanly();
  });
});

describe("A server that is killed while a version bakes beside another upload", () => {
  it("still can go back to what served before", async (t) => {
    const first = await startReady(t, { models: { echo: { onnx, yaml: longBake } } });
    await uploads(first, "2");
    // Not selected, so that the bake goes on.
    await uploads(first, "0");
    assert.equal((await patch(first, "echo", { limits: { memory_mb: 20 } })).status, 422);
    first.signal("SIGKILL");
    await first.ended();
    const cluster = await startReady(t, { home: first.home, modelsFolder: modelsFolder(first) });
    await waitFor(async () => (await describeEcho(cluster)).rollout === "baking", "another bake");
    await kill(cluster, "2");
    await isState(cluster, "2", "unavailable");
    await assertServes(cluster, "echo", "1");
    await cluster.endsCleanly();
  });
});
