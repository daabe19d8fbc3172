import assert from "node:assert/strict";
import { createServer } from "node:net";
import { describe, it } from "node:test";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { type Cluster, startReady } from "./cluster.ts";
import { waitFor } from "./wait.ts";

const models = {
  echo: { onnx: echoModel() },
  loop: { onnx: loopModel() },
};
const endlessTrips = 2 ** 40;
const goneWithinMs = 2_000;

/** Resolves when the port can be bound, and is let go again. */
function bindOnce(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, "127.0.0.1", () => server.close(() => resolve()));
  });
}

async function kill(cluster: Cluster): Promise<void> {
  assert.ok(cluster.children.length >= 3, "a front door and two hosts");
  cluster.signal("SIGKILL");
  await cluster.ended();
  await waitFor(() => cluster.children.length === 0, "all children to be gone", goneWithinMs);
  const port = Number(new URL(cluster.url).port);
  await waitFor(() => bindOnce(port).then(() => true), "the port to be free", goneWithinMs);
}

describe("A supervisor that is killed", () => {
  it("takes its children with it, and the next start sweeps what is left", async (t) => {
    const cluster = await startReady(t, { models });
    await kill(cluster);
    assert.equal(cluster.runtimeFolders.length, 1);
    const { home } = cluster;
    const next = await startReady(t, { home, modelsFolder: `${home}/models` });
    const pids = next.runtimeFolders.map((name) => Number(name.split("-")[1]));
    assert.deepEqual(pids, [next.pid]);
    await next.endsCleanly();
  });

  it("takes a host with it that is in an endless run", async (t) => {
    const cluster = await startReady(t, { models });
    const doomed = cluster.predict("loop", { features: [endlessTrips] }).catch(() => undefined);
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "loop" });
    await kill(cluster);
    await doomed;
  });

  it("takes children with it that were stopped, once they go on", async (t) => {
    const cluster = await startReady(t, { models });
    const { pid } = await cluster.host("echo");
    assert.ok(pid !== null);
    process.kill(pid, "SIGSTOP");
    cluster.signal("SIGKILL");
    await cluster.ended();
    process.kill(pid, "SIGCONT");
    await waitFor(() => cluster.children.length === 0, "all children to be gone", goneWithinMs);
  });
});
