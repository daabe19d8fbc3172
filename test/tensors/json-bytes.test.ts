import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isDigit, isSpace, skipSpace } from "../../src/tensors/json-bytes.ts";

describe("bytes of JSON", () => {
  it("are spaces where the RFC says so", () => {
    const spaces = Array.from({ length: 256 }, (_, byte) => byte).filter(isSpace);
    assert.deepEqual(spaces, [9, 10, 13, 32]);
    assert.equal(isSpace(undefined), false);
  });

  it("are digits from 0 to 9", () => {
    const digits = Array.from({ length: 256 }, (_, byte) => byte).filter(isDigit);
    assert.equal(String.fromCharCode(...digits), "0123456789");
    assert.equal(isDigit(undefined), false);
  });

  it("are skipped up to the first that is no space, or to the end", () => {
    assert.equal(skipSpace(Buffer.from(" \t\r\nx "), 0), 4);
    assert.equal(skipSpace(Buffer.from("x "), 0), 0);
    assert.equal(skipSpace(Buffer.from("x "), 1), 2);
  });
});
