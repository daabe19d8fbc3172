import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fingerprint } from "../../model-host/fingerprint.ts";
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";
import { fp32 } from "./fake-engine.ts";
import { fakeWork, servedModel } from "./fake-work.ts";

function model(datatype: Datatype): ServedModel {
  const x: TensorSpec = { name: "x", datatype, shape: [-1, 2], batchAxis: 0 };
  const batching = { type: "batched", maxBatchSize: 4 } as const;
  const outputs = [{ ...x, name: "y" }];
  return servedModel({
    inputs: [x],
    outputs,
    batching,
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  });
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function of(...inputs: readonly Tensor[]): string {
  return fingerprint(fakeWork({ inputs }).request);
}

describe("fingerprint", () => {
  const values: readonly (readonly [Datatype, readonly unknown[]])[] = [
    ["FP32", [1.5, -2]],
    ["INT64", [1, -2]],
    ["UINT8", [1, 2]],
    ["BOOL", [true, false]],
    ["BYTES", ["a", "ä"]],
  ];
  for (const [datatype, data] of values) {
    it(`is the same for the same ${datatype}, whatever wire format it came in`, () => {
      const one = model(datatype);
      const tensor = { name: "x", datatype, shape: [1, 2], data };
      const requests = [
        predictCodec.decode(json({ features: [data] }), one),
        predictCodec.decode(json({ features: data }), one),
        predictCodec.decode(json({ inputs: { x: [data] } }), one),
        predictCodec.decode(json({ inputs: [tensor] }), one),
        v2Codec.decode(json({ id: "7", inputs: [tensor] }), one),
        v2Codec.decode(json({ inputs: [tensor], outputs: [{ name: "y" }] }), one),
      ];
      assert.equal(new Set(requests.map(fingerprint)).size, 1);
    });
  }

  it("is the same for a view and for a copy", () => {
    const data = Float32Array.of(0, 1, 2, 3).subarray(1, 3);
    assert.equal(of({ datatype: "FP32", shape: [2], data }), of(fp32([2], [1, 2])));
  });

  it("is another for other inputs", () => {
    const int32: Tensor = { datatype: "INT32", shape: [2], data: Int32Array.of(0, 0) };
    const texts = (...data: readonly string[]): Tensor => ({
      datatype: "BYTES",
      shape: [data.length],
      data,
    });
    const different = [
      of(fp32([2], [0, 0])),
      of(fp32([2], [0, 1])),
      of(fp32([1, 2], [0, 0])),
      of(fp32([2, 1], [0, 0])),
      of(int32),
      of({ ...int32, datatype: "UINT32", data: Uint32Array.of(0, 0) }),
      of(fp32([2], [0, 0]), int32),
      of(int32, fp32([2], [0, 0])),
      of(texts("ab", "c")),
      of(texts("a", "bc")),
      of(texts('a","b')),
      of(),
    ];
    assert.equal(new Set(different).size, different.length);
  });

  it("is short, and fit for a message", () => assert.match(of(fp32([1])), /^[\w-]{43}$/));
});
