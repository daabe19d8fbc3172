import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { batchedLoopModel, loopModel } from "../../models/loop-models.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import type { Answer, Reply } from "./http-client.ts";
import { waitFor } from "./wait.ts";

/** Nobody lives to see its end. */
const endlessTrips = 2 ** 40;
const endsRuns = "timeouts: { run_ms: 500 }";

const cluster = await startReady(
  { after },
  {
    models: {
      // The delay lets all requests of a burst share one batch.
      batched: {
        onnx: batchedLoopModel(),
        yaml: `${endsRuns}\nbatching: { max_queue_delay_ms: 100 }`,
      },
      binary: { onnx: loopModel(), yaml: endsRuns },
      lonely: { onnx: loopModel(), yaml: `${endsRuns}\nrestart: { intensity: 1 }` },
    },
  },
);

const poison = { features: [[endlessTrips]] };

function statusAndCode({ status, json }: Reply<Answer>): readonly unknown[] {
  return [status, json.code];
}

async function countTo(trips: number): Promise<void> {
  const reply = await cluster.predictBatched("batched", { features: [[trips]] });
  assert.deepEqual([reply.status, reply.json.predictions], [200, [[trips]]], reply.text);
}

async function restartsOf(model: string): Promise<number> {
  return (await cluster.host(model)).restarts;
}

describe("A request that kills its hosts", () => {
  it("fails alone, after two kills, while the others of its batch are answered", async () => {
    const [doomed] = await Promise.all([
      cluster.predictBatched("batched", poison),
      ...[1, 2, 3, 4, 5, 6, 7].map(countTo),
    ]);
    assert.deepEqual(statusAndCode(doomed), [422, "poison-request"]);
    const { restarts, last_exit } = await cluster.host("batched");
    assert.deepEqual([restarts, last_exit?.reason], [2, "overrun"]);
    assert.ok((await cluster.metric("troupe_replays_total", { reason: "model" })) >= 8);
  });

  it("is refused at once when it comes again, in whatever format", async () => {
    const again = await cluster.predictBatched("batched", poison);
    assert.deepEqual(statusAndCode(again), [422, "poison-request"]);
    const data = [endlessTrips];
    const inputs = [{ name: "trips", datatype: "INT64", shape: [1, 1], data }];
    const v2 = { method: "POST", path: "/v2/models/batched/infer", body: { inputs } };
    assert.deepEqual(statusAndCode(await cluster.send(v2)), [422, "poison-request"]);
    const socket = await openSocket(cluster.url, "/v2/models/batched/stream");
    socket.infer("p", poison);
    assert.equal((await socket.answer("p")).code, "poison-request");
    socket.close();
    assert.equal(await restartsOf("batched"), 2);
  });

  it("leaves requests like it alone", async () => {
    await countTo(1_000);
    assert.equal(await restartsOf("batched"), 2);
  });

  it("is remembered by the hosts that come after", async () => {
    const { pid } = await cluster.host("batched");
    assert.ok(pid !== null);
    process.kill(pid, "SIGKILL");
    await cluster.replaced("batched", pid);
    assert.deepEqual(statusAndCode(await cluster.predictBatched("batched", poison)), [
      422,
      "poison-request",
    ]);
    await countTo(3);
    assert.equal(await restartsOf("batched"), 3);
  });

  it("is found where its hosts have given its memory away, and known again in another form", async () => {
    const parameters = { binary_data_size: 8 };
    const inputs = [{ name: "trips", datatype: "INT64", shape: [1], parameters }];
    // Spaces make it so large that it comes in pieces, and is gathered in memory of its own.
    const json = JSON.stringify({ inputs }) + " ".repeat(300_000);
    const trips = Buffer.from(BigInt64Array.of(BigInt(endlessTrips)).buffer);
    const headers = { "inference-header-content-length": `${json.length}` };
    const body = Buffer.concat([Buffer.from(json), trips]);
    const path = "/v2/models/binary/infer";
    const ask = { method: "POST", path, headers, body };
    assert.deepEqual(statusAndCode(await cluster.send(ask)), [422, "poison-request"]);
    await waitFor(async () => (await restartsOf("binary")) === 2, "the second restart");
    const inJson = await cluster.predict("binary", { features: [endlessTrips] });
    assert.deepEqual(statusAndCode(inJson), [422, "poison-request"]);
    assert.deepEqual(statusAndCode(await cluster.send(ask)), [422, "poison-request"]);
    assert.equal(await restartsOf("binary"), 2);
  });

  it("is found where the model takes no batches too, at no cost to its budget of restarts", async () => {
    const lonelyPoison = { features: [endlessTrips] };
    const innocents = [1, 2, 3].map((trips) => cluster.predict("lonely", { features: [trips] }));
    const doomed = await cluster.predict("lonely", lonelyPoison);
    assert.deepEqual(statusAndCode(doomed), [422, "poison-request"]);
    const answers = (await Promise.all(innocents)).map(({ json }) => json.predictions);
    assert.deepEqual(answers, [[1], [2], [3]]);
    assert.deepEqual(statusAndCode(await cluster.predict("lonely", lonelyPoison)), [
      422,
      "poison-request",
    ]);
    const { state, restarts } = await cluster.host("lonely");
    assert.deepEqual([state, restarts], ["ready", 2]);
  });
});

it("and nothing is left", () => cluster.endsCleanly());
