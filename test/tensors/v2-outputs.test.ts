import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { optionalParameters, readFlag, readWantedOutputs } from "../../src/tensors/v2-outputs.ts";

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
  const unasked = { outputs: [1], isBinary: false };

  it("gives what stands for no wish where none is named", () => {
    for (const outputs of [[0, 1], [1], []]) {
      for (const value of [undefined, []]) {
        const wanted = readWantedOutputs(value, model, { outputs, isBinary: false });
        assert.deepEqual(wanted, { outputs });
        // Requests that are alike share it.
        assert.equal(wanted.outputs, outputs);
      }
    }
  });

  it("gives those named, though they would not be given unasked", () =>
    assert.deepEqual(readWantedOutputs([{ name: "label" }], model, unasked), { outputs: [0] }));

  const inBinary = { isBinary: true, classes: null };
  const plain = { isBinary: false, classes: null };

  it("gives those named, in the client's order, each in its form", () => {
    const outputs = [{ name: "scores", parameters: { binary_data: true } }, { name: "label" }];
    const wanted = { outputs: [1, 0], forms: [inBinary, plain] };
    assert.deepEqual(readWantedOutputs(outputs, model, unasked), wanted);
    const classes = [{ name: "scores", parameters: { classification: 2, binary_data: true } }];
    const best = { outputs: [1], forms: [{ isBinary: true, classes: 2 }] };
    assert.deepEqual(readWantedOutputs(classes, model, unasked), best);
    const json = [{ name: "scores", parameters: { binary_data: false } }];
    assert.deepEqual(readWantedOutputs(json, model, unasked), { outputs: [1] });
  });

  it("takes the wish for the whole request where none is named, and only there", () => {
    const all = { outputs: [0, 1], isBinary: true };
    const wanted = { outputs: [0, 1], forms: [inBinary, inBinary] };
    assert.deepEqual(readWantedOutputs(undefined, model, all), wanted);
    assert.deepEqual(readWantedOutputs([{ name: "label" }], model, all), { outputs: [0] });
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
      [{ name: "label", parameters: { classification: 0 } }],
      "invalid-request",
      "Cannot read 'parameters' of output 'label': expected 'classification' to be an integer from 1, got 0",
    ],
    [
      [{ name: "label", parameters: { shared_memory_region: "r" } }],
      "not-implemented",
      "Cannot read 'parameters' of output 'label': 'shared_memory_region' is not implemented",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(outputs)}`, () => {
      assert.throws(() => readWantedOutputs(outputs, model, unasked), { code, message });
    });
  }
});

describe("parameters", () => {
  it("are empty where there are none", () => {
    assert.deepEqual(optionalParameters("'parameters'", {}), {});
    assert.deepEqual(optionalParameters("'parameters'", { parameters: { a: 1 } }), { a: 1 });
  });

  it("have flags that are true, false or absent", () => {
    for (const value of [true, false, undefined]) {
      assert.equal(readFlag("'parameters'", value === undefined ? {} : { a: value }, "a"), value);
    }
    assert.throws(() => readFlag("'parameters'", { a: "true" }, "a"), { code: "invalid-request" });
  });
});
