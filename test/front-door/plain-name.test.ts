import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkName, isPlainName } from "../../src/front-door/plain-name.ts";

describe("A plain name", () => {
  for (const name of ["a", "A-1_b.c", "1", "-", "a..b", "x".repeat(64)]) {
    it(`may be '${name}'`, () => assert.equal(isPlainName(name), true));
  }

  for (const name of ["", ".", "..", ".a", "a/b", "a b", "ä", "a\n", "x".repeat(65), "a\0"]) {
    it(`may not be ${JSON.stringify(name)}`, () => assert.equal(isPlainName(name), false));
  }

  it("is asked for by field", () => {
    assert.equal(checkName("version", "2"), "2");
    assert.throws(() => checkName("version", "a b"), {
      code: "invalid-request",
      message: /^version must be 1 to 64 letters.*, got 'a b'$/,
    });
  });
});
