import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { nestingOf, pathText } from "../../src/tensors/nesting.ts";

describe("nestingOf", () => {
  for (const [value, dims] of [
    [5, []],
    [null, []],
    [[], [0]],
    [[1, 2, 3], [3]],
    [
      [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
      [3, 2],
    ],
    [
      [[[1]], [[2]]],
      [2, 1, 1],
    ],
    [
      [[], []],
      [2, 0],
    ],
    // What the innermost lists hold is for the elements' reader to refuse.
    [[1, [2]], [2]],
  ] as const) {
    it(`finds [${dims}] in ${JSON.stringify(value)}`, () => {
      assert.deepEqual(nestingOf("x", value), dims);
    });
  }

  for (const [value, message] of [
    [[[1, 2], [3]], "expected a list of 2 at [1], as before it, got a list of 1"],
    [[[1, 2], 3], "expected a list of 2 at [1], as before it, got 3"],
    [[[1], [2], null], "expected a list of 1 at [2], as before it, got null"],
    [[[[1]], [[2, 3]]], "expected a list of 1 at [1,0], as before it, got a list of 2"],
    [[[[1]], []], "expected a list of 1 at [1], as before it, got a list of 0"],
    [[[], [1]], "expected a list of 0 at [1], as before it, got a list of 1"],
  ] as const) {
    it(`refuses ${JSON.stringify(value)}`, () => {
      assert.throws(() => nestingOf("x", value), {
        code: "invalid-request",
        message: `Cannot read input 'x': ${message}`,
      });
    });
  }
});

describe("pathText", () => {
  it("gives the indexes of an element", () => {
    assert.deepEqual(
      [pathText(0, []), pathText(3, [5]), pathText(5, [2, 3]), pathText(7, [2, 2, 2])],
      ["[]", "[3]", "[1,2]", "[1,1,1]"],
    );
  });
});
