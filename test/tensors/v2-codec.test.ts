import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { Answer, ServedModel } from "../../src/tensors/codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";

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

/** The same with one more input, a state that comes out as the output behind the last. */
function remembering(served: ServedModel, stream: ModelMetadata["stream"] = null): ServedModel {
  const { metadata } = served;
  const first: Tensor = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(0, 0.5) };
  return {
    ...served,
    standIns: [null, first],
    metadata: {
      ...metadata,
      inputs: [...metadata.inputs, spec("h")],
      outputs: [...metadata.outputs, spec("hn")],
      state: [{ input: 1, output: metadata.outputs.length, found: false }],
      stream,
    },
  };
}

const withoutMemory = { bringsState: false, isSignal: false };

const inputs = [{ name: "x", shape: [1, 2], datatype: "FP32", data: [1, 2] }];

function decode(body: unknown, served = model(spec("y"))): ReturnType<typeof v2Codec.decode> {
  return v2Codec.decode(Buffer.from(JSON.stringify(body)), served);
}

describe("v2Codec.decode", () => {
  it("reads inputs, outputs and id", () => {
    const x = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) };
    const parameters = { priority: 2, note: "a", binary_data_output: false };
    assert.deepEqual(decode({ id: "q", parameters, inputs, outputs: [{ name: "y" }] }), {
      inputs: [x],
      rows: 1,
      outputs: [0],
      id: "q",
      priority: "low",
      ...withoutMemory,
    });
    assert.deepEqual(
      [decode({ inputs }).id, decode({ id: "", inputs }).id],
      [undefined, undefined],
    );
  });

  for (const [body, message] of [
    [[], "Cannot read body: expected an object, got a list of 0"],
    [{ id: 1, inputs }, "Cannot read 'id': expected a string, got 1"],
    [{ id: null, inputs }, "Cannot read 'id': expected a string, got null"],
    [{ inputs, parameters: [] }, "Cannot read 'parameters': expected an object, got a list of 0"],
    [{ inputs, parameters: null }, "Cannot read 'parameters': expected an object, got null"],
    [
      { inputs, parameters: { a: null } },
      "Cannot read parameter 'a': expected a string, a number, true or false, got null",
    ],
    [
      { inputs, parameters: { a: [1] } },
      "Cannot read parameter 'a': expected a string, a number, true or false, got a list of 1",
    ],
    [
      { inputs, parameters: { triton_x: 1 } },
      "Cannot read parameter 'triton_x': parameter keys starting with 'triton_' are reserved",
    ],
    [
      { inputs, parameters: { binary_data_output: 1 } },
      "Cannot read 'parameters': expected 'binary_data_output' to be true or false, got 1",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(body).slice(0, 60)}: ${message}`, () => {
      assert.throws(() => decode(body), { code: "invalid-request", message });
    });
  }

  const streamed: ServedModel = {
    ...model(spec("y")),
    metadata: {
      ...model(spec("y")).metadata,
      stream: { input: 0, window: 2, hop: 1, pad: "none" },
    },
  };
  const sequences = [
    { sequence_id: 7 },
    { sequence_id: "s" },
    { sequence_start: true },
    { sequence_end: false },
    { sequence_id: 7, sequence_start: true, sequence_end: true },
  ];
  for (const parameters of sequences) {
    const [name] = Object.keys(parameters);
    it(`refuses ${JSON.stringify(parameters)} for a model that keeps no state`, () => {
      assert.throws(() => decode({ inputs, parameters }), {
        code: "invalid-request",
        message: `Cannot read parameter '${name}': model 'm' keeps no state between requests`,
      });
    });

    it(`leaves ${JSON.stringify(parameters)} to the front door for one that does`, () => {
      for (const served of [remembering(model(spec("y"))), streamed]) {
        assert.deepEqual(decode({ inputs, parameters }, served), decode({ inputs }, served));
      }
    });
  }

  it("refuses a sequence that is named by no plain value", () =>
    assert.throws(
      () => decode({ inputs, parameters: { sequence_id: [1] } }, remembering(model(spec("y")))),
      {
        code: "invalid-request",
        message:
          "Cannot read parameter 'sequence_id': expected a string, a number, true or false, got a list of 1",
      },
    ));

  const x = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) };
  const first = { datatype: "FP32", shape: [1, 2], data: Float32Array.of(0, 0.5) };

  it("has the first state where it is left out, and answers with it only where it is named", () => {
    const served = remembering(model(spec("y")));
    const common = { inputs: [x, first], rows: 1, id: undefined, ...withoutMemory };
    assert.deepEqual(decode({ inputs }, served), { ...common, outputs: [0] });
    const named = [{ name: "hn" }, { name: "y" }];
    assert.deepEqual(decode({ inputs, outputs: named }, served), { ...common, outputs: [1, 0] });
  });

  it("takes a state that is brought, and answers with the next", () => {
    const h = { name: "h", shape: [1, 2], datatype: "FP32", data: [3, 4] };
    assert.deepEqual(decode({ id: "q", inputs: [h, ...inputs] }, remembering(model(spec("y")))), {
      inputs: [x, { datatype: "FP32", shape: [1, 2], data: Float32Array.of(3, 4) }],
      rows: 1,
      outputs: [0, 1],
      id: "q",
      bringsState: true,
      isSignal: false,
    });
  });

  it("minds no state that has no form in JSON, unless it is asked for", () => {
    const one = remembering(model(spec("y")));
    const outputs = [spec("y"), spec("hn", "BF16")];
    const served = { ...one, metadata: { ...one.metadata, outputs } };
    assert.deepEqual(decode({ inputs }, served).outputs, [0]);
    assert.throws(() => decode({ inputs, outputs: [{ name: "hn" }] }, served), {
      code: "invalid-request",
    });
  });

  it("refuses outputs that have no form in JSON, unless they are not asked for", () => {
    const served = model(spec("y"), spec("h", "BF16"));
    assert.throws(() => decode({ inputs }, served), {
      code: "invalid-request",
      message:
        "sending BF16 data via JSON is not supported. Please use the binary data format for output h",
    });
    assert.deepEqual(decode({ inputs, outputs: [{ name: "y" }] }, served).outputs, [0]);
  });
});

function answer(outputs: readonly Tensor[], more: Partial<Answer> = {}, id?: string): Answer {
  const indexes = outputs.map((_, i) => i);
  const request = { inputs: [], rows: 1, outputs: indexes, id, ...withoutMemory };
  return { request, requestId: "r-1", outputs, ...more };
}

function encode(given: Answer, served: ServedModel): string {
  return Buffer.from(v2Codec.encode(given, served).json).toString();
}

describe("v2Codec.encode", () => {
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

describe("v2Codec.encodeEnd", () => {
  it("is a response without outputs that says how many rows were sent", () => {
    assert.equal(
      Buffer.from(v2Codec.encodeEnd("r-1", 130, model(spec("y")))).toString(),
      '{"id":"r-1","model_name":"m","model_version":"3","parameters":{"rows":130},"outputs":[]}',
    );
  });
});
