import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Casualty, judgeReplay, type ReplayVerdict } from "../../src/front-door/replay.ts";
import type { Blame } from "../../src/protocol/control.ts";

function casualty(fields: Partial<Casualty> = {}): Casualty {
  return { wasRunning: false, hasChunks: false, strikes: 0, misfortunes: 0, waits: 0, ...fields };
}

function replay(alone: boolean, strikes: number, misfortunes: number, waits = 0): ReplayVerdict {
  return { type: "replay", alone, strikes, misfortunes, waits };
}

function fail(code: "host-crashed" | "poison-request", words: string): ReplayVerdict {
  return { type: "fail", failure: { code, message: `Cannot answer: ${words}` } };
}

const running = { wasRunning: true } as const;
const cut = fail("host-crashed", "its host died after part of the answer was sent");

/** DESIGN's table "When a host dies". */
describe("judgeReplay", () => {
  const rows: readonly (readonly [string, Partial<Casualty>, Blame, ReplayVerdict])[] = [
    ["queued in a host that was to blame", {}, "model", replay(false, 0, 0, 1)],
    ["queued in five such hosts", { waits: 4 }, "model", replay(false, 0, 0, 5)],
    [
      "queued in a sixth",
      { waits: 5 },
      "model",
      fail("host-crashed", "6 hosts died of their model while it waited there"),
    ],
    ["queued in a host that was killed", {}, "outside", replay(false, 0, 0)],
    ["queued, and a suspect", { strikes: 1 }, "model", replay(true, 1, 0, 1)],
    ["queued, and unlucky before", { misfortunes: 3 }, "outside", replay(false, 0, 3)],
    ["running, and the model to blame", running, "model", replay(true, 1, 0)],
    [
      "running again, and the model to blame again",
      { ...running, strikes: 1 },
      "model",
      fail("poison-request", "its inputs have killed two hosts"),
    ],
    ["running, and the kill from outside", running, "outside", replay(false, 0, 1)],
    [
      "running, killed the second time",
      { ...running, misfortunes: 1 },
      "outside",
      replay(false, 0, 2),
    ],
    [
      "running, killed the third time",
      { ...running, misfortunes: 2 },
      "outside",
      replay(false, 0, 3),
    ],
    [
      "running, killed the fourth time",
      { ...running, misfortunes: 3 },
      "outside",
      fail("host-crashed", "its host was killed 4 times while running it"),
    ],
    [
      "a suspect that was running when the kill came from outside",
      { ...running, strikes: 1 },
      "outside",
      replay(true, 1, 1),
    ],
    ["queued in a host that had too much memory", {}, "memory", replay(false, 0, 0, 1)],
    [
      "queued in a sixth that had",
      { waits: 5 },
      "memory",
      fail("host-crashed", "6 hosts died of their model while it waited there"),
    ],
    ["running in a host that had too much memory", running, "memory", replay(true, 0, 1)],
    [
      "running in such a host the third time",
      { ...running, misfortunes: 2 },
      "memory",
      replay(true, 0, 3),
    ],
    [
      "running in such a host the fourth time",
      { ...running, misfortunes: 3 },
      "memory",
      fail("host-crashed", "its host was killed 4 times while running it"),
    ],
    [
      "a suspect in a host that had too much memory",
      { ...running, strikes: 1 },
      "memory",
      replay(true, 1, 1),
    ],
    ["unlucky, and now to blame", { ...running, misfortunes: 3 }, "model", replay(true, 1, 3)],
    ["streaming, chunks sent, to blame", { ...running, hasChunks: true }, "model", cut],
    ["streaming, chunks sent, killed", { ...running, hasChunks: true }, "outside", cut],
    ["streaming, chunks sent, the rest queued", { hasChunks: true }, "outside", cut],
  ];
  for (const [name, fields, blame, verdict] of rows) {
    it(`says ${verdict.type} for a request that was ${name}`, () =>
      assert.deepEqual(judgeReplay(casualty(fields), blame), verdict));
  }
});
