import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { checkFlag, optionalParameters, readWantedOutputs } from "../../src/tensors/v2-outputs.ts";

const model: ServedModel = {
  name: "m",
  version: "1",
  labels: [],
  metadata: {
    inputs: [],
    outputs: [
      { name: "label", datatype: "INT64", shape: [-1], batchAxis: 0 },
      { name: "scores", datatype: "FP32", shape: [-1, 3], batchAxis: 0 },
    ],
    batching: { type: "batched", maxBatchSize: 4 },
    externalFiles: [],
    notServable: [{ name: "map", reason: "a sequence or map" }],
    state: [],
    stream: null,
  },
  standIns: [],
};

describe("readWantedOutputs", () => {
  it("gives what stands for no wish where none is named", () => {
    for (const unasked of [[0, 1], [1], []]) {
      assert.equal(readWantedOutputs(undefined, model, unasked), unasked);
      assert.equal(readWantedOutputs([], model, unasked), unasked);
    }
  });

  it("gives those named, though they would not be given unasked", () =>
    assert.deepEqual(readWantedOutputs([{ name: "label" }], model, [1]), [0]));

  it("gives those named, in the client's order, and takes binary_data as a wish", () => {
    const outputs = [{ name: "scores", parameters: { binary_data: true } }, { name: "label" }];
    assert.deepEqual(readWantedOutputs(outputs, model, [0]), [1, 0]);
  });

  const unexpected = "for model 'm'. Expected one of ['label','scores']";
  for (const [outputs, code, message] of [
    [{}, "invalid-request", "Cannot read 'outputs': expected a list, got an object"],
    [null, "invalid-request", "Cannot read 'outputs': expected a list, got null"],
    [
      ["label"],
      "invalid-request",
      "Cannot read 'outputs' at [0]: expected an object, got \"label\"",
    ],
    [
      [{}],
      "invalid-request",
      "Cannot read 'outputs' at [0]: expected 'name' to be a string, got nothing",
    ],
    [[{ name: "x" }], "invalid-request", `unexpected inference output 'x' ${unexpected}`],
    [
      [{ name: "map" }],
      "invalid-request",
      "unexpected inference output 'map' for model 'm', which is not servable (a sequence or map). Expected one of ['label','scores']",
    ],
    [
      [{ name: "label" }, { name: "label" }],
      "invalid-request",
      "output 'label' already exists in request",
    ],
    [
      [{ name: "label", parameters: { binary_data: 1 } }],
      "invalid-request",
      "Cannot read 'parameters' of output 'label': expected 'binary_data' to be true or false, got 1",
    ],
    [
      [{ name: "label", parameters: [] }],
      "invalid-request",
      "Cannot read 'parameters' of output 'label': expected an object, got a list of 0",
    ],
    [
      [{ name: "label", parameters: { classification: 2 } }],
      "not-implemented",
      "Cannot read 'parameters' of output 'label': 'classification' is not implemented",
    ],
    [
      [{ name: "label", parameters: { shared_memory_region: "r" } }],
      "not-implemented",
      "Cannot read 'parameters' of output 'label': 'shared_memory_region' is not implemented",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(outputs)}`, () => {
      assert.throws(() => readWantedOutputs(outputs, model, [0, 1]), { code, message });
    });
  }
});

describe("parameters", () => {
  it("are empty where there are none", () => {
    assert.deepEqual(optionalParameters("'parameters'", {}), {});
    assert.deepEqual(optionalParameters("'parameters'", { parameters: { a: 1 } }), { a: 1 });
  });

  it("have flags that are true, false or absent", () => {
    for (const value of [true, false]) checkFlag("'parameters'", { a: value }, "a");
    checkFlag("'parameters'", {}, "a");
    assert.throws(() => checkFlag("'parameters'", { a: "true" }, "a"), { code: "invalid-request" });
  });
});
