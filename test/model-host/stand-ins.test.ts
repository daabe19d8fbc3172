import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { standInsOf } from "../../model-host/stand-ins.ts";
import type { Datatype, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Nested, Scalar } from "../../src/protocol/model-settings.ts";
import type { Tensor, TensorData } from "../../src/tensors/tensor.ts";
import { fp32 } from "./fake-engine.ts";

function spec(
  name: string,
  shape: readonly number[],
  batchAxis: number | null,
  datatype: Datatype = "FP32",
): TensorSpec {
  return { name, datatype, shape, batchAxis };
}

const x = spec("x", [-1, 4], 0);

/** The states are the inputs from the second on, as many as there are. */
function metadata(
  states: readonly TensorSpec[],
  others: readonly TensorSpec[] = [],
): ModelMetadata {
  return {
    inputs: [x, ...states, ...others],
    outputs: [x, ...states],
    batching: { type: "batched", maxBatchSize: 8 },
    notServable: [],
    externalFiles: [],
    state: states.map((_, at) => ({ input: at + 1, output: at + 1, found: false })),
    stream: null,
  };
}

function zerosOf(state: TensorSpec): Tensor | null | undefined {
  return standInsOf(metadata([state]), { state: null, defaults: {} })[1];
}

function listedOf(state: TensorSpec, initial: "zeros" | Nested): Tensor | null | undefined {
  const { name } = state;
  const configured = [{ input: name, output: `${name}_out`, initial }];
  return standInsOf(metadata([state]), { state: configured, defaults: {} })[1];
}

function defaultOf(input: TensorSpec, value: Scalar): Tensor | null | undefined {
  return standInsOf(metadata([], [input]), { state: null, defaults: { [input.name]: value } })[1];
}

describe("standInsOf", () => {
  it("has nothing for what must come", () =>
    assert.deepEqual(
      standInsOf(metadata([], [spec("rate", [], null)]), { state: null, defaults: {} }),
      [null, null],
    ));

  it("has states and defaults, each at its place", () => {
    const one = metadata(
      [spec("h", [-1, 2], 0), spec("c", [-1, 1], 0)],
      [spec("rate", [], null, "INT64")],
    );
    const state = [{ input: "c", output: "cn", initial: [7] }];
    assert.deepEqual(standInsOf(one, { state, defaults: { rate: 16_000 } }), [
      null,
      fp32([1, 2], [0, 0]),
      fp32([1, 1], [7]),
      { datatype: "INT64", shape: [], data: BigInt64Array.of(16_000n) },
    ]);
  });
});

describe("a state that begins with zeros", () => {
  const shapes: readonly (readonly [string, TensorSpec, readonly number[]])[] = [
    ["rows at axis 0", spec("h", [-1, 2, 3], 0), [1, 2, 3]],
    ["rows at axis 1", spec("h", [2, -1, 3], 1), [2, 1, 3]],
    ["a batch fixed at one", spec("h", [1, 3], 0), [1, 3]],
    ["no rows", spec("h", [2, 3], null), [2, 3]],
    ["no rows, though its first size is free", spec("h", [-1, 3], null), [1, 3]],
    ["a length that grows", spec("h", [-1, 8, -1, 3], 0), [1, 8, 0, 3]],
    ["a length that grows in front of its rows", spec("h", [-1, -1, 3], 1), [0, 1, 3]],
    ["a length that grows, and no rows", spec("h", [-1, -1, 3], null), [1, 0, 3]],
    [
      "no rows that are known, and a free size in the middle",
      spec("h", [2, -1, 128], null),
      [2, 1, 128],
    ],
    ["no axis", spec("h", [], null), []],
  ];
  for (const [name, state, shape] of shapes) {
    it(`has one row of it, with ${name}`, () => {
      const count = shape.reduce((product, size) => product * size, 1);
      assert.deepEqual(zerosOf(state), fp32(shape, Array(count).fill(0)));
    });
  }

  const zeros: readonly (readonly [Datatype, TensorData])[] = [
    ["BOOL", Uint8Array.of(0, 0)],
    ["INT8", Int8Array.of(0, 0)],
    ["UINT64", BigUint64Array.of(0n, 0n)],
    ["FP16", Uint16Array.of(0, 0)],
    ["FP64", Float64Array.of(0, 0)],
    ["BYTES", ["", ""]],
  ];
  for (const [datatype, data] of zeros) {
    it(`has them in ${datatype}`, () => {
      const state = spec("h", [-1, 2], 0, datatype);
      assert.deepEqual(zerosOf(state), { datatype, shape: [1, 2], data });
    });
  }

  it("is the same where that is configured", () => {
    const state = spec("h", [-1, 2], 0);
    assert.deepEqual(listedOf(state, "zeros"), zerosOf(state));
  });
});

describe("a state that begins with a list", () => {
  const rows: readonly (readonly [string, TensorSpec, Nested, readonly number[]])[] = [
    ["is nested as the row", spec("h", [-1, 2], 0), [[1, 2]], [1, 2]],
    ["leaves out the row", spec("h", [-1, 2], 0), [1, 2], [1, 2]],
    ["is flat", spec("h", [-1, 2, 2], 0), [1, 2, 3, 4], [1, 2, 2]],
    ["is nested, with its rows at axis 1", spec("h", [2, -1, 1], 1), [[[1]], [[2]]], [2, 1, 1]],
    ["leaves out the row, which is at axis 1", spec("h", [2, -1, 1], 1), [[1], [2]], [2, 1, 1]],
    ["is flat, with its rows at axis 1", spec("h", [2, -1, 1], 1), [1, 2], [2, 1, 1]],
    ["belongs to a model without rows", spec("h", [2, 1], null), [[1], [2]], [2, 1]],
    ["is flat, and belongs to a model without rows", spec("h", [2, 1], null), [1, 2], [2, 1]],
  ];
  for (const [name, state, initial, shape] of rows) {
    it(`takes one that ${name}`, () => {
      const values = [1, 2, 3, 4].slice(0, countOf(shape));
      assert.deepEqual(listedOf(state, initial), fp32(shape, values));
    });
  }

  it("takes one number for a state without axes", () =>
    assert.deepEqual(listedOf(spec("h", [], null), 3), fp32([], [3])));

  it("takes one number for a row of one", () =>
    assert.deepEqual(listedOf(spec("h", [-1, 1], 0), [3]), fp32([1, 1], [3])));

  it("takes integers", () =>
    assert.deepEqual(listedOf(spec("h", [-1, 2], 0, "INT64"), [[-1, 2]]), {
      datatype: "INT64",
      shape: [1, 2],
      data: BigInt64Array.of(-1n, 2n),
    }));

  const mistakes: readonly (readonly [string, TensorSpec, Nested, RegExp])[] = [
    [
      "too short",
      spec("h", [-1, 3], 0),
      [1, 2],
      /^the initial state of 'h' must be one row of \[-1,3\], got \[1,2\]$/,
    ],
    [
      "of several rows",
      spec("h", [-1, 2], 0),
      [
        [1, 2],
        [3, 4],
      ],
      /^the initial state of 'h' must be one row of \[-1,2\], got \[2,2\]$/,
    ],
    [
      "of several rows, at axis 1",
      spec("h", [1, -1, 1], 1),
      [[[1], [2]]],
      /^the initial state of 'h' must be one row of \[1,-1,1\], got \[1,2,1\]$/,
    ],
    [
      "too deep",
      spec("h", [-1, 2], 0),
      [[[1, 2]]],
      /^the initial state of 'h' must be one row of \[-1,2\], got \[1,1,2\]$/,
    ],
    ["uneven", spec("h", [-1, 2], 0), [[1, 2], [3]], /^the initial state of 'h': .*\[1\]/],
    [
      "of numbers that the datatype does not hold",
      spec("h", [-1, 2], 0, "UINT8"),
      [1, 256],
      /^the initial state of 'h': .*256/,
    ],
    [
      "of fractions where there are none",
      spec("h", [-1, 2], 0, "INT64"),
      [1, 0.5],
      /^the initial state of 'h': .*0\.5/,
    ],
    ["of numbers for texts", spec("h", [-1, 1], 0, "BYTES"), [1], /^the initial state of 'h': /],
  ];
  for (const [name, state, initial, message] of mistakes) {
    it(`refuses one that is ${name}`, () =>
      assert.throws(() => listedOf(state, initial), { code: "invalid-model", message }));
  }
});

function countOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

describe("a default", () => {
  const rate = (datatype: Datatype) => spec("rate", [], null, datatype);

  const rows: readonly (readonly [Datatype, Scalar, TensorData])[] = [
    ["INT64", 16_000, BigInt64Array.of(16_000n)],
    ["INT32", -1, Int32Array.of(-1)],
    ["FP32", 0.5, Float32Array.of(0.5)],
    ["BOOL", true, Uint8Array.of(1)],
    ["BYTES", "en", ["en"]],
  ];
  for (const [datatype, value, data] of rows) {
    it(`stands for an input of ${datatype} without axes`, () =>
      assert.deepEqual(defaultOf(rate(datatype), value), { datatype, shape: [], data }));
  }

  const values: readonly (readonly [Datatype, Scalar])[] = [
    ["INT64", "fast"],
    ["INT64", 0.5],
    ["UINT8", -1],
    ["BOOL", 1],
    ["BYTES", 1],
    ["FP32", true],
  ];
  for (const [datatype, value] of values) {
    it(`is refused where ${JSON.stringify(value)} is no ${datatype}`, () =>
      assert.throws(() => defaultOf(rate(datatype), value), {
        code: "invalid-model",
        message: /^the default of 'rate': /,
      }));
  }

  const one = metadata([spec("step", [], null)], [spec("rate", [], null), spec("gain", [], null)]);
  for (const [name, key] of [
    ["an input that there is not", "speed"],
    ["an input with axes", "x"],
    ["a state", "step"],
    ["what every object has", "constructor"],
  ] as const) {
    it(`is refused for ${name}`, () =>
      assert.throws(() => standInsOf(one, { state: null, defaults: { gain: 1, [key]: 1 } }), {
        code: "invalid-model",
        message: `defaults must name inputs of rank 0 ('rate', 'gain'), got '${key}'`,
      }));
  }

  it("is refused for a model that has no such input", () =>
    assert.throws(() => standInsOf(metadata([]), { state: null, defaults: { rate: 1 } }), {
      code: "invalid-model",
      message: "defaults must name inputs of rank 0 (this model has none), got 'rate'",
    }));
});
