import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noPressure, rowsLeft } from "../../src/front-door/link-load.ts";

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
