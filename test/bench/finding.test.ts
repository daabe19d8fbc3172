import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { atLeast, atMost, type Bound, isMet } from "../../bench/finding.ts";

function met(median: number, bound: Bound): boolean {
  const measured = { median, min: 0, max: 10 };
  return isMet({ work: "start", what: "cold start", unit: "ms", measured, bound });
}

describe("isMet", () => {
  it("goes by the median, and takes the bound itself for met", () => {
    assert.deepEqual([met(2, atLeast(2)), met(1.99, atLeast(2))], [true, false]);
    assert.deepEqual([met(2, atMost(2)), met(2.01, atMost(2))], [true, false]);
  });

  it("does not take for met what was not measured", () => {
    assert.deepEqual([met(Number.NaN, atLeast(2)), met(Number.NaN, atMost(2))], [false, false]);
  });
});
