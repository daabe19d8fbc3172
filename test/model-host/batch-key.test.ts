import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { batchKey, hasGrowingState } from "../../model-host/batch-key.ts";
import { Sequence } from "../../model-host/sequence.ts";
import type { Work } from "../../model-host/work.ts";
import type { Batching, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel, type WorkFields } from "./fake-work.ts";

function spec(name: string, shape: readonly number[], batchAxis: number | null = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

const batched: Batching = { type: "batched", maxBatchSize: 8 };

/** Takes `x`, and remembers `h`. */
function model(h: TensorSpec, x = spec("x", [-1, -1]), batching = batched): ServedModel {
  return servedModel({
    inputs: [x, h],
    outputs: [spec("y", [-1, 1]), { ...h, name: "hn" }],
    batching,
    notServable: [],
    externalFiles: [],
    state: [{ input: 1, output: 1, found: false }],
    stream: { input: 0, window: 4, hop: 2, pad: "zeros" },
  });
}

const fixed = model(spec("h", [-1, 2]));
const growing = model(spec("h", [-1, -1, 2]));

function keyOf(one: ServedModel, ...inputs: readonly Tensor[]): string | null {
  return batchKey(fakeWork({ inputs }), one);
}

/** A frame whose sequence has brought what its model begins with, and remembers what is given. */
function frame(state: Tensor | null, fields: WorkFields = {}): Work {
  const sequence = new Sequence("k", new FakeDoor(), { isShared: false, signal: null, now: 0 });
  if (state !== null) sequence.state = [state];
  return fakeWork({ inputs: [fp32([1, 3]), fp32([1, 0, 2])], sequence, ...fields });
}

describe("batchKey", () => {
  it("is the same for the same row shapes, whatever the values and rows", () =>
    assert.equal(
      keyOf(fixed, fp32([1, 3]), fp32([1, 2])),
      keyOf(fixed, fp32([5, 3], Array(15).fill(7)), fp32([5, 2])),
    ));

  it("is another for another row shape", () =>
    assert.notEqual(
      keyOf(fixed, fp32([1, 3]), fp32([1, 2])),
      keyOf(fixed, fp32([1, 4]), fp32([1, 2])),
    ));

  it("is the same for another value of what has rows, and another for what has none", () => {
    const rate = servedModel({ ...fixed.metadata, inputs: [spec("x", [-1]), spec("r", [], null)] });
    const keys = [1, 1, 2].map((r) => keyOf(rate, fp32([1], [r]), fp32([], [r])));
    assert.deepEqual([keys[0] === keys[1], keys[0] === keys[2]], [true, false]);
  });

  for (const type of ["unbatched", "one-by-one"] as const) {
    it(`is null for what is ${type}`, () => {
      const one = model(spec("h", [1, 2]), spec("x", [1, 3]), { type, reason: "" });
      assert.equal(keyOf(one, fp32([1, 3]), fp32([1, 2])), null);
    });
  }
});

describe("batchKey of a frame", () => {
  it("is that of a request that brings the same state itself", () =>
    assert.equal(
      batchKey(frame(fp32([1, 5, 2])), growing),
      keyOf(growing, fp32([1, 3]), fp32([1, 5, 2])),
    ));

  it("is that of the first state before a frame has run", () =>
    assert.equal(batchKey(frame(null), growing), keyOf(growing, fp32([1, 3]), fp32([1, 0, 2]))));

  it("changes with the length of a state that grows", () =>
    assert.notEqual(
      batchKey(frame(fp32([1, 5, 2])), growing),
      batchKey(frame(fp32([1, 6, 2])), growing),
    ));

  it("is that of its windows, whatever came of the signal", () => {
    const signal = {
      count: 2,
      windowAt: () => fp32([1, 4]),
      signal: { carried: new Float32Array(2), position: 4 },
      position: 0,
      hop: 2,
      bytes: 0,
    };
    const keys = [4, 9].map((samples) => {
      const inputs = [fp32([samples]), fp32([1, 0, 2])];
      return batchKey(frame(null, { inputs, signal, rows: 2 }), growing);
    });
    assert.deepEqual(keys, Array(2).fill(keyOf(growing, fp32([1, 4]), fp32([1, 0, 2]))));
  });
});

describe("hasGrowingState", () => {
  const rows: readonly (readonly [string, TensorSpec, boolean])[] = [
    ["only the rows are free", spec("h", [-1, 2]), false],
    ["only the rows are free, at axis 1", spec("h", [2, -1, 2], 1), false],
    ["the batch is fixed at one", spec("h", [1, 2]), false],
    ["it has no axis", spec("h", [], null), false],
    ["another size is free", spec("h", [-1, 8, -1, 2]), true],
    ["a size is free, and there are no rows", spec("h", [2, -1], null), true],
  ];
  for (const [name, h, grows] of rows) {
    it(`is ${grows} where ${name}`, () => assert.deepEqual(hasGrowingState(model(h)), { grows }));
  }

  it("does not look at other inputs", () =>
    assert.deepEqual(hasGrowingState(model(spec("h", [-1, 2]), spec("x", [-1, -1]))), {
      grows: false,
    }));
});
