import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { percentile, slopeOf, spreadOf, spreadOfRatios } from "../../bench/statistics.ts";

describe("percentile", () => {
  const hundred = Float64Array.from({ length: 100 }, (_, index) => index + 1);

  for (const [percent, expected] of [
    [1, 1],
    [50, 50],
    [99, 99],
    [99.5, 100],
    [100, 100],
  ] as const) {
    it(`takes the nearest rank at ${percent} %`, () => {
      assert.equal(percentile(hundred, percent), expected);
    });
  }

  it("is the only value of one", () => {
    assert.equal(percentile([7], 1), 7);
  });

  it("is NaN of none", () => {
    assert.equal(percentile([], 50), Number.NaN);
  });
});

describe("spreadOf", () => {
  it("takes the middle of an odd count, whatever the order", () => {
    assert.deepEqual(spreadOf([30, 10, 20]), { median: 20, min: 10, max: 30 });
  });

  it("takes the mean of the two in the middle of an even count", () => {
    assert.deepEqual(spreadOf([4, 1, 3, 2]), { median: 2.5, min: 1, max: 4 });
  });

  it("is NaN of none", () => {
    const nothing = { median: Number.NaN, min: Number.NaN, max: Number.NaN };
    assert.deepEqual(spreadOf([]), nothing);
  });
});

describe("spreadOfRatios", () => {
  it("divides round by round, so that a slow round does not count twice", () => {
    const measured = spreadOfRatios([100, 50, 110], [50, 25, 50]);
    assert.deepEqual(measured, { median: 2, min: 2, max: 2.2 });
  });
});

describe("slopeOf", () => {
  it("is that of a line through all points", () => {
    const points = [0, 1, 2, 5].map((x) => [x, 3 - 2 * x] as const);
    assert.equal(slopeOf(points), -2);
  });

  it("lets points to both sides of the line outweigh each other", () => {
    assert.equal(
      slopeOf([
        [0, 1],
        [0, -1],
        [2, 5],
        [2, 3],
      ] as const),
      2,
    );
  });

  it("is NaN of one point", () => {
    assert.equal(slopeOf([[1, 1]]), Number.NaN);
  });
});
