import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { widenHalf } from "../../src/tensors/half-floats.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function half(datatype: "FP16" | "BF16", ...bits: number[]): Tensor {
  return { datatype, shape: [bits.length], data: Uint16Array.from(bits) };
}

describe("widenHalf", () => {
  it("gives the value of FP16 bits: ones, extremes, subnormals, zeros, infinities, NaN", () => {
    const bits = [
      0x3c00, 0xc000, 0x7bff, 0x3555, 0x0001, 0x03ff, 0x0400, 0, 0x8000, 0x7c00, 0xfc00, 0x7e00,
    ];
    assert.deepEqual(widenHalf(half("FP16", ...bits)), {
      datatype: "FP32",
      shape: [12],
      data: Float32Array.of(
        1,
        -2,
        65504,
        0.333251953125,
        2 ** -24,
        1023 * 2 ** -24,
        2 ** -14,
        0,
        -0,
        Number.POSITIVE_INFINITY,
        Number.NEGATIVE_INFINITY,
        Number.NaN,
      ),
    });
  });

  it("gives the value of BF16 bits", () => {
    assert.deepEqual(widenHalf(half("BF16", 0x3f80, 0xc000, 0x4049, 0x8000, 0x7f80, 0x7fc0)), {
      datatype: "FP32",
      shape: [6],
      data: Float32Array.of(1, -2, 3.140625, -0, Number.POSITIVE_INFINITY, Number.NaN),
    });
  });

  it("leaves every other tensor alone", () => {
    const tensor: Tensor = { datatype: "UINT16", shape: [1], data: Uint16Array.of(0x3c00) };
    assert.equal(widenHalf(tensor), tensor);
  });
});
