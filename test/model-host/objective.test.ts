import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  adjustRoom,
  type Choice,
  choose,
  type Measured,
  type ObjectiveFacts,
} from "../../model-host/objective.ts";

/** A run takes 1.2 ms, and 0.9 ms a row, but for what is said. */
function facts(fields: Partial<ObjectiveFacts> = {}): ObjectiveFacts {
  return {
    now: 100_000,
    p99Ms: 20,
    mostRows: 64,
    mostDelayMs: 20,
    runMs: (rows) => 1.2 + 0.9 * rows,
    fixedMs: 1.2,
    rowsPerMs: 0.1,
    usualRows: 1,
    room: 1,
    isBehind: false,
    calmMs: 0,
    ...fields,
  };
}

/** A fixed cost that is worth a wait. */
const costly = { p99Ms: 26, runMs: (rows: number) => 6 + 0.1 * rows, fixedMs: 6 };

function within(rows: number, delayMs = 0, since = 0): Choice {
  return { type: "within", rows, delayMs, since };
}

const unknown: Choice = { type: "unknown", rows: 64, delayMs: 0 };
const overloaded = { type: "overloaded", rows: 64, delayMs: 0, rowsWithin: 9 } as const;
const uncut: Choice = { type: "uncut", rows: 64, delayMs: 0 };
/** More than batches of nine can run, which is 0.97 a millisecond. */
const swamped = { isBehind: true, rowsPerMs: 1 };

describe("choose", () => {
  const rows: readonly (readonly [string, Partial<ObjectiveFacts>, Choice, Choice])[] = [
    ["as without an objective while nothing is known", { runMs: () => 0 }, within(9), unknown],
    [
      "as without an objective while batches of one size tell nothing of others",
      { fixedMs: undefined },
      within(9),
      unknown,
    ],
    [
      "one row where a batch never holds more",
      { fixedMs: undefined, mostRows: 1 },
      within(1),
      within(1),
    ],
    ["two runs that fill the objective", {}, within(9), within(9)],
    ["from the beginning, once something is known", {}, unknown, within(9, 0, 100_000)],
    ["no more than is configured", { mostRows: 4 }, within(9), within(4)],
    ["whole requests where two runs of one row take too long", { p99Ms: 3 }, within(9), uncut],
    [
      "whole requests where pieces would be mostly their fixed cost",
      { runMs: (count) => 6 + 0.5 * count, fixedMs: 6 },
      within(9),
      uncut,
    ],
    [
      "pieces that are not mostly their fixed cost, however much is left",
      { runMs: (count) => 4 + 0.5 * count, fixedMs: 4, room: 0.5 },
      within(9),
      within(8),
    ],
    [
      "whole requests where only one row at a time would be in time, and two together are cheaper",
      { p99Ms: 5, runMs: (count) => 1 + 0.9 * count, fixedMs: 1 },
      within(9),
      uncut,
    ],
    [
      "one row at a time where two together are hardly cheaper",
      { p99Ms: 5, runMs: (count) => 0.3 + 1.6 * count, fixedMs: 0.3 },
      within(9),
      within(1),
    ],
    [
      "whole requests until two pieces are clearly in time",
      { runMs: (count) => 5 + 0.5 * count, fixedMs: 5 },
      uncut,
      uncut,
    ],
    ["less where it was measured that less is left", { room: 0.5 }, within(9), within(4)],
    ["more where it was measured that more is left", { room: 1.5 }, within(9), within(15)],
    [
      "all that most requests bring, where two runs of it are in time",
      { usualRows: 9, room: 0.5 },
      within(9),
      within(9),
    ],
    [
      "whole requests where two runs of what most bring take too long",
      { usualRows: 14 },
      within(9),
      uncut,
    ],
    [
      "all that most requests bring, but no more than is configured",
      { usualRows: 99, mostRows: 8 },
      within(9),
      within(8),
    ],
    [
      "throughput where a row takes longer than the objective",
      { p99Ms: 2 },
      within(9),
      { type: "slow", rows: 64, delayMs: 0, requestRows: 1, requestMs: 2.1 },
    ],
    [
      "throughput where a usual request does",
      { usualRows: 30 },
      within(9),
      { type: "slow", rows: 64, delayMs: 0, requestRows: 30, requestMs: 28.2 },
    ],
    [
      "throughput until a row is clearly quicker than the objective",
      { runMs: (count) => 19 * count },
      { type: "slow", rows: 64, delayMs: 0, requestRows: 1, requestMs: 21 },
      { type: "slow", rows: 64, delayMs: 0, requestRows: 1, requestMs: 19 },
    ],
    [
      "throughput where more comes than can be run in time",
      swamped,
      within(9),
      { ...overloaded, since: 100_000 },
    ],
    [
      "the objective while a queue is only a burst",
      { ...swamped, rowsPerMs: 0.6 },
      within(9),
      within(9),
    ],
    ["the objective while all is in time, however busy", { rowsPerMs: 1 }, within(9), within(9)],
    [
      "the objective again for a while, before a queue of before counts",
      swamped,
      within(9, 0, 99_930),
      within(9, 0, 99_930),
    ],
    [
      "throughput as long as much comes",
      { rowsPerMs: 0.7 },
      { ...overloaded, since: 90_000 },
      { ...overloaded, since: 90_000 },
    ],
    [
      "the objective when less comes",
      { rowsPerMs: 0.5 },
      { ...overloaded, since: 90_000 },
      within(9, 0, 100_000),
    ],
    [
      "the objective when nothing would be left behind for a while, however much comes",
      { rowsPerMs: 1, calmMs: 2_000 },
      { ...overloaded, since: 90_000 },
      within(9, 0, 100_000),
    ],
    [
      "the objective again after a minute, as a try",
      swamped,
      { ...overloaded, since: 40_000 },
      within(9, 0, 100_000),
    ],
  ];
  for (const [name, fields, before, expected] of rows) {
    it(`takes ${name}`, () => assert.deepEqual(choose(facts(fields), before), expected));
  }

  const waits: readonly (readonly [string, Partial<ObjectiveFacts>, number, number])[] = [
    [
      "for half of what a run costs anyway, where company comes meanwhile",
      { rowsPerMs: 0.4 },
      0,
      3,
    ],
    ["not where nobody is expected so soon", { rowsPerMs: 0.3 }, 0, 0],
    ["on where a little less is expected", { rowsPerMs: 0.3 }, 3, 3],
    ["not on where much less is expected", { rowsPerMs: 0.2 }, 3, 0],
    ["not for rows that come as one request", { rowsPerMs: 0.4, usualRows: 4 }, 0, 0],
    ["no longer than is configured", { rowsPerMs: 1, mostDelayMs: 2 }, 0, 2],
    ["not where that is configured", { rowsPerMs: 1, mostDelayMs: 0 }, 0, 0],
    ["not where a run holds one row", { rowsPerMs: 1, mostRows: 1 }, 0, 0],
    ["not where the objective would be missed", { rowsPerMs: 1, p99Ms: 9 }, 0, 0],
    ["not for less than a millisecond", { rowsPerMs: 9, fixedMs: 1.9 }, 0, 0],
  ];
  for (const [name, fields, before, delayMs] of waits) {
    it(`waits ${name}`, () => {
      assert.equal(choose(facts({ ...costly, ...fields }), within(9, before)).delayMs, delayMs);
    });
  }
});

describe("adjustRoom", () => {
  const measured: Measured = {
    p99Ms: 14,
    isFull: true,
    hasWaited: false,
    rows: 9,
    requestsPerBatch: 2,
  };
  const full = { requestsPerBatch: 9 };
  const rows: readonly (readonly [string, Partial<ObjectiveFacts>, Partial<Measured>, number])[] = [
    ["leaves it where answers are in time, but not early", {}, { p99Ms: 17 }, 1],
    ["takes the root of what answers were late by", {}, { p99Ms: 19 * 1.5625 }, 0.8],
    ["takes no more than a third at once", {}, { p99Ms: 900 }, 0.7],
    ["leaves some of it in any case", { room: 0.35 }, { p99Ms: 900 }, 0.3],
    ["gives a little where answers were early", {}, {}, 1.05],
    ["takes from the wait too", {}, { isFull: false, hasWaited: true, p99Ms: 900 }, 0.7],
    ["gives nothing for a wait", {}, { isFull: false, hasWaited: true }, 1],
    ["gives no more than it may", { room: 1.59 }, {}, 1.6],
    ["forgets where batches were not full", { room: 0.5 }, { isFull: false }, 0.55],
    [
      "forgets where they were late, but the choice made no difference",
      { room: 0.5 },
      { isFull: false, p99Ms: 30 },
      0.55,
    ],
    ["forgets where nothing more can be given", { room: 0.5, mostRows: 9 }, {}, 0.55],
    ["gives back where a queue makes answers late", { room: 0.5 }, { ...full, p99Ms: 30 }, 0.55],
    ["takes nothing away for a queue", { room: 1.2 }, { ...full, p99Ms: 30 }, 1.2],
    ["takes nothing that would let a queue grow", { rowsPerMs: 0.7 }, { p99Ms: 900 }, 1],
    ["takes nothing where runs are mostly their fixed part", { ...costly }, { p99Ms: 900 }, 1],
  ];
  for (const [name, fields, change, expected] of rows) {
    it(name, () => {
      const room = adjustRoom(facts(fields), { ...measured, ...change });
      assert.equal(Number(room.toFixed(6)), expected);
    });
  }
});
