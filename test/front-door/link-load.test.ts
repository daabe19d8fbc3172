import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noPressure, rowsLeft, sequencesKept } from "../../src/front-door/link-load.ts";

describe("rowsLeft", () => {
  const rows: readonly (readonly [string, Partial<typeof noPressure>, number, number])[] = [
    ["nothing of a host that has said nothing", {}, 5, 0],
    ["what is queued and what runs", { queuedRows: 3, runningRows: 4, rowCostMs: 2 }, 0, 7],
    ["less as time goes on", { queuedRows: 10, rowCostMs: 4 }, 20, 5],
    ["nothing when all must be done", { queuedRows: 10, rowCostMs: 4 }, 41, 0],
    ["what was reported, where it is not known how long a row takes", { queuedRows: 9 }, 1e6, 9],
  ];
  for (const [name, pressure, elapsedMs, left] of rows) {
    it(`is ${name}`, () => assert.equal(rowsLeft({ ...noPressure, ...pressure }, elapsedMs), left));
  }
});

describe("sequencesKept", () => {
  const rows: readonly (readonly [string, Parameters<typeof sequencesKept>, number])[] = [
    ["what the host reported", [5, 2, 0], 5],
    ["what was begun since, where that is more", [5, 6, 0], 6],
    ["what the host reported, for a second", [5, 2, 999], 5],
    ["what is known here, when the report is old", [5, 2, 1_000], 2],
  ];
  for (const [name, facts, kept] of rows) {
    it(`is ${name}`, () => assert.equal(sequencesKept(...facts), kept));
  }
});
