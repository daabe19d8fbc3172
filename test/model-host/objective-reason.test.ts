import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Choice } from "../../model-host/objective.ts";
import { type ReasonFacts, reasonOf } from "../../model-host/objective-reason.ts";

function facts(fields: Partial<ReasonFacts> = {}): ReasonFacts {
  return {
    p99Ms: 20,
    fit: { fixedMs: 1.2, rowMs: 0.9 },
    runMs: (rows) => 1.2 + 0.9 * rows,
    rowsPerMs: 1.4,
    room: 1,
    observedP99Ms: 17,
    remedy: "none-yet",
    ...fields,
  };
}

const within: Choice = { type: "within", rows: 9, delayMs: 0, since: 0 };
const nine = "batches of at most 9 rows are to keep p99 at 20 ms: 1.2 ms + 0.9 ms a row";

describe("reasonOf", () => {
  const rows: readonly (readonly [string, Choice, Partial<ReasonFacts>])[] = [
    [
      "batches as without an objective: what a run takes by its rows is not known yet",
      { type: "unknown", rows: 64, delayMs: 0 },
      {},
    ],
    [nine, within, {}],
    [
      "batches of at most 1 row are to keep p99 at 20 ms: 1 row takes 2.1 ms",
      { ...within, rows: 1 },
      { fit: undefined },
    ],
    [`${nine}; an idle engine waits 3 ms, as others come meanwhile`, { ...within, delayMs: 3 }, {}],
    [`${nine}; aimed at 14 ms, as answers came later than foretold`, within, { room: 0.7 }],
    [`${nine}; aimed at 26 ms, as answers came sooner than foretold`, within, { room: 1.3 }],
    [
      `objective missed: p99 was 23 ms, so shorter runs and waits are tried; ${nine}; aimed at 14 ms, as answers came later than foretold`,
      within,
      { observedP99Ms: 23.4, remedy: "shorter", room: 0.7 },
    ],
    [
      `objective missed: p99 was 23 ms, and smaller batches would hardly help, so they stay as they are; ${nine}`,
      within,
      { observedP99Ms: 23.4, remedy: "none" },
    ],
    [
      `objective missed: p99 was 23 ms, and is measured again, as the choice has changed meanwhile; ${nine}`,
      within,
      { observedP99Ms: 23.4 },
    ],
    [
      "objective missed: p99 was 23 ms; batches as without an objective: what a run takes by its rows is not known yet",
      { type: "unknown", rows: 64, delayMs: 0 },
      { observedP99Ms: 23.4 },
    ],
    [nine, within, { room: 0.97, observedP99Ms: null }],
    [
      "throughput first: 1 row alone takes 125 ms, more than 20 ms",
      { type: "slow", rows: 64, delayMs: 0, requestRows: 1, requestMs: 124.9 },
      { observedP99Ms: 140 },
    ],
    [
      "batches as without an objective: nobody has asked for a minute; 1 row alone took 125 ms, more than 20 ms",
      { type: "idle", rows: 64, delayMs: 0, requestRows: 1, requestMs: 124.9 },
      { observedP99Ms: null },
    ],
    [
      "throughput first: 30 rows alone take 28 ms, more than 20 ms",
      { type: "slow", rows: 64, delayMs: 0, requestRows: 30, requestMs: 28.2 },
      {},
    ],
    [
      "batches of at most 64 rows, as without an objective: large requests in pieces would make more of the others later than 20 ms, at 9 ms + 1 ms a row",
      { type: "uncut", rows: 64, delayMs: 0 },
      { fit: { fixedMs: 9, rowMs: 1 } },
    ],
    [
      "throughput first: 1400 rows a second come, and batches of at most 9 rows, which would keep p99 at 20 ms, run 968",
      { type: "overloaded", rows: 64, delayMs: 0, rowsWithin: 9, since: 0 },
      {},
    ],
  ];
  for (const [words, choice, fields] of rows) {
    it(words, () => assert.equal(reasonOf(choice, facts(fields)), words));
  }
});
