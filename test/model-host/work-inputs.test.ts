import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sequence } from "../../model-host/sequence.ts";
import type { Work, WorkSignal } from "../../model-host/work.ts";
import { inputOf, partOf } from "../../model-host/work-inputs.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel, type WorkFields } from "./fake-work.ts";

function spec(name: string, shape: readonly number[], batchAxis: number | null = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

/** Takes `c`, a signal `x`, `rate` and `h`; remembers `h`, then `c`. */
const model = servedModel({
  inputs: [spec("c", [-1, 1]), spec("x", [-1, 2]), spec("rate", [], null), spec("h", [2, -1], 1)],
  outputs: [spec("y", [-1, 1]), spec("hn", [2, -1], 1), spec("cn", [-1, 1])],
  batching: { type: "batched", maxBatchSize: 8 },
  notServable: [],
  externalFiles: [],
  state: [
    { input: 3, output: 1, found: false },
    { input: 0, output: 2, found: false },
  ],
  stream: { input: 1, window: 2, hop: 1, pad: "zeros" },
});

const inputs = [fp32([1, 1], [1]), fp32([1, 2], [2, 3]), fp32([], [4]), fp32([2, 1], [5, 6])];
const remembered = [fp32([2, 1], [50, 60]), fp32([1, 1], [10])];

function frame(state: readonly Tensor[] | null, fields: WorkFields = {}): Work {
  const sequence = new Sequence("k", new FakeDoor(), { isShared: false, signal: null, now: 0 });
  sequence.state = state;
  return fakeWork({ inputs, sequence, ...fields });
}

function signalOf(...windows: readonly Tensor[]): WorkSignal {
  return {
    count: windows.length,
    windowAt: (row) => windows[row] as Tensor,
    signal: { carried: new Float32Array(1), position: 9 },
    position: 0,
    hop: 1,
    bytes: 0,
  };
}

const every = [0, 1, 2, 3];

describe("partOf", () => {
  it("takes what a request brings, as many rows as the slice has", () => {
    const work = fakeWork({
      inputs: [fp32([5, 1]), fp32([5, 2]), fp32([]), fp32([2, 5])],
      rows: 5,
    });
    const parts = every.map((at) => partOf({ work, fromRow: 2, rows: 3 }, at, model));
    assert.deepEqual(
      parts,
      work.request.inputs.map((tensor) => ({ tensor, fromRow: 2, rows: 3, isSpare: false })),
    );
  });

  it("repeats what a request leaves out, for the rows of the slice only", () => {
    const standIns = [fp32([1, 1], [1]), null, fp32([], [4]), fp32([2, 1], [5, 6])];
    const one = servedModel(model.metadata, standIns);
    const brought = [standIns[0], fp32([5, 2]), standIns[2], standIns[3]] as readonly Tensor[];
    const work = fakeWork({ inputs: brought, rows: 5 });
    const parts = every.map((at) => partOf({ work, fromRow: 2, rows: 2 }, at, one));
    assert.deepEqual(
      parts.map(({ tensor, fromRow, isSpare }) => [tensor, fromRow, isSpare]),
      [
        [fp32([2, 1], [1, 1]), 0, false],
        [brought[1], 2, false],
        [standIns[2], 0, false],
        [fp32([2, 2], [5, 5, 6, 6]), 0, false],
      ],
    );
  });

  it("takes what the first frame of a sequence brings, and lends it only", () => {
    const slice = { work: frame(null), fromRow: 0, rows: 1 };
    const parts = every.map((at) => partOf(slice, at, model));
    assert.deepEqual(
      parts,
      inputs.map((tensor) => ({ tensor, fromRow: 0, rows: 1, isSpare: false })),
    );
  });

  it("takes what the sequence remembers, each state for its own input, and gives it away", () => {
    const slice = { work: frame(remembered), fromRow: 0, rows: 1 };
    const parts = every.map((at) => partOf(slice, at, model));
    assert.deepEqual(
      parts.map(({ tensor, isSpare }) => [tensor, isSpare]),
      [
        [remembered[1], true],
        [inputs[1], false],
        [inputs[2], false],
        [remembered[0], true],
      ],
    );
  });

  it("takes the window of the row, and of all else the one row that there is", () => {
    const windows = [fp32([1, 2], [7, 8]), fp32([1, 2], [8, 9]), fp32([1, 2], [9, 1])];
    const work = frame(remembered, { signal: signalOf(...windows), rows: 3 });
    for (const [fromRow, window] of windows.entries()) {
      const parts = every.map((at) => partOf({ work, fromRow, rows: 1 }, at, model));
      assert.deepEqual(
        parts.map(({ tensor }) => tensor),
        [remembered[1], window, inputs[2], remembered[0]],
      );
      assert.deepEqual(
        parts.map((part) => [part.fromRow, part.rows]),
        Array(4).fill([0, 1]),
      );
    }
  });
});

describe("inputOf", () => {
  const window = fp32([1, 2], [7, 8]);
  const rows: readonly (readonly [string, Work, readonly (Tensor | undefined)[]])[] = [
    ["what a request brings", fakeWork({ inputs }), inputs],
    ["what the first frame brings", frame(null), inputs],
    [
      "what the sequence remembers",
      frame(remembered),
      [remembered[1], inputs[1], inputs[2], remembered[0]],
    ],
    [
      "the first window of a signal",
      frame(null, { signal: signalOf(window, fp32([1, 2])) }),
      [inputs[0], window, inputs[2], inputs[3]],
    ],
  ];
  for (const [name, work, expected] of rows) {
    it(`is ${name}`, () => {
      const found = every.map((at) => inputOf(work, at, model));
      assert.deepEqual(found, expected);
    });
  }
});
