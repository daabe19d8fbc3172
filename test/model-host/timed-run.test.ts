import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Engine, NamedTensor } from "../../model-host/engine.ts";
import { firstThatRuns, leastMs, medianMs, type Timed } from "../../model-host/timed-run.ts";

const shape = [-1, -1];
const spec = { name: "x", datatype: "FP32", shape, batchAxis: 0 } as const;
const value = { name: "x", datatype: "FP32", dims: ["batch", "length"], kind: "tensor" } as const;

/** Takes only inputs of these sizes along the free axis, and says how long each run took. */
function timed(sizes: readonly number[], times: readonly number[]): Timed {
  let run = 0;
  const engine = {
    run: async ([input]: readonly NamedTensor[]) => {
      if (!sizes.includes(input?.shape[1] ?? 0)) throw new Error("refused");
      const runMs = times[run % times.length] ?? 0;
      run += 1;
      return { outputs: [], runMs };
    },
  } as unknown as Engine;
  const metadata = {
    inputs: [spec],
    outputs: [spec],
    batching: { type: "batched", maxBatchSize: 8 },
    notServable: [],
    state: [],
    stream: null,
    externalFiles: [],
  } as const;
  return { engine, model: { inputs: [value], outputs: [value] }, metadata };
}

describe("runs of made-up rows", () => {
  it("find the first size of a free axis that the model takes", async () => {
    assert.deepEqual(await firstThatRuns(timed([8, 32], [3])), { freeSize: 8, runMs: 3 });
    assert.equal(await firstThatRuns(timed([], [3])), undefined);
  });

  it("take the median, which a slow first run does not move", async () => {
    const sizes = { rows: 2, freeSize: 8 };
    assert.equal(await medianMs(timed([8], [100, 1, 3, 2, 4]), sizes), 3);
    assert.equal(await medianMs(timed([1], [1]), sizes), undefined);
  });

  it("take the shortest, which slow runs do not move", async () => {
    const sizes = { rows: 2, freeSize: 8 };
    assert.equal(await leastMs(timed([8], [100, 30, 3, 20, 40]), sizes), 3);
    assert.equal(await leastMs(timed([1], [1]), sizes), undefined);
  });
});
