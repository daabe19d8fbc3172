import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { attackServer, growthOf } from "../../bench/hostile/attack.ts";
import { hostileModels } from "../../bench/hostile/sound.ts";
import { startReady } from "./cluster.ts";
import { freePort } from "./grpc-client.ts";

const mutants = 2_000;
const seed = 20_261_125;
/** What collectors and allocators may still take once a server is warm. */
const mostGrowthMb = 64;

const grpcPort = await freePort();
const models = Object.fromEntries(
  Object.entries(hostileModels).map(([name, model]) => [name, { onnx: model() }]),
);
const cluster = await startReady({ after }, { models, flags: ["--grpc-port", `${grpcPort}`] });

describe(`${mutants} mutants of sound requests with tensors, seed ${seed}`, () => {
  it("over HTTP, gRPC and a WebSocket fail as clients' mistakes and leave no trace", async () => {
    const port = Number(new URL(cluster.url).port);
    const server = { port, grpcPort, pid: cluster.pid };
    const attack = await attackServer(server, { seed, mutants, rounds: 2 });
    for (const { surface, counts, faults, isSame } of attack.surfaces) {
      assert.deepEqual(faults, [], surface);
      assert.ok(isSame, `${surface} answers sound requests as before`);
      const { answered = 0, ...refused } = counts;
      // Some harms leave a request that is sound, so that the model gets wild numbers too.
      assert.ok(answered > 0 && Object.keys(refused).length > 0, JSON.stringify(counts));
    }
    assert.deepEqual(attack.changedPids, []);
    assert.ok(growthOf(attack) < mostGrowthMb, `${attack.rssMb} MiB`);
  });
});

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
