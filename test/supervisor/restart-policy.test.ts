import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RestartSettings } from "../../src/protocol/model-settings.ts";
import { judgeRestart, poisonPolicy } from "../../supervisor/restart-policy.ts";

const policy: RestartSettings = {
  intensity: 5,
  periodMs: 60_000,
  minBackoffMs: 100,
  maxBackoffMs: 500,
};

const highest = () => 1;

function judge(history: readonly number[], now = 0, random = highest) {
  return judgeRestart(history, now, policy, random);
}

describe("judgeRestart", () => {
  const delays: readonly (readonly [number, number])[] = [
    [1, 0],
    [2, 100],
    [3, 200],
    [4, 400],
    [5, 500],
  ];
  for (const [crashes, delayMs] of delays) {
    it(`restarts after ${delayMs} ms at most upon crash ${crashes}`, () => {
      const history = new Array(crashes - 1).fill(0);
      assert.deepEqual(judge(history), { type: "restart", delayMs, history: [...history, 0] });
    });
  }

  it("waits at least half as long, however the dice fall", () =>
    assert.deepEqual(
      judge([0, 0, 0], 0, () => 0),
      {
        type: "restart",
        delayMs: 200,
        history: [0, 0, 0, 0],
      },
    ));

  it("gives up when the crashes outrun the intensity", () =>
    assert.deepEqual(judge([0, 0, 0, 0, 0]), { type: "give-up", crashes: 6 }));

  it("counts a crash that is exactly one period old, and forgets older ones", () =>
    assert.deepEqual(judge([0, 1, 2], 60_001), {
      type: "restart",
      delayMs: 200,
      history: [1, 2, 60_001],
    }));

  it("gives up at the first crash where no restart is wanted", () =>
    assert.deepEqual(judgeRestart([], 0, { ...policy, intensity: 0 }, highest), {
      type: "give-up",
      crashes: 1,
    }));
});

describe("poisonPolicy", () => {
  it("bounds what suspects may cost too", () => {
    const history: number[] = [];
    let verdict = judgeRestart(history, 0, poisonPolicy, highest);
    while (verdict.type === "restart") {
      assert.ok(verdict.delayMs <= 1_000);
      verdict = judgeRestart(verdict.history, 0, poisonPolicy, highest);
    }
    assert.deepEqual(verdict, { type: "give-up", crashes: 11 });
  });
});
