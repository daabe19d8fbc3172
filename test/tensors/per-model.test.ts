import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { allOutputs, perModel } from "../../src/tensors/per-model.ts";

function model(...outputs: string[]): ServedModel {
  const specs = outputs.map(
    (name) => ({ name, datatype: "FP32", shape: [1], batchAxis: 0 }) as const,
  );
  const batching = { type: "unbatched", reason: "test" } as const;
  const memory = { state: [], stream: null };
  const metadata = {
    inputs: [],
    outputs: specs,
    batching,
    notServable: [],
    externalFiles: [],
    ...memory,
  };
  return { name: "m", version: "1", metadata, labels: [], standIns: [] };
}

describe("perModel", () => {
  it("makes a value once for each model", () => {
    let made = 0;
    const valueFor = perModel(({ name }) => {
      made += 1;
      return { name, made };
    });
    const one = model();
    assert.equal(valueFor(one), valueFor(one));
    assert.deepEqual([valueFor(model()), made], [{ name: "m", made: 2 }, 2]);
  });
});

describe("allOutputs", () => {
  it("is every index, and the same list each time", () => {
    const one = model("a", "b");
    assert.deepEqual(allOutputs(one), [0, 1]);
    assert.equal(allOutputs(one), allOutputs(one));
  });
});
