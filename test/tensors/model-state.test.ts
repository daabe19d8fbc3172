import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { plainOutputs, standIn, stateInputs, stateOutputs } from "../../src/tensors/model-state.ts";
import { allOutputs } from "../../src/tensors/per-model.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function spec(name: string, shape: readonly number[], batchAxis: number | null = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

function floats(shape: readonly number[], ...values: number[]): Tensor {
  return { datatype: "FP32", shape, data: Float32Array.from(values) };
}

/** With `pairs` of an input and the output that is fed back into it. */
function model(outputs: number, ...pairs: (readonly [number, number])[]): ServedModel {
  const inputs = Math.max(1, ...pairs.map(([input]) => input + 1));
  return {
    name: "m",
    version: "1",
    labels: [],
    metadata: {
      inputs: Array.from({ length: inputs }, (_, at) => spec(`x${at}`, [-1, 1])),
      outputs: Array.from({ length: outputs }, (_, at) => spec(`y${at}`, [-1, 1])),
      batching: { type: "batched", maxBatchSize: 8 },
      notServable: [],
      externalFiles: [],
      state: pairs.map(([input, output]) => ({ input, output, found: false })),
      stream: null,
    },
    standIns: [],
  };
}

describe("the state of a model", () => {
  const rows: readonly (readonly [
    string,
    ServedModel,
    readonly number[],
    readonly number[],
    readonly number[],
  ])[] = [
    ["that has none", model(2), [], [], [0, 1]],
    ["that has one, which comes last", model(2, [1, 1]), [1], [1], [0]],
    ["that has one, which comes first", model(3, [0, 0]), [0], [0], [1, 2]],
    ["that has several in another order", model(4, [2, 3], [1, 0]), [2, 1], [3, 0], [1, 2]],
    ["of which every output is state, and so an answer", model(1, [1, 0]), [1], [0], [0]],
    ["without outputs", model(0), [], [], []],
  ];
  for (const [name, served, inputs, outputs, plain] of rows) {
    it(`${name}, goes into [${inputs}] and comes out of [${outputs}], answers are [${plain}]`, () =>
      assert.deepEqual(
        [stateInputs(served), stateOutputs(served), plainOutputs(served)],
        [new Set(inputs), outputs, plain],
      ));
  }

  it("is worked out once for each model", () => {
    const served = model(2, [1, 1]);
    for (const of of [stateInputs, stateOutputs, plainOutputs]) {
      assert.equal(of(served), of(served));
    }
  });
});

describe("plainOutputs", () => {
  it("is the very list of all outputs where none is state", () => {
    const served = model(2);
    assert.equal(plainOutputs(served), allOutputs(served));
  });
});

describe("standIn", () => {
  function withStandIn(input: TensorSpec, one: Tensor): ServedModel {
    const { metadata, ...rest } = model(1);
    return {
      ...rest,
      standIns: [null, one],
      metadata: { ...metadata, inputs: [spec("x", [-1]), input] },
    };
  }

  const rows: readonly (readonly [string, TensorSpec, Tensor, number, Tensor])[] = [
    ["along axis 0", spec("h", [-1, 2]), floats([1, 2], 1, 2), 3, floats([3, 2], 1, 2, 1, 2, 1, 2)],
    [
      "along axis 1",
      spec("h", [2, -1, 2], 1),
      floats([2, 1, 2], 1, 2, 3, 4),
      2,
      floats([2, 2, 2], 1, 2, 1, 2, 3, 4, 3, 4),
    ],
    [
      "along the last axis",
      spec("h", [2, -1], 1),
      floats([2, 1], 1, 2),
      2,
      floats([2, 2], 1, 1, 2, 2),
    ],
    ["of values", spec("h", [-1]), floats([1], 5), 4, floats([4], 5, 5, 5, 5)],
    ["of nothing", spec("h", [-1, 0]), floats([1, 0]), 4, floats([4, 0])],
    ["of nothing yet", spec("h", [-1, 2, -1]), floats([1, 2, 0]), 2, floats([2, 2, 0])],
    [
      "of texts",
      { ...spec("h", [-1, 1]), datatype: "BYTES" },
      { datatype: "BYTES", shape: [1, 1], data: ["a"] },
      2,
      { datatype: "BYTES", shape: [2, 1], data: ["a", "a"] },
    ],
    [
      "where the batch is one",
      spec("h", [1, 2]),
      floats([1, 2], 7, 8),
      2,
      floats([2, 2], 7, 8, 7, 8),
    ],
  ];
  for (const [name, input, one, count, expected] of rows) {
    it(`repeats a row ${name}`, () =>
      assert.deepEqual(standIn(withStandIn(input, one), 1, count), expected));
  }

  for (const [name, input, one, count] of [
    ["for one row", spec("h", [-1, 2]), floats([1, 2], 1, 2), 1],
    ["for an input of rank 0", spec("sr", [], null), floats([], 1), 5],
    ["for an input without rows", spec("w", [1, 2], null), floats([1, 2], 1, 2), 5],
  ] as const) {
    it(`is the very tensor ${name}`, () =>
      assert.equal(standIn(withStandIn(input, one), 1, count), one));
  }

  it("keeps what it repeats as it was", () => {
    const one = floats([1, 2], 1, 2);
    const repeated = standIn(withStandIn(spec("h", [-1, 2]), one), 1, 2);
    (repeated.data as Float32Array).fill(9);
    assert.deepEqual(one, floats([1, 2], 1, 2));
  });
});
