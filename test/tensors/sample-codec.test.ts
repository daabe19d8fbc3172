import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { encodePrediction, encodePredictionEnd } from "../../src/tensors/predict-answer.ts";
import { sampleCodec, signalInput, signalRequest } from "../../src/tensors/sample-codec.ts";
import { sampleFormats } from "../../src/tensors/samples.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function spec(name: string, shape: readonly number[], more: Partial<TensorSpec> = {}): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis: 0, ...more };
}

function floats(shape: readonly number[], ...values: number[]): Tensor {
  return { datatype: "FP32", shape, data: Float32Array.from(values) };
}

const stream = { window: 4, hop: 3, pad: "zeros" } as const;
const rate = floats([], 16_000);
const first = floats([2, 1, 1], 0.5, -1);

function model(fields: Partial<ModelMetadata>, standIns: ServedModel["standIns"]): ServedModel {
  const metadata: ModelMetadata = {
    inputs: [
      spec("sr", [], { batchAxis: null }),
      spec("x", [-1, 4]),
      spec("h", [2, -1, 1], { batchAxis: 1 }),
    ],
    outputs: [spec("hn", [2, -1, 1], { batchAxis: 1 }), spec("y", [-1, 1])],
    batching: { type: "batched", maxBatchSize: 8 },
    notServable: [],
    externalFiles: [],
    state: [{ input: 2, output: 0, found: false }],
    stream: { input: 1, ...stream },
    ...fields,
  };
  return { name: "m", version: "1", labels: [], metadata, standIns };
}

const detector = model({}, [rate, null, first]);
const onlySignal = model(
  {
    inputs: [spec("x", [-1, 4])],
    outputs: [spec("y", [-1, 1])],
    state: [],
    stream: { input: 0, ...stream },
  },
  [null],
);
const speaking = model({ inputs: [spec("speaker", [-1, 2]), spec("x", [-1, 4])], state: [] }, [
  null,
  null,
]);
const deaf = model({ stream: null }, [rate, null, first]);

const common = { rows: 1, id: undefined, bringsState: false, isSignal: true };

describe("sampleCodec", () => {
  for (const [format, body, expected] of [
    ["int16", Buffer.from(Int16Array.of(16384, -32768).buffer), floats([2], 0.5, -1)],
    ["int32", Buffer.from(Int32Array.of(2 ** 30, 0, 0).buffer), floats([3], 0.5, 0, 0)],
    ["float32", Buffer.from(Float32Array.of(0.1, 7).buffer), floats([2], 0.1, 7)],
    ["int16", Buffer.alloc(0), floats([0])],
  ] as const) {
    it(`reads ${body.length} bytes of ${format}, with what stands for all else`, () =>
      assert.deepEqual(sampleCodec(format).decode(body, detector), {
        inputs: [rate, expected, first],
        outputs: [1],
        ...common,
      }));
  }

  it("reads whole numbers for an input of whole numbers", () => {
    const counter = model(
      {
        inputs: [spec("x", [-1, 4], { datatype: "INT16" })],
        state: [],
        stream: { input: 0, ...stream },
      },
      [null],
    );
    const body = Buffer.from(Int16Array.of(-3, 32767).buffer);
    assert.deepEqual(sampleCodec("int16").decode(body, counter).inputs, [
      { datatype: "INT16", shape: [2], data: Int16Array.of(-3, 32767) },
    ]);
    assert.throws(() => sampleCodec("float32").decode(Buffer.alloc(4), counter), {
      code: "invalid-request",
      message: "Cannot read samples: float32 does not fit the model's INT16",
    });
  });

  for (const [served, body, message] of [
    [
      deaf,
      Buffer.alloc(2),
      "Cannot read samples: model 'm' takes tensors, its model.yaml has no 'stream'",
    ],
    [
      detector,
      Buffer.alloc(3),
      "Cannot read samples: expected a multiple of 2 bytes (int16), got 3 bytes",
    ],
    [
      speaking,
      Buffer.alloc(2),
      "Cannot read samples: expected the other inputs of model 'm' in 'inputs' too, missing ['speaker']",
    ],
  ] as const) {
    it(`says ${message}`, () =>
      assert.throws(() => sampleCodec("int16").decode(body, served), {
        code: "invalid-request",
        message,
      }));
  }

  it("answers as the predict route does", () => {
    for (const format of sampleFormats) {
      const { encode, encodeEnd } = sampleCodec(format);
      const request = sampleCodec(format).decode(Buffer.alloc(4), detector);
      const answer = { request, requestId: "r-1", outputs: [floats([1, 1], 0.5)], position: 512 };
      const text =
        '{"model":"m","version":"1","position":512,"predictions":[[0.5]],"request_id":"r-1"}';
      assert.equal(Buffer.from(encode(answer, detector).json).toString(), text);
      assert.deepEqual(encode(answer, detector), encodePrediction(answer, detector));
      assert.deepEqual(encodeEnd("r-1", 3, detector), encodePredictionEnd("r-1", 3, detector));
    }
  });
});

describe("signalInput", () => {
  it("is the input that takes the signal, and how it is cut", () =>
    assert.deepEqual(signalInput(detector), {
      stream: { input: 1, ...stream },
      spec: spec("x", [-1, 4]),
    }));

  for (const [name, served] of [
    ["a model that takes none", deaf],
    ["one whose signal goes nowhere", model({ stream: { input: 3, ...stream } }, [])],
  ] as const) {
    it(`refuses ${name}`, () =>
      assert.throws(() => signalInput(served), {
        code: "invalid-request",
        message: "Cannot read samples: model 'm' takes tensors, its model.yaml has no 'stream'",
      }));
  }
});

describe("signalRequest", () => {
  const samples = Float32Array.of(1, 2, 3);
  const signal = floats([3], 1, 2, 3);
  const speaker = floats([1, 2], 7, 8);

  for (const [name, served, others, inputs, outputs] of [
    ["nothing else", onlySignal, [], [signal], [0]],
    ["stand-ins for all else", detector, [], [rate, signal, first], [1]],
    [
      "an input instead of its stand-in",
      detector,
      [floats([], 8_000)],
      [floats([], 8_000), signal, first],
      [1],
    ],
    ["an input that is needed", speaking, [speaker], [speaker, signal], [0, 1]],
    [
      "nothing of a tensor in the signal's own place",
      speaking,
      [speaker, floats([9, 4])],
      [speaker, signal],
      [0, 1],
    ],
  ] as const) {
    it(`has ${name}`, () =>
      assert.deepEqual(signalRequest(samples, others, served), { inputs, outputs, ...common }));
  }

  it("holds the very samples", () => {
    const { inputs } = signalRequest(samples, [], onlySignal);
    assert.equal(inputs[0]?.data, samples);
  });

  it("counts the rows of the other inputs, which are not one in every case", () =>
    assert.equal(signalRequest(samples, [floats([2, 2], 1, 2, 3, 4)], speaking).rows, 2));

  for (const [served, others, message] of [
    [
      speaking,
      [],
      "Cannot read samples: expected the other inputs of model 'm' in 'inputs' too, missing ['speaker']",
    ],
    [
      speaking,
      [floats([1, 3], 1, 2, 3)],
      "unexpected shape for input 'speaker' for model 'm'. Expected [-1,2], got [1,3]",
    ],
    [
      speaking,
      [floats([0, 2])],
      "Cannot read input 'speaker' for model 'm': expected at least one row along axis 0, got shape [0,2]",
    ],
    [
      speaking,
      [{ ...speaker, datatype: "FP64" }],
      "inference input 'speaker' data-type is 'FP64', but model 'm' expects 'FP32'",
    ],
    [
      detector,
      [undefined, undefined, first],
      "Cannot read samples: the state is the server's, got ['h'] in 'inputs'",
    ],
    [deaf, [], "Cannot read samples: model 'm' takes tensors, its model.yaml has no 'stream'"],
  ] as const) {
    it(`says ${message}`, () =>
      assert.throws(() => signalRequest(samples, others, served), {
        code: "invalid-request",
        message,
      }));
  }
});
