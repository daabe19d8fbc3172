import assert from "node:assert/strict";
import { describe, it } from "node:test";
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
  },
};

const a = { name: "a", shape: [1, 2], datatype: "FP32", data: [1, 2] };
const b = { name: "b", shape: [1], datatype: "INT64", data: ["-3"] };

function read(request: JsonObject): ReturnType<typeof readOpenInference> {
  return readOpenInference(request, model, { rowsOneByOne: false });
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

  for (const form of ["binary_data_size", "shared_memory_region"]) {
    it(`says of ${form} that it is not implemented`, () => {
      const entry = { name: "a", shape: [1, 2], datatype: "FP32", parameters: { [form]: 8 } };
      assert.throws(() => read({ inputs: [entry, b] }), {
        code: "not-implemented",
        message: `Cannot read input 'a': '${form}' is not implemented, send 'data'`,
      });
    });
  }

  it("refuses a hundred thousand inputs without reading them", () => {
    const many = Array.from({ length: 100_000 }, (_, i) => ({ ...a, name: `${i}` }));
    assert.throws(() => read({ inputs: many }), {
      code: "invalid-request",
      message: /^expected 2 inputs but got 100000 inputs for model 'm'\. .{0,600}$/,
    });
  });
});
