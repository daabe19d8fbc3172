import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { type Cluster, type Owner, startReady } from "./cluster.ts";
import { patch, settled, yamlOf } from "./model-changes.ts";
import { steadyLoad } from "./steady-load.ts";
import { waitFor } from "./wait.ts";

/** Half a second or so. */
const trips = 500_000;
/** Less than one request takes, and more than a host does that has none. */
const workSeconds = 0.1;

function startEcho(owner: Owner, yaml: string): Promise<Cluster> {
  const models = { echo: { onnx: echoModel(), yaml } };
  return startReady(owner, { models, flags: ["--front-doors", "2"] });
}

describe("Replicas under load", () => {
  it("become more and fewer without a loss", async (t) => {
    const cluster = await startEcho(t, "replicas: 1");
    const [first] = await cluster.pidsOf("echo");
    assert.ok(first !== undefined);
    const load = await steadyLoad(t, cluster, "echo");
    const grown = await patch(cluster, "echo", { replicas: 3 });
    assert.deepEqual([grown.status, grown.json.replicas], [200, { wanted: 3, ready: 3 }]);
    assert.ok((await settled(cluster, "echo", 3)).includes(first));
    await load.flows(300);
    const shrunk = await patch(cluster, "echo", { replicas: 1 });
    assert.deepEqual([shrunk.status, shrunk.json.replicas], [200, { wanted: 1, ready: 1 }]);
    assert.deepEqual(await settled(cluster, "echo", 1), [first]);
    await load.endsWithoutLoss();
    assert.match(yamlOf(cluster, "echo"), /replicas: 1/);
    await cluster.endsCleanly();
  });

  it("share out what is asked", async (t) => {
    const yaml = "replicas: 3\nbatching: { max_batch_size: 1 }\ntimeouts: { request_ms: 60000 }";
    const models = { loop: { onnx: loopModel(), yaml } };
    const cluster = await startReady(t, { models, flags: ["--front-doors", "2"] });
    const cpuOf = async () => {
      // Whoever reports his figures says what they are now, and not with his next beat.
      await cluster.metrics();
      return (await cluster.hosts("loop")).map(({ cpu_seconds }) => cpu_seconds ?? 0);
    };
    await waitFor(async () => (await cpuOf()).every((used) => used > 0), "each replica's figures");
    const before = await cpuOf();
    const asked = Array.from({ length: 6 }, () => cluster.predict("loop", { features: [trips] }));
    await waitFor(async () => {
      const now = await cpuOf();
      return now.length === 3 && now.every((used, at) => used > (before[at] ?? 0) + workSeconds);
    }, "each replica to have had something to do");
    const statuses = (await Promise.all(asked)).map(({ status }) => status);
    assert.deepEqual(statuses, Array(6).fill(200));
    await cluster.endsCleanly();
  });

  it("survive each other's death without an error", async (t) => {
    const cluster = await startEcho(t, "replicas: 2");
    const [killed, other] = await cluster.pidsOf("echo");
    assert.ok(killed !== undefined && other !== undefined);
    const load = await steadyLoad(t, cluster, "echo");
    process.kill(killed, "SIGKILL");
    await load.flows();
    const pids = await settled(cluster, "echo", 2, [killed]);
    assert.ok(pids.includes(other));
    await load.endsWithoutLoss();
    await cluster.endsCleanly();
  });
});
