import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Hypotheses, hypothesize } from "../../model-host/batch-hypotheses.ts";
import type { ValueInfo } from "../../model-host/engine.ts";
import { value } from "./fake-engine.ts";

type Dims = readonly (number | string)[];

function ask(inputs: readonly Dims[], outputs: readonly ValueInfo[] = [value("y", ["n", 1])]) {
  return hypothesize({ inputs: inputs.map((dims, at) => value(`x${at}`, dims)), outputs });
}

function tries(...candidates: readonly (readonly (number | null)[])[]): Hypotheses {
  return { type: "try", candidates };
}

describe("hypothesize", () => {
  const rows: readonly (readonly [string, readonly Dims[], Hypotheses])[] = [
    ["the first axis where it is free", [["n", 4]], tries([0])],
    ["a nameless first axis", [["", 4]], tries([0])],
    ["another axis of the right name, then the first", [["sequence", "batch", 4]], tries([1], [0])],
    ["an axis that is not the first at all", [[2, "batch", 4]], tries([1])],
    [
      "the same name in all inputs, wherever it is",
      [
        ["batch", 4],
        [2, "batch"],
      ],
      tries([0, 1]),
    ],
    [
      "names that look like a batch before others",
      [
        ["time", "N"],
        ["time", "N"],
      ],
      tries([1, 1], [0, 0]),
    ],
    ["inputs of rank 0 as having no rows", [["n", 4], []], tries([0, null])],
    [
      "first axes of different names",
      [
        ["n", 4],
        ["m", 4],
      ],
      tries([0, 0]),
    ],
    [
      "first axes without names",
      [
        ["", 4],
        ["", 4],
      ],
      tries([0, 0]),
    ],
    [
      "no name that is not in every input",
      [
        ["batch", 4],
        [2, 3],
      ],
      { type: "none", reason: "input 'x1' has the fixed shape [2,3]" },
    ],
    ["no inputs of rank 0 alone", [[], []], { type: "none", reason: "no input has an axis" }],
    ["no inputs at all", [], { type: "none", reason: "no input has an axis" }],
    ["no fixed shape", [[2, 4]], { type: "none", reason: "input 'x0' has the fixed shape [2,4]" }],
  ];
  for (const [name, inputs, expected] of rows) {
    it(`proposes ${name}`, () => assert.deepEqual(ask(inputs), expected));
  }

  const reason = "input 'x0' has the fixed shape [1,4]";
  const ones: readonly (readonly [string, readonly Dims[], readonly ValueInfo[], Hypotheses])[] = [
    ["is one", [[1, 4]], [value("y", [1, 2])], { type: "one-by-one", reason }],
    ["is one in all", [[1, 4], [1]], [value("y", [1])], { type: "one-by-one", reason }],
    [
      "is one in all but what is no tensor",
      [[1, 4]],
      [value("y", [1, 2]), value("map", [], null)],
      { type: "one-by-one", reason },
    ],
    ["is one, but not in an output", [[1, 4]], [value("y", [2])], { type: "none", reason }],
    ["is one, but an output has none", [[1, 4]], [value("y", [])], { type: "none", reason }],
    ["is one, but not in an input", [[1, 4], [2]], [value("y", [1])], { type: "none", reason }],
  ];
  for (const [name, inputs, outputs, expected] of ones) {
    it(`says ${expected.type} where the first axis ${name}`, () =>
      assert.deepEqual(ask(inputs, outputs), expected));
  }
});
