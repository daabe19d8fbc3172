import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Contestant, ContestantName } from "../../bench/contestant.ts";
import { turnsOf } from "../../bench/round.ts";
import { works } from "../../bench/work.ts";

function contestant(name: ContestantName): Contestant {
  return {
    name,
    port: 1,
    pid: 1,
    startMs: 1,
    ask: () => Promise.reject(new Error("nobody asks")),
    converse: () => Promise.reject(new Error("nobody asks")),
    assertAlive: () => undefined,
    stop: () => Promise.resolve(),
  };
}

const troupe = contestant("troupe");
const echo = contestant("echo");

describe("turnsOf", () => {
  const both = works(["tiny-1", "smoother-1"], undefined);

  it("measures contestants next to each other, work by work, and leaves out who cannot do one", () => {
    const turns = turnsOf({ rounds: 1, works: both }, [echo, troupe]);
    const seen = turns.map((turn) => [turn.round, turn.work.name, turn.contestant.name]);
    assert.deepEqual(seen, [
      [0, "tiny-1", "echo"],
      [0, "tiny-1", "troupe"],
      [0, "smoother-1", "troupe"],
      [1, "tiny-1", "echo"],
      [1, "tiny-1", "troupe"],
      [1, "smoother-1", "troupe"],
    ]);
  });

  it("has none where nobody can do the work", () => {
    const turns = turnsOf({ rounds: 5, works: works(["smoother-200"], undefined) }, [echo]);
    assert.deepEqual(turns, []);
  });
});
