import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { nexusCodec } from "../../src/tensors/nexus-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function spec(name: string, datatype: TensorSpec["datatype"], shape: readonly number[]) {
  return { name, datatype, shape, batchAxis: 0 } as const;
}

const inputs = [spec("x", "FP64", [-1, 4])];
const outputs = [spec("label", "INT64", [-1]), spec("scores", "FP32", [-1, 2])];

function model(changed: Partial<ServedModel["metadata"]> = {}): ServedModel {
  const metadata = {
    inputs,
    outputs,
    batching: { type: "batched", maxBatchSize: 8 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
    ...changed,
  } as const;
  return { name: "iris", version: "1", metadata, labels: [], standIns: [null, null] };
}

function decode(body: unknown, served = model()) {
  return nexusCodec.decode(Buffer.from(JSON.stringify(body)), served);
}

describe("nexusCodec.decode", () => {
  it("takes one row, flat, and rows", () => {
    const flat = decode({ model_id: "iris", features: [5.1, 3.5, 1.4, 0.2], request_id: "a" });
    const nested = decode({ features: [[5.1, 3.5, 1.4, 0.2]] });
    const data = Float64Array.of(5.1, 3.5, 1.4, 0.2);
    assert.deepEqual(flat.inputs, [{ datatype: "FP64", shape: [1, 4], data }]);
    assert.deepEqual(nested, flat);
  });

  const refused: readonly (readonly [unknown, RegExp, ServedModel?])[] = [
    [{}, /'features': expected a list of numbers, or of rows, got nothing/],
    [{ features: 1 }, /'features': expected a list of numbers, or of rows, got 1/],
    [{ features: [1, 2] }, /Expected \[-1,4\], got \[1,2\]/],
    [{ features: ["a", 1, 2, 3] }, /expected a finite number/],
    [[], /body: expected an object/],
    [{ features: [1] }, /has 2 inputs/, model({ inputs: [...inputs, ...inputs] })],
  ];
  for (const [body, message, served] of refused) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(() => decode(body, served), { code: "invalid-request", message });
    });
  }
});

function encode(tensors: readonly Tensor[]) {
  const request = { ...decode({ features: [1, 2, 3, 4] }), outputs: [...tensors.keys()] };
  const body = nexusCodec.encode({ request, requestId: "r", outputs: tensors }, model());
  return JSON.parse(Buffer.from(body.json).toString());
}

const label: Tensor = { datatype: "INT64", shape: [2], data: BigInt64Array.of(1n, 0n) };

function scores(...values: number[]): Tensor {
  return { datatype: "FP32", shape: [values.length / 2, 2], data: Float32Array.from(values) };
}

describe("nexusCodec.encode", () => {
  it("gives the first output flat, and the largest probability", () => {
    assert.deepEqual(encode([label, scores(0.25, 0.75, 0.5, 0.5)]), {
      model_id: "iris",
      request_id: "r",
      prediction: [1, 0],
      confidence: 0.75,
    });
  });

  const none: readonly (readonly [string, readonly Tensor[]])[] = [
    ["labels alone", [label]],
    ["scores that do not add up to 1", [label, scores(0.25, 0.25)]],
    ["a row among others that does not", [label, scores(0.25, 0.75, 1, 1)]],
    ["a negative score", [label, scores(-1, 2)]],
    ["NaN", [label, scores(Number.NaN, 1)]],
  ];
  for (const [words, tensors] of none) {
    it(`has no confidence in ${words}`, () => {
      assert.equal("confidence" in encode(tensors), false);
    });
  }

  it("says what is not finite, and leaves nothing empty", () => {
    const answer = encode([scores(Number.NaN, 1)]);
    assert.deepEqual(answer.prediction, [null, 1]);
    assert.match(answer.warnings[0], /replaced by null/);
  });
});
