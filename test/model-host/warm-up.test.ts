import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { warmUp } from "../../model-host/warm-up.ts";
import type { Batching, ModelMetadata } from "../../src/protocol/model-metadata.ts";
import { FakeEngine, fp32, value } from "./fake-engine.ts";

const model = { inputs: [value("x", ["batch", "length"])], outputs: [value("y", ["batch", 1])] };

function metadataOf(batching: Batching): ModelMetadata {
  const batchAxis = batching.type === "unbatched" ? null : 0;
  return {
    inputs: [{ name: "x", datatype: "FP32", shape: [-1, -1], batchAxis }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1, 1], batchAxis }],
    batching,
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  };
}

/** The shapes that were run. */
async function shapesOf(
  batching: Batching,
  takes: (shape: readonly number[]) => boolean = () => true,
): Promise<unknown> {
  const engine = new FakeEngine(([x]) => {
    if (x === undefined || !takes(x.shape)) throw new Error("not this");
    return { y: fp32([x.shape[0] ?? 1, 1]) };
  });
  await warmUp(engine, model, metadataOf(batching));
  return engine.runs.map(({ inputs: [x] }) => x?.shape);
}

describe("warmUp", () => {
  it("doubles the rows up to a full batch", async () =>
    assert.deepEqual(await shapesOf({ type: "batched", maxBatchSize: 6 }), [
      [1, 2],
      [2, 2],
      [4, 2],
      [6, 2],
    ]));

  it("runs one row where no more are run at once", async () =>
    assert.deepEqual(await shapesOf({ type: "one-by-one", reason: "" }), [[1, 2]]));

  it("tries free sizes until the model takes one", async () =>
    assert.deepEqual(
      await shapesOf({ type: "batched", maxBatchSize: 2 }, ([, length]) => length === 8),
      [
        [1, 2],
        [1, 1],
        [1, 8],
        [2, 8],
      ],
    ));

  it("ends where the model refuses a batch", async () =>
    assert.deepEqual(await shapesOf({ type: "batched", maxBatchSize: 8 }, ([rows]) => rows === 1), [
      [1, 2],
      [2, 2],
    ]));
});
