import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { editDistance, nearest, suggest } from "../../src/config/nearest.ts";

describe("editDistance", () => {
  for (const [from, to, edits] of [
    ["", "", 0],
    ["", "port", 4],
    ["port", "", 4],
    ["port", "port", 0],
    ["prot", "port", 1],
    ["abcd", "badc", 2],
    ["abc", "cba", 2],
    ["ab", "ba", 1],
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
    ["lables", ["state", "labels"], "labels"],
    ["request_timeout", ["port", "request_timeout_ms"], "request_timeout_ms"],
    ["req", ["request_timeout_ms"], undefined],
    ["name", ["state", "labels"], undefined],
    ["specific", ["latest"], undefined],
    ["__proto__", ["versions", "state"], undefined],
    ["on", ["is_on"], undefined],
    ["hops", ["pad", "hop"], "hop"],
    ["zzz", ["aaa", "bbb"], undefined],
    ["", ["ab", "a"], undefined],
    ["a", [], undefined],
    ["x".repeat(1_000_000), ["a", "x"], undefined],
    ["x".repeat(1_000_000), ["x".repeat(63)], "x".repeat(63)],
  ] as const) {
    it(`answers "${word.slice(0, 8)}" of ${known.length} with ${expected?.slice(0, 8)}`, () => {
      assert.equal(nearest(word, known), expected);
    });
  }
});

describe("suggest", () => {
  const many = Array.from({ length: 25 }, (_, at) => `key${at}`);
  for (const [word, known, expected] of [
    ["prot", ["host", "port"], ", the nearest known one is port"],
    ["zzz", ["host", "port"], "; known are host, port"],
    ["zzz", ["latest"], "; known is latest"],
    ["zzz", many, ""],
    ["kye7", many, ", the nearest known one is key7"],
  ] as const) {
    it(`says "${expected}" behind "${word}" of ${known.length}`, () => {
      assert.equal(suggest(word, known), expected);
    });
  }
});
