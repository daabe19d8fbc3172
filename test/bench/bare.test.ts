import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { tallyOfRuns } from "../../bench/bare.ts";

describe("tallyOfRuns", () => {
  it("counts rows, and takes the times of runs for latencies", () => {
    const tally = tallyOfRuns(8, [10, 40, 20, 30]);
    const { requests, requestsPerSecond, p50Ms, maxMs } = tally;
    assert.deepEqual([requests, requestsPerSecond, p50Ms, maxMs], [32, 320, 20, 40]);
  });
});
