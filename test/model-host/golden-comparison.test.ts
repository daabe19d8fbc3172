import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findFault, type Outputs, parseExpected } from "../../model-host/golden-comparison.ts";

type Row = readonly [name: string, expected: Outputs, answered: Outputs, fault: string | undefined];

const rows: readonly Row[] = [
  ["the same", { y: [[1, 2]] }, { y: [[1, 2]] }, undefined],
  ["an output that is not expected", { y: [1] }, { y: [1], z: [2] }, undefined],
  ["no output expected", {}, { y: [1] }, undefined],
  ["a bare number", { y: 1 }, { y: 1 }, undefined],
  ["what is off by the tolerance and the share", { y: [10] }, { y: [11.1] }, undefined],
  [
    "what is off by more",
    { y: [10] },
    { y: [11.2] },
    "output 'y' at [0] must be 10 within 0.1, got 11.2",
  ],
  [
    "a share of what is negative",
    { y: -10 },
    { y: -11.2 },
    "output 'y' must be -10 within 0.1, got -11.2",
  ],
  [
    "the second of two outputs",
    { y: [1], p: [[1, 2, 3]] },
    { y: [1], p: [[1, 2, 9]] },
    "output 'p' at [0][2] must be 3 within 0.1, got 9",
  ],
  ["what is not finite", { y: [null] }, { y: [null] }, undefined],
  [
    "a number that is not finite",
    { y: [1] },
    { y: [null] },
    "output 'y' at [0] must be 1 within 0.1, got null",
  ],
  ["texts and booleans", { y: ["a", true] }, { y: ["a", true] }, undefined],
  ["another text", { y: ["a"] }, { y: ["b"] }, 'output \'y\' at [0] must be "a", got "b"'],
  ["another boolean", { y: [true] }, { y: [false] }, "output 'y' at [0] must be true, got false"],
  [
    "fewer rows",
    { y: [[1], [2]] },
    { y: [[1]] },
    "output 'y' must be a list of 2, got a list of 1",
  ],
  ["a list too deep", { y: [[1]] }, { y: [1] }, "output 'y' at [0] must be a list of 1, got 1"],
  [
    "a list not deep enough",
    { y: [1] },
    { y: [[1]] },
    "output 'y' at [0] must be 1 within 0.1, got a list of 1",
  ],
  ["empty lists", { y: [] }, { y: [] }, undefined],
  [
    "an unknown output",
    { q: [1] },
    { y: [1], z: [1] },
    "output 'q' is not in the answer, which has 'y', 'z'",
  ],
  [
    "a name that objects inherit",
    { constructor: 1 } as unknown as Outputs,
    { y: 1 },
    "output 'constructor' is not in the answer, which has 'y'",
  ],
];

describe("findFault", () => {
  for (const [name, expected, answered, fault] of rows) {
    it(`judges ${name}`, () =>
      assert.equal(findFault(expected, new Map(Object.entries(answered)), 0.1), fault));
  }

  it("takes nothing but equal numbers where the tolerance is 0", () => {
    const judge = (got: number) => findFault({ y: 0.1 }, new Map([["y", got]]), 0);
    assert.deepEqual(
      [judge(0.1), judge(0.2)],
      [undefined, "output 'y' must be 0.1 within 0, got 0.2"],
    );
  });
});

describe("parseExpected", () => {
  it("gives outputs by name", () => assert.deepEqual(parseExpected('{"y":[[1]]}'), { y: [[1]] }));

  for (const text of ["", "{", "null", "[1]", "3"]) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseExpected(text), {
        message: "its outputs must be a JSON object of output names",
      }));
  }
});
