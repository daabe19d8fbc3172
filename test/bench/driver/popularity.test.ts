import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { byPopularity } from "../../../bench/driver/popularity.ts";

describe("byPopularity", () => {
  it("takes the second half as often as the first, and so on", () => {
    const next = byPopularity(["a", "b", "c", "d"]);
    const counts = new Map<string, number>();
    for (let count = 0; count < 10_000; count += 1) {
      const taken = next();
      counts.set(taken, (counts.get(taken) ?? 0) + 1);
    }
    const toFirst = ["b", "c", "d"].map((name) => (counts.get(name) ?? 0) / (counts.get("a") ?? 0));
    for (const [at, expected] of [1 / 2, 1 / 3, 1 / 4].entries()) {
      assert.ok(Math.abs((toFirst[at] ?? 0) - expected) < 0.05, `${toFirst}`);
    }
  });

  it("always takes the same ones", () => {
    const [left, right] = [byPopularity(["a", "b"]), byPopularity(["a", "b"])];
    for (let count = 0; count < 100; count += 1) assert.equal(left(), right());
  });

  it("takes the only one, and refuses none", () => {
    assert.equal(byPopularity(["a"])(), "a");
    assert.throws(() => byPopularity([]), /nothing to choose from/);
  });
});
