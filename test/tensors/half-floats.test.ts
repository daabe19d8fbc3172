import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { narrowToHalf, widenHalf } from "../../src/tensors/half-floats.ts";
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

describe("narrowToHalf", () => {
  for (const [datatype, infinity] of [
    ["FP16", 0x7c00],
    ["BF16", 0x7f80],
  ] as const) {
    const finite = Array.from({ length: infinity }, (_, bits) => bits);
    const patterns = [...finite, ...finite.map((bits) => bits + 0x8000)];
    const { data } = widenHalf(half(datatype, ...patterns)) as { data: Float32Array };

    it(`gives back the bits of each finite ${datatype}`, () => {
      const given = [...data].map((value) => narrowToHalf(value, datatype));
      assert.deepEqual(given, patterns);
    });

    it(`rounds to the nearest ${datatype}, of equals to the even one`, () => {
      for (const bits of finite.slice(0, -1)) {
        const [low = 0, high = 0] = data.subarray(bits, bits + 2);
        const middle = (low + high) / 2;
        assert.equal(narrowToHalf(middle, datatype), bits + (bits % 2));
        assert.equal(narrowToHalf(-middle, datatype), bits + (bits % 2) + 0x8000);
        assert.equal(narrowToHalf((low + middle) / 2, datatype), bits);
        assert.equal(narrowToHalf((middle + high) / 2, datatype), bits + 1);
      }
    });
  }

  it("has nothing for what would be infinite, and for NaN", () => {
    assert.deepEqual(
      [narrowToHalf(65_519.999, "FP16"), narrowToHalf(65_520, "FP16")],
      [0x7bff, undefined],
    );
    assert.equal(narrowToHalf(Number.MAX_VALUE, "BF16"), undefined);
    assert.equal(narrowToHalf(Number.NaN, "FP16"), undefined);
    assert.equal(narrowToHalf(Number.NEGATIVE_INFINITY, "BF16"), undefined);
    assert.equal(narrowToHalf(Number.MIN_VALUE, "BF16"), 0);
  });
});
