import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { LatencyWindow } from "../../model-host/latency-window.ts";

function windowOf(latencies: readonly number[]): LatencyWindow {
  const window = new LatencyWindow();
  for (const ms of latencies) window.note(ms);
  return window;
}

function assertNear(actual: number, expected: number): void {
  assert.ok(Math.abs(actual / expected - 1) < 0.03, `${actual} is not near ${expected}`);
}

describe("LatencyWindow", () => {
  it("knows nothing while there is nothing", () => {
    assert.deepEqual([windowOf([]).p99Ms, windowOf([]).size], [0, 0]);
  });

  it("knows of one what it was", () => assertNear(windowOf([7]).p99Ms, 7));

  it("leaves one in a hundred above", () => {
    const hundred = Array.from({ length: 100 }, (_, at) => (at === 50 ? 900 : 10));
    assertNear(windowOf(hundred).p99Ms, 10);
    assertNear(windowOf([...hundred.slice(1), 900]).p99Ms, 900);
  });

  it("tells times apart from a fraction of a millisecond to minutes", () => {
    for (const ms of [0.06, 0.5, 3, 20, 144, 1_000, 60_000, 900_000]) {
      assertNear(windowOf([ms]).p99Ms, ms);
    }
  });

  it("takes what is beyond its ends for what is at them", () => {
    assert.ok(windowOf([0, -1]).p99Ms < 0.06);
    assert.ok(windowOf([1e9]).p99Ms > 900_000);
  });

  it("begins anew", () => {
    const window = windowOf([900]);
    window.clear();
    window.note(10);
    assert.equal(window.size, 1);
    assertNear(window.p99Ms, 10);
  });
});
