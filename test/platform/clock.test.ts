import assert from "node:assert/strict";
import { once } from "node:events";
import { describe, it } from "node:test";
import { Worker } from "node:worker_threads";
import { systemClock } from "../../src/platform/clock.ts";

function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

describe("systemClock", () => {
  it("reads the machine's monotonic clock", () => {
    const before = monotonicMs();
    const now = systemClock.now();
    const after = monotonicMs();
    assert.ok(before - 0.01 <= now && now <= after + 0.01, `${before} ≤ ${now} ≤ ${after}`);
  });

  it("reads the same in another time origin", async () => {
    const source =
      "require('worker_threads').parentPort.postMessage(Number(process.hrtime.bigint()) / 1e6)";
    const before = systemClock.now();
    const [elsewhere] = await once(new Worker(source, { eval: true }), "message");
    assert.ok(before <= elsewhere && elsewhere <= systemClock.now());
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
