import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type BatchDecision,
  type BatchSituation,
  decideBatch,
} from "../../model-host/batch-decision.ts";

function situation(fields: Partial<BatchSituation> = {}): BatchSituation {
  return {
    oldestAt: 100,
    rowsReady: 1,
    maxRows: 8,
    delayMs: 0,
    now: 100,
    draining: false,
    ...fields,
  };
}

describe("decideBatch", () => {
  const run: BatchDecision = { type: "run" };
  const idle: BatchDecision = { type: "idle" };
  const rows: readonly (readonly [string, Partial<BatchSituation>, BatchDecision])[] = [
    ["runs at once what is there", {}, run],
    ["has nothing to do while nothing waits", { oldestAt: undefined, rowsReady: 0 }, idle],
    ["has nothing to do while nothing may run", { rowsReady: 0 }, idle],
    ["waits for company where that is wished", { delayMs: 5 }, { type: "wait", delayMs: 5 }],
    ["waits from when the oldest came", { delayMs: 5, now: 103 }, { type: "wait", delayMs: 2 }],
    ["runs when it has waited long enough", { delayMs: 5, now: 105 }, run],
    ["runs when it is late", { delayMs: 5, now: 500 }, run],
    ["does not wait with a full batch", { delayMs: 5, rowsReady: 8 }, run],
    ["does not wait with more than a batch", { delayMs: 5, rowsReady: 9 }, run],
    ["does not wait while it drains", { delayMs: 5, draining: true }, run],
    ["drains nothing where nothing may run", { rowsReady: 0, draining: true }, idle],
  ];
  for (const [name, fields, decision] of rows) {
    it(name, () => assert.deepEqual(decideBatch(situation(fields)), decision));
  }
});
