/* Files that somebody has changed under hosts that run, where nobody watches the folder. */
import assert from "node:assert/strict";
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { brokenModel, plusModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { openFeed } from "./event-feed.ts";
import { hostsOfVersion, modelsFolder, post } from "./model-changes.ts";

const yaml = "replicas: 2\nbake_ms: 0\n";
const models = {
  loaded: { onnx: plusModel(1), yaml },
  struck: { onnx: plusModel(1), yaml },
};
const cluster = await startReady({ after }, { models });
const feed = await openFeed(cluster);

function replace(model: string, onnx: Uint8Array): void {
  const folder = join(modelsFolder(cluster), model);
  writeFileSync(join(folder, ".new"), onnx);
  renameSync(join(folder, ".new"), join(folder, "model.onnx"));
}

async function amountsOf(model: string): Promise<readonly number[]> {
  const amounts = new Set<number>();
  for (let times = 0; times < 8; times += 1) {
    const { status, json } = await cluster.predict(model, { features: [0, 0, 0, 0] });
    assert.equal(status, 200, json.error);
    amounts.add((json.predictions as number[][])[0]?.[0] ?? Number.NaN);
  }
  return [...amounts];
}

interface Health {
  readonly status: string;
  readonly reasons: readonly string[];
}

describe("A file that was replaced under its old name", () => {
  it("is rolled out by a load; a bad one is not, and health tells of it", async () => {
    replace("loaded", plusModel(2));
    assert.equal((await post(cluster, "loaded", "load")).status, 200);
    assert.deepEqual(await amountsOf("loaded"), [2]);
    const described = async () =>
      (await cluster.get<{ digest: string; reason: string | null }>("/models/loaded")).json;
    const { digest } = await described();
    replace("loaded", brokenModel());
    assert.equal((await post(cluster, "loaded", "load")).status, 422);
    assert.deepEqual(await amountsOf("loaded"), [2]);
    const { status, json } = await cluster.get<Health>("/health");
    assert.deepEqual([status, json.status], [200, "degraded"]);
    const words =
      "serves version '1' as it was, but its file has been replaced since it was loaded";
    assert.deepEqual(json.reasons, [`model 'loaded' ${words}`]);
    const after = await described();
    assert.equal(after.digest, digest);
    assert.match(after.reason ?? "", /^rolled back: Failed to load model because protobuf/);
    replace("loaded", plusModel(3));
    assert.equal((await post(cluster, "loaded", "load")).status, 200);
    assert.deepEqual((await cluster.get<Health>("/health")).json.reasons, []);
  });

  it("is rolled out to every replica when one of them has begun anew with it", async () => {
    replace("struck", plusModel(5));
    const [host] = await hostsOfVersion(cluster, "struck", "1");
    assert.ok(host?.pid);
    const { mark } = feed;
    process.kill(host.pid, "SIGKILL");
    await feed.event({ model: "struck", change: "watch", state: "done" }, mark);
    assert.deepEqual(await amountsOf("struck"), [5]);
  });
});
