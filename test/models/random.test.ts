import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom, shuffle } from "../../models/random.ts";

function draw(seed: number, count: number): number[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => random());
}

describe("seededRandom", () => {
  it("gives the same numbers for the same seed, always", () => {
    assert.deepEqual(
      draw(1, 3).map((value) => value * 4294967296),
      [2693262067, 11749833, 2265367787],
    );
  });

  it("gives other numbers for another seed", () => {
    assert.notDeepEqual(draw(1, 3), draw(2, 3));
  });

  it("spreads evenly from 0 up to 1", () => {
    const tenths = Array.from({ length: 10 }, () => 0);
    for (const value of draw(5, 10_000))
      tenths[Math.floor(value * 10)] = (tenths[Math.floor(value * 10)] ?? 0) + 1;
    assert.ok(tenths.length === 10 && tenths.every((count) => count > 900 && count < 1100));
  });
});

describe("between", () => {
  it("stretches the random number over the range", () => {
    assert.deepEqual([between(() => 0, -1, 3), between(() => 0.5, -1, 3)], [-1, 1]);
  });
});

describe("shuffle", () => {
  it("keeps every value and leaves the original alone", () => {
    const values = [1, 2, 3, 4, 5, 6, 7, 8];
    const shuffled = shuffle(seededRandom(1), values);
    assert.deepEqual(values, [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.notDeepEqual(shuffled, values);
    assert.deepEqual(shuffled.toSorted(), values);
  });
});
