import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { grownAxis, isClose } from "../../model-host/row-comparison.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { fp32 } from "./fake-engine.ts";

describe("grownAxis", () => {
  type Shape = readonly number[];
  const rows: readonly (readonly [string, Shape, Shape, number | undefined])[] = [
    ["is where one row became two", [1, 4], [2, 4], 0],
    ["may be any", [3, 1, 1], [3, 1, 2], 2],
    ["is none where nothing grew", [1, 4], [1, 4], undefined],
    ["is none where two grew", [1, 1], [2, 2], undefined],
    ["is none where it grew from something else", [2, 4], [4, 4], undefined],
    ["is none where it grew to something else", [1, 4], [3, 4], undefined],
    ["is none where the rank is another", [1], [2, 1], undefined],
    ["is none without axes", [], [], undefined],
  ];
  for (const [name, single, both, axis] of rows) {
    it(name, () => assert.equal(grownAxis(single, both), axis));
  }
});

describe("isClose", () => {
  const floats = (...values: readonly number[]) => fp32([values.length], values);
  const integers = (...values: readonly bigint[]): Tensor => ({
    datatype: "INT64",
    shape: [values.length],
    data: BigInt64Array.from(values),
  });
  const halves = (...bits: readonly number[]): Tensor => ({
    datatype: "FP16",
    shape: [bits.length],
    data: Uint16Array.from(bits),
  });
  const texts = (...data: readonly string[]): Tensor => ({
    datatype: "BYTES",
    shape: [data.length],
    data,
  });

  const rows: readonly (readonly [string, Tensor, Tensor, boolean])[] = [
    ["a thousandth of the largest apart", floats(0.0009, 1), floats(0, 1), true],
    ["more than a thousandth of the largest apart", floats(0.0011, 1), floats(0, 1), false],
    ["a hundredth of itself more apart", floats(1.0109), floats(1), true],
    ["more than both apart", floats(1.0111), floats(1), false],
    ["both NaN, and both infinite", floats(Number.NaN, -1 / 0), floats(Number.NaN, -1 / 0), true],
    ["NaN on one side", floats(Number.NaN), floats(0), false],
    ["infinite the other way", floats(1 / 0), floats(-1 / 0), false],
    ["beside an infinite one, which allows no more", floats(1, 1 / 0), floats(0, 1 / 0), false],
    ["of another count", floats(1), floats(1, 1), false],
    ["halves that are nearly the same", halves(0x3c00), halves(0x3c01), true],
    ["halves that are not", halves(0x3c00), halves(0x4000), false],
    ["equal integers", integers(1n, 1_000n), integers(1n, 1_000n), true],
    ["integers one apart, however large", integers(1_000_000n), integers(1_000_001n), false],
    ["equal texts", texts("a"), texts("a"), true],
    ["other texts", texts("a"), texts("b"), false],
  ];
  for (const [name, first, second, expected] of rows) {
    it(`is ${expected} for what is ${name}`, () => assert.equal(isClose(first, second), expected));
  }
});
