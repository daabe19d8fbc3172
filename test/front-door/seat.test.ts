import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { endWords, type SeatEnd, sequenceLost } from "../../src/front-door/seat.ts";
import { endReasons } from "../../src/protocol/sequences.ts";

const words: Readonly<Record<SeatEnd, string>> = {
  idle: "it was idle for too long",
  expired: "the deadline of a frame passed",
  cancelled: "a frame was cancelled",
  failed: "a frame failed",
  draining: "its host is being stopped",
  stopping: "the server is stopping",
  lost: "the host that kept it died",
  gone: "its host does not keep it any more",
};

describe("The end of a sequence", () => {
  for (const reason of [...endReasons, "lost", "gone", "stopping"] as const) {
    it(`has words where it is ${reason}`, () => assert.equal(endWords(reason), words[reason]));

    it(`is told to the frames behind it where it is ${reason}`, () =>
      assert.deepEqual(sequenceLost(reason), {
        code: "sequence-lost",
        message: `Cannot run frame: its sequence has ended, ${words[reason]}`,
      }));
  }
});
