/* What a rollout goes back to, and what is never gone back to. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
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

/** A model of its own for each change. */
const cluster = await startReady(
  { after },
  {
    models: {
      staying: { onnx, yaml: `${longBake}versions: all\n` },
      alone: { onnx: brokenModel(), yaml: longBake },
      beside: { onnx, yaml: "bake_ms: 0\nversions: { latest: 2 }\n" },
      unloaded: { onnx: brokenModel(), yaml: "bake_ms: 0\n" },
    },
  },
);

async function kill(at: Cluster, model: string, version: string): Promise<void> {
  const [host] = await hostsOfVersion(at, model, version);
  assert.ok(host?.pid);
  process.kill(host.pid, "SIGKILL");
}

async function uploads(at: Cluster, model: string, version: string): Promise<void> {
  const { status, text } = await upload(at, { id: model, version }, onnx);
  assert.equal(status, 201, text);
}

async function rolloutOf(at: Cluster, model: string): Promise<string | null> {
  return (await at.get<ModelDescription>(`/models/${model}`)).json.rollout;
}

function isState(at: Cluster, model: string, version: string, state: string): Promise<unknown> {
  const look = async () => (await versionOf(at, model, version)).state === state;
  return waitFor(look, `version ${version} of ${model} to be ${state}`);
}

describe("A rollout beside versions that stay", () => {
  it("bakes, and goes back to them", async () => {
    await uploads(cluster, "staying", "2");
    await assertServes(cluster, "staying", "2");
    assert.equal(await rolloutOf(cluster, "staying"), "baking");
    await kill(cluster, "staying", "2");
    await isState(cluster, "staying", "2", "unavailable");
    await assertServes(cluster, "staying", "1");
  });
});

describe("A rollout with nothing to go back to", () => {
  it("stays with the new version when that dies, and does not condemn it", async () => {
    await uploads(cluster, "alone", "2");
    await assertServes(cluster, "alone", "2");
    await kill(cluster, "alone", "2");
    await isState(cluster, "alone", "2", "ready");
    await assertServes(cluster, "alone", "2");
  });
});

describe("A version that is given up", () => {
  it("does not come in the way of changes of the others", async (t) => {
    const models = { echo: { onnx, yaml: `${longBake}versions: all\n` } };
    const first = await startReady(t, { models });
    addVersion(first, "echo", "2", brokenModel());
    first.signal("SIGKILL");
    await first.ended();
    const next = await startReady(t, { home: first.home, modelsFolder: modelsFolder(first) });
    await isState(next, "echo", "2", "unavailable");
    const described = await patch(next, "echo", { description: "one is broken" });
    assert.equal(described.status, 200, described.text);
    await uploads(next, "echo", "3");
    await assertServes(next, "echo", "3");
    assert.equal((await post(next, "echo", "load?version=2")).status, 422);
    await assertServes(next, "echo", "3");
    await next.endsCleanly();
  });
});

describe("A change that is refused", () => {
  it("is forgotten, and leaves the good versions beside a bad one", async () => {
    addVersion(cluster, "beside", "2", onnx);
    addVersion(cluster, "beside", "3", brokenModel());
    assert.equal((await post(cluster, "beside", "load")).status, 422);
    await assertServes(cluster, "beside", "2");
    assert.match((await versionOf(cluster, "beside", "3")).reason ?? "", /^rolled back/);
    assert.equal((await versionOf(cluster, "beside", "1")).state, "ready");
  });

  it("is forgotten where it was an unload for which nothing can stand in", async () => {
    await uploads(cluster, "unloaded", "2");
    assert.equal((await post(cluster, "unloaded", "unload?version=2")).status, 422);
    assert.equal((await patch(cluster, "unloaded", { description: "still there" })).status, 200);
    await assertServes(cluster, "unloaded", "2");
  });
});

describe("A server that is killed while a version bakes beside another upload", () => {
  it("still can go back to what served before", async (t) => {
    const first = await startReady(t, { models: { echo: { onnx, yaml: longBake } } });
    await uploads(first, "echo", "2");
    // Not selected, so that the bake goes on.
    await uploads(first, "echo", "0");
    assert.equal((await patch(first, "echo", { limits: { memory_mb: 20 } })).status, 422);
    first.signal("SIGKILL");
    await first.ended();
    const next = await startReady(t, { home: first.home, modelsFolder: modelsFolder(first) });
    await waitFor(async () => (await rolloutOf(next, "echo")) === "baking", "another bake");
    await kill(next, "echo", "2");
    await isState(next, "echo", "2", "unavailable");
    await assertServes(next, "echo", "1");
    await next.endsCleanly();
  });
});

it("and nothing is left of all that", () => cluster.endsCleanly());
