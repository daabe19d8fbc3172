/* What is known of versions that are not loaded, and in another run of the server never were. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel, gatherModel } from "../../models/odd-models.ts";
import { type Cluster, startReady } from "./cluster.ts";
import { modelsFolder, post, upload } from "./model-changes.ts";
import { waitFor } from "./wait.ts";

interface Described {
  readonly state: string;
  readonly kind: string | null;
  readonly inputs: unknown;
  readonly outputs: unknown;
  readonly batching: unknown;
  readonly digest: string | null;
}

const models = {
  kept: { onnx: echoModel(), yaml: "versions: [1]\n" },
  swapped: { onnx: echoModel() },
};
const first = await startReady({ after }, { models });
const { home } = first;

async function read(cluster: Cluster, model: string): Promise<Described> {
  return (await cluster.get<Described>(`/models/${model}/versions/1`)).json;
}

async function known(cluster: Cluster, model: string): Promise<Described> {
  return waitFor(async () => {
    const json = await read(cluster, model);
    return json.digest !== null && json;
  }, `the digest of ${model}`);
}

function tensors({ kind, inputs, outputs, batching, digest }: Described) {
  return { kind, inputs, outputs, batching, digest };
}

describe("an uploaded version that is not selected", () => {
  it("is described as its trial found it", async () => {
    const answer = await upload(first, { id: "kept", version: "2" }, gatherModel());
    assert.equal(answer.status, 201, answer.text);
    const { json } = await first.get<Described>("/models/kept/versions/2");
    assert.deepEqual([json.state, json.kind], ["unloaded", "stateless"]);
  });
});

describe("an unloaded model", () => {
  it("is described as before after a restart of the server, while its file is the same", async () => {
    const before = await known(first, "kept");
    assert.equal(before.kind, "stateless");
    for (const model of Object.keys(models)) {
      assert.equal((await post(first, model, "unload")).status, 200);
    }
    await first.endsCleanly();
    writeFileSync(join(modelsFolder(first), "swapped", "model.onnx"), gatherModel());
    const second = await startReady({ after }, { home, modelsFolder: modelsFolder(first) });
    const kept = await known(second, "kept");
    assert.deepEqual([kept.state, tensors(kept)], ["unloaded", tensors(before)]);
    const { state, inputs } = await known(second, "swapped");
    assert.deepEqual([state, inputs], ["unloaded", null]);
    await second.endsCleanly();
  });
});
