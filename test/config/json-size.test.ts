import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { judgeJsonSize } from "../../src/config/json-size.ts";

function nested(levels: number): unknown {
  return levels === 0 ? 1 : [nested(levels - 1)];
}

function keyed(count: number): unknown {
  return Object.fromEntries(Array.from({ length: count }, (_, at) => [`k${at}`, at]));
}

const tooDeep = "more than 30 levels deep";
const tooMany = "more than 5000 keys and values";

describe("judgeJsonSize", () => {
  const rows: readonly (readonly [string, unknown, string | undefined])[] = [
    ["a number", 1, undefined],
    ["nothing", null, undefined],
    ["30 levels", nested(30), undefined],
    ["31 levels", nested(31), tooDeep],
    ["thousands of levels", JSON.parse("[".repeat(5_000) + "]".repeat(5_000)), tooDeep],
    ["2499 keys with their values", keyed(2_499), undefined],
    ["2500 keys with their values", keyed(2_500), tooMany],
    ["4999 items", new Array(4_999).fill(1), undefined],
    ["5000 items", new Array(5_000).fill(1), tooMany],
    ["many small lists", new Array(2_000).fill([1, 2]), tooMany],
    ["many small maps", new Array(2_000).fill({ a: 1 }), tooMany],
  ];
  for (const [what, value, verdict] of rows) {
    it(`says ${verdict ?? "nothing"} of ${what}`, () =>
      assert.equal(judgeJsonSize(value), verdict));
  }
});
