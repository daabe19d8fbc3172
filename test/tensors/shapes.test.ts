import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  elementCount,
  matchesSpec,
  product,
  rowShape,
  shapeText,
  withDim,
} from "../../src/tensors/shapes.ts";

describe("product", () => {
  it("multiplies all dims or those of a range", () => {
    assert.deepEqual(
      [product([]), product([2, 3, 4]), product([2, 3, 4], 1), product([2, 3, 4], 1, 2)],
      [1, 24, 12, 3],
    );
  });
});

describe("elementCount", () => {
  for (const [shape, count] of [
    [[], 1],
    [[2, 3], 6],
    [[2 ** 31], 2 ** 31],
    [[0, 2 ** 31], 0],
    [[2 ** 16, 0, 2 ** 15], 0],
    [Array(1001).fill(1), 1],
    [[...Array(1001).fill(1), 0], 0],
  ] as [number[], number][]) {
    it(`counts ${shapeText(shape)}`, () => {
      assert.equal(elementCount("x", shape), count);
    });
  }

  for (const shape of [
    [2 ** 31 + 1],
    [2 ** 16, 2 ** 16],
    [2 ** 53 - 1],
    Array(1001).fill(2),
    [2 ** 31 + 1, 0],
    [0, 2 ** 53],
    [0, ...Array(1001).fill(2 ** 53 - 1)],
  ]) {
    it(`refuses ${shapeText(shape)}`, () => {
      assert.throws(() => elementCount("x", shape), {
        code: "invalid-request",
        message: `shape ${shapeText(shape)} of input 'x' causes total element count to exceed maximum size of 2147483648`,
      });
    });
  }
});

describe("matchesSpec", () => {
  for (const [shape, spec, freeAxis, matches] of [
    [[1, 16], [-1, 16], null, true],
    [[1, 17], [-1, 16], null, false],
    [[1, 16, 1], [-1, 16], null, false],
    [[], [], null, true],
    [[], [-1], null, false],
    [[5, 3], [1, 3], null, false],
    [[5, 3], [1, 3], 0, true],
    [[5, 4], [1, 3], 0, false],
    [[0, 3], [-1, 3], null, true],
  ] as const) {
    it(`says ${matches} of ${shapeText(shape)} for ${shapeText(spec)}, free axis ${freeAxis}`, () => {
      assert.equal(matchesSpec(shape, spec, freeAxis), matches);
    });
  }
});

describe("shapes", () => {
  it("leave out the batch axis, where there is one", () => {
    assert.deepEqual(
      [rowShape([2, 5, 3], 0), rowShape([2, 5, 3], 1), rowShape([2, 5, 3], null)],
      [
        [5, 3],
        [2, 3],
        [2, 5, 3],
      ],
    );
  });

  it("change one dim in a copy", () => {
    const shape = [2, 3];
    assert.deepEqual(
      [withDim(shape, 1, 9), shape],
      [
        [2, 9],
        [2, 3],
      ],
    );
  });

  it("are written without spaces, and cut past 32 dims", () => {
    assert.equal(shapeText([-1, 16]), "[-1,16]");
    assert.equal(shapeText([]), "[]");
    assert.equal(shapeText(Array(33).fill(1)), `[${Array(32).fill(1).join(",")},… 33 dims in all]`);
  });
});
