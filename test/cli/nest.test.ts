import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nest } from "../../src/cli/nest.ts";

describe("nest", () => {
  for (const [shape, nested] of [
    [[6], [1, 2, 3, 4, 5, 6]],
    [
      [2, 3],
      [
        [1, 2, 3],
        [4, 5, 6],
      ],
    ],
    [[1, 3, 1, 2], [[[[1, 2]], [[3, 4]], [[5, 6]]]]],
  ] as const) {
    it(`follows [${shape}]`, () => assert.deepEqual(nest([1, 2, 3, 4, 5, 6], shape), nested));
  }

  it("gives the one element of a scalar", () => assert.equal(nest([7], []), 7));
});
