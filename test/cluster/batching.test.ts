import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { heavyModel } from "../../models/loop-models.ts";
import { echoModel, gatherModel, nanModel } from "../../models/odd-models.ts";
import { between, seededRandom } from "../../models/random.ts";
import { startReady } from "./cluster.ts";
import type { Answer, Reply } from "./http-client.ts";
import { sumOf } from "./metrics-page.ts";
import { inLoops, waitFor } from "./wait.ts";

const seed = 20_261_120;
/** Lets all requests of a burst share one batch. */
const gathers = "max_queue_delay_ms: 250";
const breaker = "breaker: { min_requests: 4, window_ms: 10000, reset_ms: 800 }";

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel(), yaml: "batching: { max_batch_size: 16 }" },
      pair: { onnx: echoModel(), yaml: "batching: { max_batch_size: 7 }\nreplicas: 2" },
      gathering: { onnx: echoModel(), yaml: `batching: { ${gathers}, max_batch_size: 64 }` },
      gather: { onnx: gatherModel(), yaml: `batching: { ${gathers} }` },
      fragile: { onnx: gatherModel(), yaml: breaker },
      several: { onnx: nanModel(), yaml: "batching: { max_batch_size: 4 }" },
      heavy: { onnx: heavyModel({ size: 256, repeats: 1_000 }) },
    },
  },
);

function rowsOf(count: number, first: number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, at) => [first, at, first + at, 0.25]);
}

/** Of a model's batches: how many there were, and how many rows they held. */
async function batchesOf(model: string): Promise<readonly [number, number]> {
  const page = await cluster.metrics();
  const of = (suffix: string) => sumOf(page, `troupe_batch_rows_${suffix}`, { model_id: model });
  return [of("count"), of("sum")];
}

function statusAndCode({ status, json }: Reply<Answer>): readonly unknown[] {
  return [status, json.code];
}

describe("Requests that come together", () => {
  it("share a batch, and each gets its own answer", async () => {
    const before = await batchesOf("gathering");
    await Promise.all(
      Array.from({ length: 40 }, async (_, at) => {
        const row = [at, at, 0, 1];
        const { json } = await cluster.predictBatched("gathering", { features: row });
        assert.deepEqual(json.predictions, [row]);
      }),
    );
    const [batches, rows] = await batchesOf("gathering");
    assert.equal(rows - before[1], 40);
    assert.ok(batches - before[0] <= 10, `${batches - before[0]} batches`);
  });

  it("share batches behind a run, with no delay asked for", async () => {
    const before = await batchesOf("heavy");
    const asks = Array.from({ length: 64 }, () =>
      cluster.predict("heavy", { features: [1, 2, 3, 4] }),
    );
    for (const { status } of await Promise.all(asks)) assert.equal(status, 200);
    const [batches, rows] = await batchesOf("heavy");
    assert.equal(rows - before[1], 64);
    assert.ok(batches - before[0] < 48, `${batches - before[0]} batches`);
  });

  it("are larger than a batch: each is answered whole", async () => {
    for (const count of [16, 17, 100, 1_000]) {
      const rows = rowsOf(count, 1);
      const { status, json } = await cluster.predict("echo", { features: rows });
      assert.deepEqual([status, json.predictions], [200, rows]);
    }
    const logs = { features: Array.from({ length: 9 }, () => [1]) };
    const { json } = await cluster.predict("several", logs);
    assert.deepEqual(json.predictions, Array(9).fill([0]));
    const inverse = json.outputs["inverse"] as { shape: unknown; data: unknown };
    assert.deepEqual([inverse.shape, inverse.data], [[9, 1], Array(9).fill([1])]);
  });

  for (const model of ["echo", "pair"]) {
    it(`are never mixed up, whatever their sizes: ${model}, seed ${seed}`, async () => {
      const random = seededRandom(seed);
      let left = 400;
      await inLoops(
        24,
        () => left <= 0,
        async (caller, round) => {
          left -= 1;
          const count = 1 + Math.floor(between(random, 0, 1) ** 3 * 40);
          const rows = rowsOf(count, caller * 1_000 + round);
          const { status, json } = await cluster.predict(model, { features: rows });
          assert.deepEqual([status, json.predictions], [200, rows]);
        },
      );
      const [batches, rows] = await batchesOf(model);
      assert.ok(rows > 400 && batches > 0);
    });
  }
});

describe("A row that fails", () => {
  it("fails alone, with 500, while the others of its batch are answered", async () => {
    const before = await cluster.metric("troupe_batch_rows_count", { model_id: "gather" });
    const indexes = [0, 1, 2, 99, 4, 5, 6, 7];
    const replies = await Promise.all(
      indexes.map((index) => cluster.predictBatched("gather", { features: [index] })),
    );
    const outcomes = replies.map(({ status, json }) => json.code ?? [status, json.predictions]);
    assert.deepEqual(
      outcomes,
      indexes.map((index) => (index > 9 ? "inference-failed" : [200, [[index, index * index]]])),
    );
    const failed = replies[3];
    assert.equal(failed?.status, 500);
    assert.doesNotMatch(failed?.json.error ?? "", /\/|node|Gather/);
    const after = await cluster.metric("troupe_batch_rows_count", { model_id: "gather" });
    assert.equal(after - before, 1);
  });

  it("fails the whole of its own request", async () => {
    const reply = await cluster.predictBatched("gather", { features: [1, 2, 99] });
    assert.deepEqual(statusAndCode(reply), [500, "inference-failed"]);
  });

  it("does not count against the model where others of its batch succeed", async () => {
    for (let burst = 0; burst < 3; burst += 1) {
      const replies = await Promise.all(
        [99, 1, 98, 2].map((index) => cluster.predictBatched("gather", { features: [index] })),
      );
      assert.deepEqual(
        replies.map(({ status }) => status),
        [500, 200, 500, 200],
      );
    }
    assert.equal((await cluster.host("gather")).breaker, "closed");
  });
});

describe("The breaker of a model", () => {
  const good = { features: [3] };
  const bad = { features: [99] };

  function stateIs(state: string, number: number): Promise<void> {
    return waitFor(async () => {
      const { breaker: seen } = await cluster.host("fragile");
      const gauge = await cluster.metric("troupe_breaker_state", { model_id: "fragile" });
      return seen === state && gauge === number;
    }, `the breaker to be ${state}`).then(() => undefined);
  }

  /** Fails until the model is not asked any more; gives the refusal. */
  async function open(): Promise<Reply<Answer>> {
    return waitFor(async () => {
      const reply = await cluster.predictBatched("fragile", bad);
      return reply.status === 503 && reply;
    }, "the breaker to open");
  }

  it("never minds the mistakes of clients", async () => {
    for (let mistake = 0; mistake < 20; mistake += 1) {
      const reply = await cluster.predictBatched("fragile", { features: ["x"] });
      assert.deepEqual(statusAndCode(reply), [400, "invalid-request"]);
    }
    assert.equal((await cluster.predictBatched("fragile", good)).status, 200);
    await stateIs("closed", 0);
  });

  it("opens after enough failures, and refuses with a time to come back", async () => {
    const refused = await open();
    assert.deepEqual(statusAndCode(refused), [503, "model-unavailable"]);
    assert.match(refused.json.error, /circuit breaker is open/);
    assert.ok(Number(refused.headers["retry-after"]) >= 1);
    const retryMs = Number(refused.headers["retry-after-ms"]);
    assert.ok(retryMs >= 1 && retryMs <= 1_000, `${retryMs} ms`);
    const reply = await cluster.predictBatched("fragile", good);
    assert.deepEqual(statusAndCode(reply), [503, "model-unavailable"]);
    assert.ok((await cluster.metric("troupe_shed_total", { reason: "breaker" })) >= 1);
  });

  it("is seen to be open, and does not concern the model's readiness", async () => {
    await waitFor(async () => {
      await open();
      return (await cluster.host("fragile")).breaker !== "closed";
    }, "the breaker to be seen open");
    assert.equal((await cluster.get("/readyz")).status, 200);
  });

  it("stays open when its probe fails", async () => {
    const failures = () =>
      cluster.metric("model_predictions_total", {
        model_id: "fragile",
        status: "inference-failed",
      });
    const before = await failures();
    await waitFor(async () => {
      await cluster.predictBatched("fragile", bad);
      return (await failures()) > before;
    }, "a probe");
    const refused = await cluster.predictBatched("fragile", good);
    assert.deepEqual(statusAndCode(refused), [503, "model-unavailable"]);
  });

  it("closes when its probe succeeds", async () => {
    await waitFor(
      async () => (await cluster.predictBatched("fragile", good)).status === 200,
      "a probe that succeeds",
    );
    await stateIs("closed", 0);
    const replies = await Promise.all(
      [1, 2, 3].map((index) => cluster.predictBatched("fragile", { features: [index] })),
    );
    assert.deepEqual(
      replies.map(({ status }) => status),
      [200, 200, 200],
    );
    assert.equal(await cluster.restarts(), 0);
  });
});

it("and nothing is left", () => cluster.endsCleanly());
