import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { fitShape } from "../../src/tensors/row-layout.ts";

type Case = [
  dims: number[],
  shape: number[],
  rowAxis: number | null,
  fitted: number[],
  why: string,
];

const cases: Case[] = [
  [[2, 4], [-1, 4], 0, [2, 4], "rows as they are"],
  [[4], [-1, 4], 0, [1, 4], "one row"],
  [[3], [-1, 4], 0, [1, 3], "one row of a wrong size, for the check to refuse"],
  [[3], [-1], 0, [3], "three rows of one value"],
  [[], [-1], 0, [1], "one row of one value"],
  [[784], [-1, 1, 28, 28], 0, [1, 1, 28, 28], "one flat row"],
  [[5, 784], [-1, 1, 28, 28], 0, [5, 1, 28, 28], "flat rows"],
  [[784], [-1, 28, 28], 0, [1, 28, 28], "one flat row of rank 2"],
  [[28, 28], [-1, 28, 28], 0, [1, 28, 28], "one row, rather than flat rows"],
  [[5, 784], [-1, 28, 28], 0, [5, 28, 28], "flat rows, since it is no row"],
  [[28, 28], [-1, 784], 0, [28, 28], "as deep as the input, so left to the check"],
  [[783], [-1, 1, 28, 28], 0, [783], "no row of any kind"],
  [[6], [-1, 2, -1], 0, [6], "no flat row where a dim of it is unknown"],
  [[1, 28, 28], [1, 1, 28, 28], 0, [1, 1, 28, 28], "one row of a fixed batch"],
  [[7, 784], [1, 1, 28, 28], 0, [7, 1, 28, 28], "seven flat rows of a fixed batch"],
  [[2, 128], [2, -1, 128], 1, [2, 1, 128], "one row along a later axis"],
  [[256], [2, -1, 128], 1, [2, 1, 128], "one flat row along a later axis"],
  [[1, 256], [2, -1, 128], 1, [2, 1, 128], "a list of one flat row along a later axis"],
  [[3, 256], [2, -1, 128], 1, [3, 1, 256], "several would have to be interleaved"],
  [[], [], null, [], "a scalar"],
  [[1], [], null, [], "a list of one for a scalar"],
  [[3], [1, 3], null, [1, 3], "the leading 1 added"],
  [[3], [-1, 3], null, [1, 3], "the leading unknown dim added"],
  [[3], [2, 3], null, [3], "nothing to add"],
  [[6], [2, 3], null, [2, 3], "flat, all dims fixed"],
  [[6], [2, -1], null, [2, 3], "flat, one dim inferred"],
  [[7], [2, -1], null, [7], "flat, but does not divide"],
  [[6], [-1, -1, 2], null, [6], "flat, two dims unknown"],
  [[0], [0, -1], null, [0, 0], "nothing to divide by"],
  [[1, 4, 0], [-1, 4, -1, 8], 0, [1, 4, 0, 8], "an empty list hides a dim"],
  [[2, 0], [-1, -1, 8], 0, [2, 0, 8], "empty rows"],
  [[0], [-1, 4], 0, [0, 4], "no rows"],
  [[0], [-1, -1], 0, [1, 0], "one empty row"],
];

describe("fitShape", () => {
  for (const [dims, shape, rowAxis, fitted, why] of cases) {
    it(`[${dims}] for [${shape}], rows along ${rowAxis}: ${why}`, () => {
      assert.deepEqual(fitShape(dims, { shape, rowAxis }), fitted);
    });
  }
});
