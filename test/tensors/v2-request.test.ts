import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import type { JsonObject } from "../../src/tensors/json-object.ts";
import { readOpenInference } from "../../src/tensors/v2-request.ts";

const model: ServedModel = {
  name: "m",
  version: "1",
  labels: [],
  metadata: {
    inputs: [
      { name: "a", datatype: "FP32", shape: [-1, 2], batchAxis: 0 },
      { name: "b", datatype: "INT64", shape: [-1], batchAxis: 0 },
    ],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1], batchAxis: 0 }],
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  },
  standIns: [null, null],
};

const a = { name: "a", shape: [1, 2], datatype: "FP32", data: [1, 2] };
const b = { name: "b", shape: [1], datatype: "INT64", data: ["-3"] };

function read(request: JsonObject, served = model): ReturnType<typeof readOpenInference> {
  return readOpenInference(request, served, {
    rowsOneByOne: false,
    tensors: null,
    wantsBinary: false,
  });
}

describe("readOpenInference", () => {
  it("reads inputs in any order, data flat or nested in any way", () => {
    const expected = {
      inputs: [
        { datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) },
        { datatype: "INT64", shape: [1], data: BigInt64Array.of(-3n) },
      ],
      rows: 1,
      outputs: [0],
      id: undefined,
      bringsState: false,
      isSignal: false,
    };
    assert.deepEqual(read({ inputs: [a, b] }), expected);
    assert.deepEqual(read({ inputs: [b, { ...a, data: [[[1]], [[2]]] }] }), expected);
  });

  const unsigned =
    "Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer: input 'a': expected an integer of at least 0 at";
  const only =
    "Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But";
  for (const [inputs, message] of [
    [undefined, "Cannot read 'inputs': expected a list, got nothing"],
    [{ a }, "Cannot read 'inputs': expected a list, got an object"],
    [[a, 1], "Cannot read 'inputs' at [1]: expected an object, got 1"],
    [[{}], "Cannot read 'inputs' at [0]: expected 'name' to be a string, got nothing"],
    [[{ ...a, name: 1 }], "Cannot read 'inputs' at [0]: expected 'name' to be a string, got 1"],
    [[a, a], "input 'a' already exists in request"],
    [
      [a],
      "expected 2 inputs but got 1 inputs for model 'm'. Got input(s) ['a'], but missing required input(s) ['b']. Please provide all required input(s).",
    ],
    [
      [{ ...a, shape: undefined }, b],
      "Unable to parse 'shape': input 'a': expected a list of sizes, got nothing",
    ],
    [
      [{ ...a, shape: "1,2" }, b],
      "Unable to parse 'shape': input 'a': expected a list of sizes, got \"1,2\"",
    ],
    [[{ ...a, shape: [1, -2] }, b], `${unsigned} [1], got -2`],
    [[{ ...a, shape: ["1", 2] }, b], `${unsigned} [0], got "1"`],
    [[{ ...a, shape: [1.5, 2] }, b], `${unsigned} [0], got 1.5`],
    [[{ ...a, shape: [2 ** 53, 2] }, b], `${unsigned} [0], got 9007199254740992`],
    [
      [{ ...a, shape: [-1, 2] }, b],
      "All input dimensions should be specified for input 'a' for model 'm', got -1 at [0]",
    ],
    [
      [{ ...a, shape: [2 ** 31, 2] }, b],
      "shape [2147483648,2] of input 'a' causes total element count to exceed maximum size of 2147483648",
    ],
    [
      [{ ...a, datatype: "FLOAT" }, b],
      "Cannot read 'datatype' of input 'a': expected an Open Inference datatype such as \"FP32\", got \"FLOAT\"",
    ],
    [
      [{ ...a, datatype: undefined }, b],
      "Cannot read 'datatype' of input 'a': expected an Open Inference datatype such as \"FP32\", got nothing",
    ],
    [
      [{ ...a, datatype: "FP64" }, b],
      "inference input 'a' data-type is 'FP64', but model 'm' expects 'FP32'",
    ],
    [[{ name: "a", shape: [1, 2], datatype: "FP32" }, b], `${only} no field is set for input 'a'`],
    [
      [{ ...a, parameters: { binary_data_size: 8 } }, b],
      `${only} set 'data' 'binary_data_size' for input 'a'`,
    ],
    [
      [{ ...a, parameters: { shared_memory_region: "r" } }, b],
      `${only} set 'data' 'shared_memory_region' for input 'a'`,
    ],
    [
      [{ ...a, parameters: 1 }, b],
      "Cannot read 'parameters' of input 'a': expected an object, got 1",
    ],
    [[{ ...a, data: 1 }, b], "Cannot read 'data' of input 'a': expected a list, got 1"],
    [[{ ...a, data: "AAAA" }, b], "Cannot read 'data' of input 'a': expected a list, got \"AAAA\""],
  ] as const) {
    it(`says ${message.slice(0, 110)}`, () => {
      const body = JSON.parse(JSON.stringify({ inputs }));
      assert.throws(() => read(body), { code: "invalid-request", message });
    });
  }

  it("says of shared memory that it is not implemented", () => {
    const parameters = { shared_memory_region: 8 };
    const entry = { name: "a", shape: [1, 2], datatype: "FP32", parameters };
    assert.throws(() => read({ inputs: [entry, b] }), {
      code: "not-implemented",
      message: "Cannot read input 'a': 'shared_memory_region' is not implemented, send 'data'",
    });
  });

  it("says of binary_data_size how binary tensors are sent, where the body has none", () => {
    const entry = { ...a, data: undefined, parameters: { binary_data_size: 8 } };
    assert.throws(() => read({ inputs: [JSON.parse(JSON.stringify(entry)), b] }), {
      code: "invalid-request",
      message: /^Cannot read input 'a': 'binary_data_size' expected binary tensors behind the JSON/,
    });
  });

  it("refuses a hundred thousand inputs without reading them", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ ...a, name: `${i}` }));
    assert.throws(() => read({ inputs: many }), {
      code: "invalid-request",
      message: /^expected 2 inputs but got 100000 inputs for model 'm'\. .{0,600}$/,
    });
  });
});

function floats(name: string, batchAxis: number | null, ...shape: number[]): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

const zeros = { datatype: "FP32", shape: [2, 1, 1], data: Float32Array.of(0, 0) } as const;
const half = { datatype: "FP32", shape: [1], data: Float32Array.of(0.5) } as const;
const rate = { datatype: "FP32", shape: [], data: Float32Array.of(16000) } as const;
/** Its states are h, which comes out as hn, and c, which comes out as cn. */
const remembering: ServedModel = {
  ...model,
  metadata: {
    inputs: [floats("h", 1, 2, -1, 1), floats("x", 0, -1), floats("c", 0, -1), floats("sr", null)],
    outputs: [floats("hn", 1, 2, -1, 1), floats("y", 0, -1), floats("cn", 0, -1)],
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [
      { input: 0, output: 0, found: false },
      { input: 2, output: 2, found: true },
    ],
    stream: null,
  },
  standIns: [zeros, null, half, rate],
};

describe("readOpenInference of a model that remembers", () => {
  const x = { name: "x", shape: [1], datatype: "FP32", data: [3] };
  const h = { name: "h", shape: [2, 1, 1], datatype: "FP32", data: [1, 2] };
  const c = { name: "c", shape: [1], datatype: "FP32", data: [4] };
  const sr = { name: "sr", shape: [], datatype: "FP32", data: [8000] };
  const three = { datatype: "FP32", shape: [1], data: Float32Array.of(3) };
  const brought = [
    { datatype: "FP32", shape: [2, 1, 1], data: Float32Array.of(1, 2) },
    three,
    { datatype: "FP32", shape: [1], data: Float32Array.of(4) },
  ];
  const common = { rows: 1, id: undefined, isSignal: false };

  it("has the first state and the defaults where they are left out, and answers with no state", () =>
    assert.deepEqual(read({ inputs: [x] }, remembering), {
      inputs: [zeros, three, half, rate],
      outputs: [1],
      bringsState: false,
      ...common,
    }));

  it("takes a state that is brought, in any order, and answers with the next", () => {
    const expected = {
      inputs: [...brought, rate],
      outputs: [0, 1, 2],
      bringsState: true,
      ...common,
    };
    assert.deepEqual(read({ inputs: [c, x, h] }, remembering), expected);
    assert.deepEqual(read({ inputs: [h, x, c] }, remembering), expected);
  });

  it("takes a value instead of a default", () => {
    const slow = { datatype: "FP32", shape: [], data: Float32Array.of(8000) };
    const { inputs, bringsState } = read({ inputs: [x, sr] }, remembering);
    assert.deepEqual([inputs, bringsState], [[zeros, three, half, slow], false]);
    const all = read({ inputs: [h, x, c, sr] }, remembering);
    assert.deepEqual([all.inputs, all.bringsState], [[...brought, slow], true]);
  });

  it("has the very stand-in, of one row, for what is left out, however many rows come", () => {
    const rows = { ...x, shape: [3], data: [1, 2, 3] };
    const decoded = read({ inputs: [rows] }, remembering);
    const given = { datatype: "FP32", shape: [3], data: Float32Array.of(1, 2, 3) };
    const inputs = [zeros, given, half, rate];
    assert.deepEqual(decoded, { inputs, outputs: [1], bringsState: false, ...common, rows: 3 });
    assert.equal(decoded.inputs[0], zeros);
    assert.equal(decoded.inputs[2], half);
    assert.equal(decoded.inputs[3], rate);
  });

  for (const [name, inputs, outputs, expected] of [
    ["the state by name, though it is left out", [x], ["cn", "y"], [2, 1]],
    ["a part of the state", [x], ["hn"], [0]],
    ["less than all, though it brings the state", [h, x, c], ["y"], [1]],
    ["nothing in particular", [x], [], [1]],
    ["nothing in particular, and brings the state", [h, x, c], [], [0, 1, 2]],
  ] as const) {
    it(`gives a request that asks for ${name} what it asks for`, () => {
      const named = outputs.map((output) => ({ name: output }));
      assert.deepEqual(read({ inputs, outputs: named }, remembering).outputs, expected);
    });
  }

  const got = "for model 'm'. Got input(s)";
  const please = "Please provide all required input(s).";
  for (const [inputs, message] of [
    [
      [x, h],
      `expected 3 inputs but got 2 inputs ${got} ['x','h'], but missing required input(s) ['c']. ${please}`,
    ],
    [
      [c, x],
      `expected 3 inputs but got 2 inputs ${got} ['c','x'], but missing required input(s) ['h']. ${please}`,
    ],
    [
      [sr],
      `expected 2 inputs but got 1 inputs ${got} ['sr'], but missing required input(s) ['x']. ${please}`,
    ],
    [
      [],
      `expected 1 inputs but got 0 inputs ${got} [], but missing required input(s) ['x']. ${please}`,
    ],
    [
      [x, { ...h, shape: [2, 2, 1], data: [1, 2, 3, 4] }, c],
      "input 'x' batch size does not match other inputs for 'm': expected 2, got 1",
    ],
    [
      [x, { ...h, shape: [1, 1, 1], data: [1] }, c],
      "unexpected shape for input 'h' for model 'm'. Expected [2,-1,1], got [1,1,1]",
    ],
  ] as const) {
    it(`says ${message.slice(0, 110)}`, () => {
      assert.throws(() => read({ inputs }, remembering), { code: "invalid-request", message });
    });
  }
});
