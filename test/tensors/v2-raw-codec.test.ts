import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batching, Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { v2RawCodec } from "../../src/tensors/v2-raw-codec.ts";

const batched: Batching = { type: "batched", maxBatchSize: 8 };
const unbatched: Batching = { type: "unbatched", reason: "" };

function spec(
  shape: readonly number[],
  datatype: Datatype = "FP32",
  batchAxis: number | null = 0,
): TensorSpec {
  return { name: "x", datatype, shape, batchAxis };
}

function model(
  input: TensorSpec,
  batching = batched,
  others: readonly (readonly [TensorSpec, Tensor | null])[] = [],
): ServedModel {
  return {
    name: "m",
    version: "1",
    labels: [],
    metadata: {
      inputs: [input, ...others.map(([one]) => one)],
      outputs: [{ ...spec([-1]), name: "y" }],
      batching,
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    },
    standIns: [null, ...others.map(([, standIn]) => standIn)],
  };
}

function floats(...values: readonly number[]): Uint8Array {
  return new Uint8Array(Float32Array.from(values).buffer);
}

describe("v2RawCodec", () => {
  it("reads the body as the one input, in one row, and wants outputs in binary", () => {
    assert.deepEqual(v2RawCodec.decode(floats(1, 2), model(spec([-1, 2]))), {
      inputs: [{ datatype: "FP32", shape: [1, 2], data: Float32Array.of(1, 2) }],
      rows: 1,
      outputs: [0],
      forms: [{ isBinary: true, classes: null }],
      id: undefined,
      bringsState: false,
      isSignal: false,
    });
  });

  it("copies nothing", () => {
    const body = floats(1, 2);
    const [tensor] = v2RawCodec.decode(body, model(spec([-1, 2]))).inputs;
    assert.equal((tensor as Tensor & { data: Float32Array }).data.buffer, body.buffer);
  });

  const shapes: readonly (readonly [
    readonly number[],
    number | null,
    Batching,
    readonly number[],
  ])[] = [
    [[-1, -1], 0, batched, [1, 6]],
    [[-1, 2, -1], 0, batched, [1, 2, 3]],
    [[-1, 3], null, unbatched, [2, 3]],
    [[2, -1, 3], 1, batched, [2, 1, 3]],
    [[6], null, unbatched, [6]],
  ];
  for (const [shape, axis, batching, expected] of shapes) {
    it(`finds the one open size of [${shape}]`, () => {
      const served = model(spec(shape, "FP32", axis), batching);
      const [tensor] = v2RawCodec.decode(floats(1, 2, 3, 4, 5, 6), served).inputs;
      assert.deepEqual(tensor?.shape, expected);
    });
  }

  it("reads one string", () => {
    const text = Buffer.from("größe");
    for (const [shape, expected] of [
      [[-1], [1]],
      [
        [-1, 1],
        [1, 1],
      ],
      [
        [-1, -1],
        [1, 1],
      ],
    ] as const) {
      const [tensor] = v2RawCodec.decode(text, model(spec(shape, "BYTES"))).inputs;
      assert.deepEqual(tensor, { datatype: "BYTES", shape: expected, data: ["größe"] });
    }
  });

  it("leaves out what may be left out", () => {
    const rate: Tensor = { datatype: "INT64", shape: [], data: BigInt64Array.of(16_000n) };
    const other: TensorSpec = { name: "sr", datatype: "INT64", shape: [], batchAxis: null };
    const served = model(spec([-1, 2]), batched, [[other, rate]]);
    assert.equal(v2RawCodec.decode(floats(1, 2), served).inputs[1], rate);
  });

  const refused: readonly (readonly [ServedModel, Uint8Array, RegExp])[] = [
    [model(spec([-1, 2]), batched, [[spec([-1]), null]]), floats(1, 2), /holds one input.* has 2/],
    [model(spec([-1, 2])), floats(1, 2, 3, 4), /has 8 bytes, got 16/],
    [model(spec([-1, -1, -1])), floats(1), /it tells one size at most.*\[1,-1,-1\]/],
    [model(spec([-1, 2, -1])), floats(1, 2, 3), /no whole number.*got 3 elements/],
    [model(spec([-1, -1])), new Uint8Array(5), /no whole number.*got 1.25 elements/],
    [model(spec([-1, 0, -1])), floats(1), /no whole number/],
    [model(spec([-1, 2], "BYTES")), Buffer.from("ab"), /holds one string.*\[1,2\]/],
    [model(spec([-1], "BYTES")), Uint8Array.of(0xff), /expected UTF-8/],
  ];
  for (const [served, body, message] of refused) {
    it(`refuses ${message.source}`, () => {
      assert.throws(() => v2RawCodec.decode(body, served), { code: "invalid-request", message });
    });
  }
});
