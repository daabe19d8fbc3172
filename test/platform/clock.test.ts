import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { systemClock } from "../../src/platform/clock.ts";

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** The clock is fixed at the start of the process by readings that are not quite of one moment. */
const toleranceMs = 5;

describe("systemClock", () => {
  it("reads the machine's monotonic clock, as every process does", () => {
    const before = monotonicMs() - toleranceMs;
    const now = systemClock.now();
    const after = monotonicMs() + toleranceMs;
    assert.ok(before <= now && now <= after, `${before} ≤ ${now} ≤ ${after}`);
  });

  it("knows the time of day", () => {
    const before = Date.now();
    const wall = systemClock.wall();
    assert.ok(before <= wall && wall <= Date.now());
  });

  it("calls back once its time has come, and never after being disarmed", async () => {
    const calls: string[] = [];
    const disarm = systemClock.after(1, () => calls.push("disarmed"));
    disarm();
    await new Promise<void>((resolve) => {
      systemClock.after(1, () => calls.push("armed"));
      systemClock.after(2, resolve);
    });
    assert.deepEqual(calls, ["armed"]);
  });
});
