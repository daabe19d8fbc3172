import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { quote, shorten } from "../../src/config/quote.ts";

describe("A quotation", () => {
  it("stands in one line", () => assert.equal(quote('a\n"b"'), '"a\\n\\"b\\""'));
  it("has at most 60 characters", () => {
    assert.equal(quote("x".repeat(60)), `"${"x".repeat(60)}"`);
    assert.equal(shorten("x".repeat(61)), `${"x".repeat(60)}…`);
  });
});
