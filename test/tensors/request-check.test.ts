import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batching, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { checkInputs, checkNames, rowAxis } from "../../src/tensors/request-check.ts";
import { product } from "../../src/tensors/shapes.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const batched: Batching = { type: "batched", maxBatchSize: 8 };
const oneByOne: Batching = { type: "one-by-one", reason: "fixed" };
const unbatched: Batching = { type: "unbatched", reason: "trial" };

function spec(name: string, shape: readonly number[], batchAxis: number | null = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

function model(batching: Batching, ...inputs: TensorSpec[]): ServedModel {
  const memory = { state: [], stream: null };
  const metadata = { inputs, outputs: [], batching, notServable: [], externalFiles: [], ...memory };
  return { name: "m", version: "1", metadata, labels: [], standIns: inputs.map(() => null) };
}

/** The same, where the inputs with a tensor in `standIns` may be left out, and those in `states` are state. */
function optional(
  served: ServedModel,
  standIns: ServedModel["standIns"],
  states: readonly number[] = [],
): ServedModel {
  const state = states.map((input) => ({ input, output: input, found: false }));
  return { ...served, standIns, metadata: { ...served.metadata, state } };
}

function floats(...shape: number[]): Tensor {
  return { datatype: "FP32", shape, data: new Float32Array(product(shape)) };
}

type Checked = ReturnType<typeof checkInputs>;

function check(served: ServedModel, given: Record<string, Tensor>, rowsOneByOne = false): Checked {
  checkNames(Object.keys(given), served);
  const tensors = served.metadata.inputs.map(({ name }) => given[name]);
  return checkInputs(tensors, served, { rowsOneByOne });
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

  it("bounds the rows of which none has any elements, and no others", () => {
    const wide = model(batched, spec("x", [-1, -1]), spec("h", [0, -1], 1), spec("rate", [], null));
    const of = (rows: number, width: number) => {
      return { x: floats(rows, width), h: floats(0, rows), rate: floats() };
    };
    assert.equal(check(wide, of(1_024, 0)).rows, 1_024);
    assert.equal(check(wide, of(5_000, 1)).rows, 5_000);
    assert.throws(() => check(wide, of(1_025, 0)), {
      code: "invalid-request",
      message:
        "Cannot read input 'x' for model 'm': expected at most 1024 rows where none has any elements, got shape [1025,0]",
    });
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

function filled(shape: readonly number[], ...values: number[]): Tensor {
  return { datatype: "FP32", shape, data: Float32Array.from(values) };
}

/** That they are the very tensors, not equal ones. */
function assertVery(checked: Checked, expected: Checked): void {
  assert.deepEqual(checked, expected);
  for (const [at, tensor] of expected.inputs.entries()) assert.equal(checked.inputs[at], tensor);
}

describe("checkInputs where inputs may be left out", () => {
  const x = spec("x", [-1, 2]);
  const first = filled([1, 2], 7, 8);
  const rate = filled([], 16_000);

  it("gives the very tensors where none is left out", () => {
    const given = [floats(2, 2), floats(2, 2)];
    const served = optional(model(batched, x, spec("h", [-1, 2])), [null, first], [1]);
    assert.equal(checkInputs(given, served, { rowsOneByOne: false }).inputs, given);
  });

  it("has the very stand-in for one row, and for an input without rows", () => {
    const served = optional(model(batched, x, spec("h", [-1, 2]), spec("sr", [], null)), [
      null,
      first,
      rate,
    ]);
    const given = floats(1, 2);
    assertVery(check(served, { x: given }), { inputs: [given, first, rate], rows: 1 });
  });

  const texts: Tensor = { datatype: "BYTES", shape: [1, 1], data: ["a"] };
  for (const { name, standIn, axis, shape, rows } of [
    { name: "along the first axis", standIn: first, axis: 0, shape: [-1, 2], rows: 3 },
    {
      name: "along the second axis",
      standIn: filled([2, 1, 2], 1, 2, 3, 4),
      axis: 1,
      shape: [2, -1, 2],
      rows: 3,
    },
    {
      name: "along the last axis",
      standIn: filled([3, 1], 1, 2, 3),
      axis: 1,
      shape: [3, -1],
      rows: 2,
    },
    {
      name: "of what has nothing in it yet",
      standIn: filled([1, 2, 0]),
      axis: 0,
      shape: [-1, 2, -1],
      rows: 2,
    },
    { name: "of values", standIn: filled([1], 5), axis: 0, shape: [-1], rows: 4 },
    { name: "of texts", standIn: texts, axis: 0, shape: [-1, 1], rows: 2 },
    { name: "where there is no axis", standIn: rate, axis: null, shape: [], rows: 4 },
  ]) {
    it(`has the very stand-in, of one row, however many rows come: ${name}`, () => {
      const h = { ...spec("h", shape, axis), datatype: standIn.datatype };
      const given = floats(rows, 2);
      for (const states of [[1], []]) {
        const served = optional(model(batched, x, h), [null, standIn], states);
        assertVery(check(served, { x: given }), { inputs: [given, standIn], rows });
      }
    });
  }

  it("has it for rows that run one by one", () => {
    const served = optional(model(oneByOne, spec("x", [1, 2]), spec("h", [1, 2])), [null, first]);
    const given = floats(2, 2);
    assertVery(check(served, { x: given }, true), { inputs: [given, first], rows: 2 });
  });

  it("has it for an unbatched model", () => {
    const served = optional(model(unbatched, x, spec("h", [1, 2])), [null, first]);
    const given = floats(5, 2);
    assertVery(check(served, { x: given }, true), { inputs: [given, first], rows: 1 });
  });

  it("takes the rows from whichever input comes, and one where none does", () => {
    const served = optional(model(batched, x, spec("h", [-1, 2])), [first, first]);
    const h = floats(2, 2);
    assertVery(check(served, { h }), { inputs: [first, h], rows: 2 });
    assertVery(check(served, {}), { inputs: [first, first], rows: 1 });
  });

  it("looks at what comes though it might have been left out", () => {
    const served = optional(model(batched, x, spec("h", [-1, 2])), [null, first]);
    for (const [h, message] of [
      [floats(1, 3), "unexpected shape for input 'h' for model 'm'. Expected [-1,2], got [1,3]"],
      [floats(2, 2), "input 'h' batch size does not match other inputs for 'm': expected 1, got 2"],
      [
        floats(0, 2),
        "Cannot read input 'h' for model 'm': expected at least one row along axis 0, got shape [0,2]",
      ],
    ] as const) {
      assert.throws(() => check(served, { x: floats(1, 2), h }), {
        code: "invalid-request",
        message,
      });
    }
  });
});

describe("checkNames", () => {
  const served = optional(
    model(batched, spec("x", [-1]), spec("h", [-1]), spec("c", [-1]), spec("sr", [], null)),
    [null, floats(1), floats(1), floats()],
    [1, 2],
  );

  for (const names of [
    ["x"],
    ["sr", "x"],
    ["x", "h", "c"],
    ["c", "x", "h"],
    ["x", "h", "c", "sr"],
    ["sr", "c", "h", "x"],
  ]) {
    it(`takes ${names}`, () => assert.doesNotThrow(() => checkNames(names, served)));
  }

  const please = "Please provide all required input(s).";
  for (const [names, words] of [
    [[], `expected 1 inputs but got 0 inputs: missing ['x']`],
    [["sr"], `expected 2 inputs but got 1 inputs: missing ['x']`],
    [["x", "h"], `expected 3 inputs but got 2 inputs: missing ['c']`],
    [["x", "c", "sr"], `expected 4 inputs but got 3 inputs: missing ['h']`],
    [["h", "c"], `expected 3 inputs but got 2 inputs: missing ['x']`],
    [["h"], `expected 3 inputs but got 1 inputs: missing ['x','c']`],
  ] as const) {
    it(`misses of [${names}] what cannot be left out: ${words}`, () => {
      const [counts, missing] = words.split(": missing ");
      const got = `Got input(s) [${names.map((name) => `'${name}'`)}]`;
      assert.throws(() => checkNames(names, served), {
        code: "invalid-request",
        message: `${counts} for model 'm'. ${got}, but missing required input(s) ${missing}. ${please}`,
      });
    });
  }

  for (const [names, message] of [
    [["y"], "unexpected inference input 'y' for model 'm'. Got input(s) ['y'], expected ['x']"],
    [
      ["x", "y"],
      "expected 1 inputs but got 2 inputs for model 'm'. Got input(s) ['x','y'], but ['y'] are not among ['x']",
    ],
    [
      ["x", "h", "cc"],
      "unexpected inference input 'cc' for model 'm'. Got input(s) ['x','h','cc'], expected ['x','h','c']",
    ],
  ] as const) {
    it(`knows no other names than the model's in [${names}]`, () => {
      assert.throws(() => checkNames(names, served), { code: "invalid-request", message });
    });
  }
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
