import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batching, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { checkInputs, rowAxis } from "../../src/tensors/request-check.ts";
import { product } from "../../src/tensors/shapes.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const batched: Batching = { type: "batched", maxBatchSize: 8 };
const oneByOne: Batching = { type: "one-by-one", reason: "fixed" };
const unbatched: Batching = { type: "unbatched", reason: "trial" };

function spec(name: string, shape: readonly number[], batchAxis: number | null = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

function model(batching: Batching, ...inputs: TensorSpec[]): ServedModel {
  const metadata = { inputs, outputs: [], batching, notServable: [] };
  return { name: "m", version: "1", metadata, labels: [] };
}

function floats(...shape: number[]): Tensor {
  return { datatype: "FP32", shape, data: new Float32Array(product(shape)) };
}

function check(served: ServedModel, given: Record<string, Tensor>, rowsOneByOne = false): unknown {
  return checkInputs(new Map(Object.entries(given)), served, { rowsOneByOne });
}

const two = model(batched, spec("a", [-1, 16]), spec("b", [2, -1, 4], 1));

describe("checkInputs", () => {
  it("orders the inputs as the model has them and counts the rows along each one's axis", () => {
    const a = floats(3, 16);
    const b = floats(2, 3, 4);
    assert.deepEqual(check(two, { b, a }), { inputs: [a, b], rows: 3 });
  });

  it("allows more rows than a batch holds", () => {
    const x = floats(9, 2);
    assert.deepEqual(check(model(batched, spec("x", [-1, 2])), { x }), { inputs: [x], rows: 9 });
  });

  it("takes no rows from inputs without a batch axis", () => {
    const x = floats(5, 2);
    const sr = floats();
    const served = model(batched, spec("sr", [], null), spec("x", [-1, 2]));
    assert.deepEqual(check(served, { x, sr }), { inputs: [sr, x], rows: 5 });
    assert.deepEqual(check(model(batched, spec("sr", [], null)), { sr }), {
      inputs: [sr],
      rows: 1,
    });
  });

  it("lets several rows come to a model of one, where the codec does", () => {
    const x = floats(5, 2);
    const served = model(oneByOne, spec("x", [1, 2]));
    assert.deepEqual(check(served, { x }, true), { inputs: [x], rows: 5 });
    assert.throws(() => check(served, { x }, false), {
      code: "invalid-request",
      message: "unexpected shape for input 'x' for model 'm'. Expected [1,2], got [5,2]",
    });
    assert.deepEqual(check(served, { x: floats(1, 2) }), { inputs: [floats(1, 2)], rows: 1 });
  });

  it("counts one row for an unbatched model, whatever its dims", () => {
    const x = floats(7, 0);
    assert.deepEqual(check(model(unbatched, spec("x", [-1, -1])), { x }, true), {
      inputs: [x],
      rows: 1,
    });
  });

  const a = floats(1, 16);
  const b = floats(2, 1, 4);
  const names = "for model 'm'. Got input(s)";
  const required = "Please provide all required input(s).";
  for (const [given, message] of [
    [
      { a },
      `expected 2 inputs but got 1 inputs ${names} ['a'], but missing required input(s) ['b']. ${required}`,
    ],
    [
      {},
      `expected 2 inputs but got 0 inputs ${names} [], but missing required input(s) ['a','b']. ${required}`,
    ],
    [
      { x: a },
      `expected 2 inputs but got 1 inputs ${names} ['x'], but missing required input(s) ['a','b']. ${required} Unexpected input(s) ['x']`,
    ],
    [
      { a, b, c: a },
      `expected 2 inputs but got 3 inputs ${names} ['a','b','c'], but ['c'] are not among ['a','b']`,
    ],
    [{ a, c: a }, `unexpected inference input 'c' ${names} ['a','c'], expected ['a','b']`],
    [
      { a, b: { ...b, datatype: "FP64" } },
      "inference input 'b' data-type is 'FP64', but model 'm' expects 'FP32'",
    ],
    [
      { a: floats(1, 17), b },
      "unexpected shape for input 'a' for model 'm'. Expected [-1,16], got [1,17]",
    ],
    [
      { a: floats(16), b },
      "unexpected shape for input 'a' for model 'm'. Expected [-1,16], got [16]",
    ],
    [
      { a: floats(2, 16), b },
      "input 'b' batch size does not match other inputs for 'm': expected 2, got 1",
    ],
    [
      { a: floats(0, 16), b },
      "Cannot read input 'a' for model 'm': expected at least one row along axis 0, got shape [0,16]",
    ],
  ] as [Record<string, Tensor>, string][]) {
    it(`says ${message.slice(0, 90)}`, () => {
      assert.throws(() => check(two, given), { code: "invalid-request", message });
    });
  }

  it("shows the batch axis of a model of one as free where it is", () => {
    assert.throws(() => check(model(oneByOne, spec("x", [1, 2])), { x: floats(1, 3) }, true), {
      message: "unexpected shape for input 'x' for model 'm'. Expected [-1,2], got [1,3]",
    });
  });
});

describe("rowAxis", () => {
  it("is the batch axis where the model batches, or rows may run one by one", () => {
    const x = spec("x", [1, 2], 1);
    assert.deepEqual(
      [batched, oneByOne, unbatched].map((batching) => [
        rowAxis(x, batching, { rowsOneByOne: true }),
        rowAxis(x, batching, { rowsOneByOne: false }),
      ]),
      [
        [1, 1],
        [1, null],
        [null, null],
      ],
    );
  });
});
