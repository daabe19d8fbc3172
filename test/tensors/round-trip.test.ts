import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import { product } from "../../src/tensors/shapes.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";

const extremes: Tensor[] = [
  { datatype: "BOOL", shape: [2, 2], data: Uint8Array.of(0, 1, 1, 0) },
  { datatype: "UINT8", shape: [2, 1], data: Uint8Array.of(0, 255) },
  { datatype: "UINT16", shape: [2, 1], data: Uint16Array.of(0, 65535) },
  { datatype: "UINT32", shape: [2, 1], data: Uint32Array.of(0, 2 ** 32 - 1) },
  { datatype: "UINT64", shape: [2, 1], data: BigUint64Array.of(0n, 2n ** 64n - 1n) },
  { datatype: "UINT64", shape: [2, 1], data: BigUint64Array.of(0n, 2n ** 53n - 1n) },
  { datatype: "INT8", shape: [2, 1], data: Int8Array.of(-128, 127) },
  { datatype: "INT16", shape: [2, 1], data: Int16Array.of(-32768, 32767) },
  { datatype: "INT32", shape: [2, 1], data: Int32Array.of(-(2 ** 31), 2 ** 31 - 1) },
  { datatype: "INT64", shape: [2, 1], data: BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n) },
  { datatype: "INT64", shape: [1, 3], data: BigInt64Array.of(-1n, 0n, 2n ** 53n - 1n) },
  {
    datatype: "FP32",
    shape: [1, 4],
    data: Float32Array.of(-0, 1e-45, 0.1, -3.4028234663852886e38),
  },
  {
    datatype: "FP32",
    shape: [4, 1, 50],
    data: Float32Array.from({ length: 200 }, (_, i) => Math.tan(i)),
  },
  { datatype: "FP64", shape: [1, 4], data: Float64Array.of(-0, 5e-324, 0.1, -Number.MAX_VALUE) },
  { datatype: "BYTES", shape: [1, 2, 2], data: ["", 'a"\\\n\x01', "ä€😀", "\u2028"] },
  { datatype: "FP32", shape: [2, 0], data: new Float32Array(0) },
];

function model(tensor: Tensor): ServedModel {
  const x: TensorSpec = {
    name: "x",
    datatype: tensor.datatype,
    shape: tensor.shape.map((dim, axis) => (axis === 0 ? -1 : dim)),
    batchAxis: 0,
  };
  const batching = { type: "batched", maxBatchSize: 4 } as const;
  const outputs = [{ ...x, name: "y" }];
  const memory = { state: [], stream: null };
  const metadata = {
    inputs: [x],
    outputs,
    batching,
    notServable: [],
    externalFiles: [],
    ...memory,
  };
  return { name: "m", version: "1", labels: [], metadata, standIns: [null] };
}

const withoutMemory = { bringsState: false, isSignal: false };

function json(bytes: Uint8Array): Record<string, unknown> {
  return JSON.parse(Buffer.from(bytes).toString());
}

function body(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

describe("what a codec writes it reads", () => {
  for (const tensor of extremes) {
    const name = `${tensor.datatype} [${tensor.shape}]`;
    const served = model(tensor);
    const rows = tensor.shape[0] as number;
    const request = { inputs: [tensor], rows, outputs: [0], id: undefined, ...withoutMemory };
    const answer = { request, requestId: "r", outputs: [tensor] };

    it(`${name} by predict`, () => {
      const text = Buffer.from(predictCodec.encode(answer, served).json).toString();
      // As text, since JSON.stringify would lose the sign of -0.
      const features = text.slice(
        text.indexOf('"predictions":') + 14,
        text.lastIndexOf(',"request_id"'),
      );
      const decoded = predictCodec.decode(Buffer.from(`{"features":${features}}`), served);
      assert.deepEqual(decoded, request);
    });

    it(`${name} by V2`, () => {
      const text = Buffer.from(v2Codec.encode(answer, served).json).toString();
      const outputs = text.slice(text.indexOf('"outputs":') + 10, -1);
      const inputs = outputs.replace('"name":"y"', '"name":"x"');
      assert.deepEqual(v2Codec.decode(Buffer.from(`{"inputs":${inputs}}`), served), request);
    });
  }

  it("nested as flat, for every datatype", () => {
    for (const tensor of extremes) {
      const request = { inputs: [], rows: 1, outputs: [0], id: "i", ...withoutMemory };
      const answer = { request, requestId: "r", outputs: [tensor] };
      const { predictions } = json(predictCodec.encode(answer, model(tensor)).json);
      const [output] = json(v2Codec.encode(answer, model(tensor)).json)["outputs"] as {
        data: unknown[];
      }[];
      assert.deepEqual((predictions as unknown[]).flat(tensor.shape.length - 1), output?.data);
      assert.equal(output?.data.length, product(tensor.shape));
    }
  });

  it("an answer is a request of another model of the same shape", () => {
    const [tensor] = extremes.filter(({ datatype }) => datatype === "FP32");
    const served = model(tensor as Tensor);
    const first = predictCodec.decode(body({ features: [1, 2, 3, 4] }), served);
    const { predictions } = json(
      predictCodec.encode({ request: first, requestId: "r", outputs: first.inputs }, served).json,
    );
    assert.deepEqual(predictCodec.decode(body({ features: predictions }), served), first);
  });
});
