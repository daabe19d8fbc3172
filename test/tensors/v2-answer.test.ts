import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Answer, OutputForm, ServedModel } from "../../src/tensors/codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { encodeInference, encodeInferenceEnd } from "../../src/tensors/v2-answer.ts";

function spec(name: string, datatype: Datatype = "FP32"): TensorSpec {
  return { name, datatype, shape: [-1, 2], batchAxis: 0 };
}

function model(...outputs: TensorSpec[]): ServedModel {
  const batching = { type: "batched", maxBatchSize: 8 } as const;
  const memory = { state: [], stream: null };
  const metadata = {
    inputs: [spec("x")],
    outputs,
    batching,
    notServable: [],
    externalFiles: [],
    ...memory,
  };
  return { name: "m", version: "3", metadata, labels: ["a", "b"], standIns: [null] };
}

const withoutMemory = { bringsState: false, isSignal: false };

function answer(outputs: readonly Tensor[], more: Partial<Answer> = {}, id?: string): Answer {
  const indexes = outputs.map((_, i) => i);
  const request = { inputs: [], rows: 1, outputs: indexes, id, ...withoutMemory };
  return { request, requestId: "r-1", outputs, ...more };
}

function encode(given: Answer, served: ServedModel): string {
  return Buffer.from(encodeInference(given, served).json).toString();
}

describe("encodeInference", () => {
  const y: Tensor = { datatype: "FP32", shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) };
  const tail =
    '"model_name":"m","model_version":"3","outputs":[{"name":"y","datatype":"FP32","shape":[2,2],"data":[1,2,3,4]}]}';

  it("writes the fields in Triton's order, data flat", () => {
    assert.equal(encode(answer([y], {}, 'q"'), model(spec("y"))), `{"id":"q\\"",${tail}`);
  });

  it("writes the request id where the client sent none", () => {
    assert.equal(encode(answer([y]), model(spec("y"))), `{"id":"r-1",${tail}`);
  });

  it("writes the outputs that were asked for, in that order", () => {
    const served = model(spec("a", "BYTES"), spec("b", "BOOL"));
    const a: Tensor = { datatype: "BYTES", shape: [1], data: ["ä"] };
    const b: Tensor = { datatype: "BOOL", shape: [], data: Uint8Array.of(1) };
    const request = { inputs: [], rows: 1, outputs: [1, 0], id: undefined, ...withoutMemory };
    assert.deepEqual(JSON.parse(encode(answer([b, a], { request }), served)).outputs, [
      { name: "b", datatype: "BOOL", shape: [], data: [true] },
      { name: "a", datatype: "BYTES", shape: [1], data: ["ä"] },
    ]);
  });

  it("warns, and places a slice, in the parameters", () => {
    const odd: Tensor = { datatype: "FP32", shape: [1], data: Float32Array.of(Number.NaN) };
    const served = model(spec("y"));
    const warnings = ["output 'y': 1 value that is not finite was replaced by null"];
    assert.deepEqual(JSON.parse(encode(answer([odd]), served)).parameters, { warnings });
    assert.deepEqual(JSON.parse(encode(answer([odd], { firstRow: 8 }), served)).parameters, {
      first_row: 8,
      warnings,
    });
  });

  it("refuses FP16", () => {
    const half: Tensor = { datatype: "FP16", shape: [1], data: Uint16Array.of(0) };
    assert.throws(() => encode(answer([half]), model(spec("y", "FP16"))), {
      code: "invalid-request",
    });
  });
});

describe("encodeInference of outputs in binary", () => {
  const y: Tensor = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) };
  const label: Tensor = { datatype: "BYTES", shape: [1], data: ["ä"] };
  const half: Tensor = { datatype: "FP16", shape: [1], data: Uint16Array.of(0x3c00) };
  const served = model(spec("y"), spec("label", "BYTES"), spec("half", "FP16"));
  const binary: OutputForm = { isBinary: true, classes: null };
  const plain: OutputForm = { isBinary: false, classes: null };

  function encodeForms(outputs: readonly Tensor[], forms: readonly OutputForm[]) {
    const { request, ...rest } = answer(outputs);
    const { json, tensors } = encodeInference({ ...rest, request: { ...request, forms } }, served);
    return { listed: JSON.parse(Buffer.from(json).toString()).outputs, tensors };
  }

  it("puts their bytes behind the JSON, in the order of the list", () => {
    const { listed, tensors } = encodeForms([y, label, half], [binary, plain, binary]);
    assert.deepEqual(listed, [
      { name: "y", datatype: "FP32", shape: [1, 2], parameters: { binary_data_size: 8 } },
      { name: "label", datatype: "BYTES", shape: [1], data: ["ä"] },
      { name: "half", datatype: "FP16", shape: [1], parameters: { binary_data_size: 2 } },
    ]);
    assert.deepEqual(tensors, [
      new Uint8Array(Float32Array.of(1, 2).buffer),
      Uint8Array.of(0, 0x3c),
    ]);
  });

  it("copies none of them", () => {
    const { tensors } = encodeForms([y], [binary]);
    assert.equal(tensors[0]?.buffer, (y.data as Float32Array).buffer);
  });

  it("warns of nothing, as bytes say everything", () => {
    const odd: Tensor = { datatype: "FP32", shape: [1], data: Float32Array.of(Number.NaN) };
    const { request, ...rest } = answer([odd]);
    const { json } = encodeInference({ ...rest, request: { ...request, forms: [binary] } }, served);
    assert.equal(JSON.parse(Buffer.from(json).toString()).parameters, undefined);
  });

  it("has no tensors where they are of no bytes", () => {
    const none: Tensor = { datatype: "FP32", shape: [0, 2], data: new Float32Array(0) };
    const { listed, tensors } = encodeForms([none], [binary]);
    assert.deepEqual([listed[0].parameters, tensors], [{ binary_data_size: 0 }, []]);
  });

  it("writes classes in place of scores, in JSON or in binary", () => {
    const best: OutputForm = { isBinary: false, classes: 1 };
    const { listed } = encodeForms([y], [best]);
    const entry = { name: "y", datatype: "BYTES", shape: [1, 1] };
    assert.deepEqual(listed, [{ ...entry, data: ["2.000000:1:b"] }]);
    const inBinary = encodeForms([y], [{ ...best, isBinary: true }]);
    assert.deepEqual(inBinary.listed, [{ ...entry, parameters: { binary_data_size: 16 } }]);
    assert.equal(inBinary.tensors[0]?.length, 16);
  });
});

describe("encodeInferenceEnd", () => {
  it("is a response without outputs that says how many rows were sent", () => {
    assert.equal(
      Buffer.from(encodeInferenceEnd("r-1", 130, model(spec("y")))).toString(),
      '{"id":"r-1","model_name":"m","model_version":"3","parameters":{"rows":130},"outputs":[]}',
    );
  });
});
