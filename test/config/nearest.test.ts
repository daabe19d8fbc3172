import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { editDistance, nearest } from "../../src/config/nearest.ts";

describe("editDistance", () => {
  for (const [from, to, edits] of [
    ["", "", 0],
    ["", "port", 4],
    ["port", "", 4],
    ["port", "port", 0],
    ["prot", "port", 2],
    ["kitten", "sitting", 3],
  ] as const) {
    it(`counts ${edits} from "${from}" to "${to}"`, () => {
      assert.equal(editDistance(from, to), edits);
    });
  }
});

describe("nearest", () => {
  for (const [word, known, expected] of [
    ["prot", ["host", "port"], "port"],
    ["Port", ["host", "port"], "port"],
    ["zzz", ["aaa", "bbb"], "aaa"],
    ["", ["ab", "a"], "a"],
    ["x".repeat(1_000_000), ["a", "x"], "x"],
  ] as const) {
    it(`answers "${word.slice(0, 8)}" with ${expected}`, () => {
      assert.equal(nearest(word, known), expected);
    });
  }
});
