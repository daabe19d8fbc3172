import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { invalidRequest, listed, quoted, wordFor } from "../../src/tensors/wording.ts";

describe("wording", () => {
  for (const [value, word] of [
    [undefined, "nothing"],
    [null, "null"],
    [true, "true"],
    [-1.5, "-1.5"],
    [Number.POSITIVE_INFINITY, "a number beyond the range of 64-bit floats"],
    ["a\n", '"a\\n"'],
    ["x".repeat(41), `"${"x".repeat(40)}…"`],
    [[1, 2], "a list of 2"],
    [{ a: 1 }, "an object"],
  ] as const) {
    it(`calls a JSON value ${word.slice(0, 50)}`, () => {
      assert.equal(wordFor(value), word);
    });
  }

  it("quotes a name, cut where it is long", () => {
    assert.equal(quoted("x"), "'x'");
    assert.equal(quoted("x".repeat(101)), `'${"x".repeat(100)}…'`);
  });

  it("lists names as Triton does, and at most twenty of them", () => {
    const many = Array.from({ length: 21 }, (_, i) => `${i}`);
    assert.equal(listed([]), "[]");
    assert.equal(listed(["a", "b"]), "['a','b']");
    assert.equal(listed(many).endsWith(",'19',… 21 in all]"), true);
  });

  it("makes errors of the client's code", () => {
    const { code, message } = invalidRequest("no");
    assert.deepEqual({ code, message }, { code: "invalid-request", message: "no" });
  });
});
