import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkName } from "../../src/front-door/plain-name.ts";

describe("A plain name", () => {
  it("is asked for by field", () => {
    assert.equal(checkName("version", "2"), "2");
    assert.throws(() => checkName("version", "a b"), {
      code: "invalid-request",
      message: /^version must be 1 to 64 letters.*, got 'a b'$/,
    });
  });
});
