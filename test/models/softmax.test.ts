import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exponential, indexOfLargest, softmax } from "../../models/softmax.ts";

describe("exponential", () => {
  it("is 1 at 0", () => {
    assert.equal(exponential(0), 1);
  });

  it("comes within a ten-millionth of a millionth of the engine's own", () => {
    for (let x = 0; x > -699; x -= 0.37) {
      assert.ok(Math.abs(exponential(x) / Math.exp(x) - 1) < 1e-13, `at ${x}`);
    }
  });

  it("is 0 far below", () => {
    assert.equal(exponential(-701), 0);
  });
});

describe("softmax", () => {
  it("shares 1 out evenly between equals", () => {
    assert.deepEqual(softmax([7, 7, 7, 7]), [0.25, 0.25, 0.25, 0.25]);
  });

  it("stands scores that no exponential could", () => {
    assert.deepEqual(softmax([10_000, 0]), [1, 0]);
  });
});

describe("indexOfLargest", () => {
  it("takes the first of equals", () => {
    assert.equal(indexOfLargest([-3, -1, -2, -1]), 1);
  });
});
