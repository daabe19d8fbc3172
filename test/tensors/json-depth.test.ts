import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isTooDeep } from "../../src/tensors/json-depth.ts";

function nested(depth: number, inside = "1", open = "[", close = "]"): string {
  return open.repeat(depth) + inside + close.repeat(depth);
}

const pad = " ".repeat(300);
const numbers = `${"0.125,".repeat(50)}1`;

describe("isTooDeep", () => {
  for (const [name, body, expected] of [
    ["100 lists", nested(100) + pad, false],
    ["101 lists", nested(101), true],
    ["101 lists far apart", nested(101, "1", `[${numbers},`), true],
    ["100 lists far apart", nested(100, "1", `[${numbers},`), false],
    ["250000 lists", nested(250_000), true],
    ["100 lists in an object", `{"a":${nested(100)}}${pad}`, true],
    ["99 lists in an object", `{"a":${nested(99)}}${pad}`, false],
    ["101 objects", nested(101, "1", '{"a":', "}"), true],
    ["a million lists beside each other", `[${"[],".repeat(1e6)}[]]`, false],
    ["brackets in a string", JSON.stringify("[".repeat(1000)), false],
    ["brackets after an escaped quote", JSON.stringify(`"${"[".repeat(1000)}`), false],
    ["brackets after a string that ends in a backslash", `["\\\\",${nested(100)}]`, true],
    ["brackets in a string that never ends", `"${"[".repeat(1000)}`, false],
    ["closings first", "]".repeat(150) + "[".repeat(250), false],
    ["brackets that never close", "[".repeat(101) + pad, true],
  ] as const) {
    it(`says ${expected} of ${name}`, () => {
      assert.equal(isTooDeep(Buffer.from(body)), expected);
    });
  }

  it("takes linear time for bodies made to slow the search", () => {
    // Quiet just long enough for a search, again and again, with every kind ahead.
    const body = Buffer.from(`${`[${"1".repeat(64)}]{"`.repeat(100_000)}`);
    const beganAt = performance.now();
    isTooDeep(body);
    assert.ok(performance.now() - beganAt < 2_000);
  });
});
