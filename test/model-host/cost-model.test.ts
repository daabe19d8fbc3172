import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type CostModel,
  fitOf,
  learn,
  predictMs,
  unknownCost,
} from "../../model-host/cost-model.ts";
import { between, seededRandom } from "../../models/random.ts";

type Batch = readonly [rows: number, ms: number];

function learned(batches: readonly Batch[]): CostModel {
  return batches.reduce((cost, [rows, ms]) => learn(cost, rows, ms), unknownCost);
}

function rounded(ms: number): number {
  return Math.round(ms * 1_000) / 1_000;
}

const random = seededRandom(1);

function batches(count: number, cost: (rows: number) => number): Batch[] {
  return Array.from({ length: count }, () => {
    const rows = 1 + Math.floor(between(random, 0, 64));
    return [rows, cost(rows)];
  });
}

describe("fitOf", () => {
  it("knows nothing while nothing has run, or all batches are of one size", () => {
    const alike: readonly Batch[] = new Array(100).fill([4, 8]);
    assert.deepEqual(
      [[], alike].map((history) => fitOf(learned(history))),
      [undefined, undefined],
    );
  });

  it("tells the fixed part from the one per row", () => {
    const { fixedMs, rowMs } =
      fitOf(learned(batches(200, (rows) => 3 + 0.5 * rows))) ?? assert.fail();
    assert.deepEqual([fixedMs, rowMs].map(rounded), [3, 0.5]);
  });
});

describe("predictMs", () => {
  const rows: readonly (readonly [string, readonly Batch[], number, number])[] = [
    ["nothing while nothing has run", [], 8, 0],
    ["in proportion, for smaller ones, after one batch", [[4, 8]], 1, 2],
    ["in proportion, for smaller ones, when all are alike", new Array(100).fill([4, 8]), 1, 2],
    ["less than in proportion for larger ones", [[4, 8]], 16, 16],
    [
      "a fixed part and one per row",
      [
        [1, 5],
        [10, 14],
      ],
      20,
      24,
    ],
    [
      "no negative fixed part",
      [
        [1, 1],
        [10, 100],
      ],
      1,
      11,
    ],
    [
      "no negative part per row",
      [
        [1, 10],
        [10, 4],
      ],
      100,
      7,
    ],
  ];
  for (const [name, history, wanted, expected] of rows) {
    it(`says ${name}`, () => {
      const ms = predictMs(learned(history), wanted);
      assert.ok(Math.abs(ms - expected) <= 0.1 * expected, `${ms} is not about ${expected}`);
    });
  }

  it("finds the cost of any sizes, through noise", () => {
    const cost = learned(batches(500, (size) => (3 + 0.5 * size) * between(random, 0.9, 1.1)));
    for (const [size, expected] of [
      [1, 3.5],
      [32, 19],
      [64, 35],
    ] as const) {
      const ms = predictMs(cost, size);
      assert.ok(Math.abs(ms - expected) < 0.15 * expected, `${ms} for ${size} rows`);
    }
  });

  it("follows a model that has become slower", () => {
    const before = learned(batches(500, (size) => size));
    const cost = batches(300, (size) => 10 * size).reduce(
      (sum, [size, ms]) => learn(sum, size, ms),
      before,
    );
    assert.ok(predictMs(cost, 10) > 90);
  });

  it("follows a model of long batches within a second or two of its runs", () => {
    const usual = Array.from({ length: 500 }, (_, at): Batch => [56 + (at % 9), 66 + (at % 9)]);
    const slower: Batch[] = Array.from({ length: 8 }, () => [64, 222]);
    const ms = predictMs(learned([...usual, ...slower]), 64);
    assert.ok(ms > 150, `${ms}, where it has gone from 74 to 222`);
  });

  it("is a number of at least 0, whatever was measured", () => {
    for (let round = 0; round < 500; round += 1) {
      const cost = learned(batches(round % 20, () => between(random, 0, 1) ** 9 * 10_000));
      for (const size of [1, 7, 1_000]) {
        const ms = predictMs(cost, size);
        assert.ok(Number.isFinite(ms) && ms >= 0, `${ms}`);
      }
    }
  });

  it("does not lose its figures over a long time", () => {
    let cost = unknownCost;
    for (let batch = 0; batch < 200_000; batch += 1) cost = learn(cost, 1 + (batch % 8), 2);
    assert.equal(rounded(predictMs(cost, 4)), 2);
  });
});
