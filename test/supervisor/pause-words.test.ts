import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InstanceEffect, Phase } from "../../supervisor/instance.ts";
import { type PauseWords, pauseWords } from "../../supervisor/pause-words.ts";

const givenUp: Phase = { name: "given-up", since: 1, reason: "6 crashes in a row" };
const wakeAfter = (afterMs: number): InstanceEffect => ({ type: "wake", afterMs });

describe("the words for a pause", () => {
  const rows: readonly (readonly [
    string,
    Phase,
    readonly InstanceEffect[],
    PauseWords | undefined,
  ])[] = [
    [
      "tell of a backoff why, and how long it is",
      { name: "backing-off", since: 1, restartAt: 2 },
      [wakeAfter(412.3)],
      { message: "process backs off", reason: "SIGKILL", next: "a start in 412 ms" },
    ],
    [
      "tell of what is given up why, and when it is tried",
      givenUp,
      [wakeAfter(30_000)],
      {
        message: "process given up",
        reason: "6 crashes in a row",
        next: "a start to try it in 30 s",
      },
    ],
    [
      "tell of what cannot get better by itself what it needs",
      givenUp,
      [],
      {
        message: "process given up",
        reason: "6 crashes in a row",
        next: "no start before its files or its configuration change",
      },
    ],
    [
      "are none where it starts again at once",
      { name: "queued", since: 1 },
      [{ type: "start" }],
      undefined,
    ],
    ["are none where it is asked to end", { name: "stopped", since: 1 }, [], undefined],
  ];
  for (const [name, phase, effects, expected] of rows) {
    it(name, () => assert.deepEqual(pauseWords(phase, effects, "SIGKILL"), expected));
  }
});
