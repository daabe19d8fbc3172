import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createHostMetrics, type SequenceEnd } from "../../model-host/host-metrics.ts";
import { Sequences, type SequencesParts } from "../../model-host/sequences.ts";
import type { SequenceClaim } from "../../src/protocol/sequences.ts";
import { FakeClock } from "../fake-clock.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { quietLog } from "./host-spec.ts";

const reasons: readonly SequenceEnd[] = ["end", "door-lost", "idle", "expired", "failed"];

function setUp(fields: Partial<SequencesParts> = {}) {
  const clock = new FakeClock(7);
  const metrics = createHostMetrics("m", "1");
  /** How many there were each time when there was room again. */
  const rooms: number[] = [];
  const sequences: Sequences = new Sequences({
    clock,
    metrics,
    log: quietLog,
    most: 3,
    mostBytes: 1_000,
    idleMs: 1_000,
    newSignal: () => null,
    onRoom: () => rooms.push(sequences.size),
    ...fields,
  });
  const door = new FakeDoor();
  const claim = (key: string, claimed: Partial<SequenceClaim> = {}, by = door) =>
    sequences.claim({ key, start: false, end: false, shared: false, ...claimed }, by);
  /** With a first frame that is taken. */
  const start = (key: string, claimed: Partial<SequenceClaim> = {}, by = door) => {
    const sequence = claim(key, { start: true, ...claimed }, by);
    sequences.keep(sequence);
    return sequence;
  };
  /** How many were begun, and how they have ended. */
  const counts = () => [
    metrics.sequencesStarted().value,
    ...reasons.flatMap((reason) => {
      const { value } = metrics.sequencesEnded(reason);
      return value === 0 ? [] : [`${value} ${reason}`];
    }),
  ];
  const keys = () => sequences.all.map(({ key }) => key);
  return { clock, sequences, door, rooms, claim, start, counts, keys };
}

const ended = (key: string, reason: SequenceEnd) => ({ type: "ended", key, reason });

const lost = {
  code: "sequence-lost",
  message:
    "Cannot go on: no such sequence is kept here, it was never begun, was dropped, or its host was restarted",
};

describe("sequences that are claimed", () => {
  it("begin with nothing, for the door that asks", () => {
    const { door, start } = setUp();
    const { key, door: theirs, isShared, state, signal, usedAt } = start("a");
    assert.deepEqual(
      { key, isShared, state, signal, usedAt },
      { key: "a", isShared: false, state: null, signal: null, usedAt: 7 },
    );
    assert.equal(theirs, door);
  });

  it("begin with a signal of their own", () => {
    const newSignal = () => ({ carried: new Float32Array(1), position: 0 });
    const { start } = setUp({ newSignal });
    const [a, b] = [start("a"), start("b")];
    assert.deepEqual(a.signal, newSignal());
    assert.notEqual(a.signal, b.signal);
  });

  it("are found again by their key", () => {
    const { claim, start } = setUp();
    const [a, b] = [start("a"), start("b")];
    assert.deepEqual([claim("a") === a, claim("b") === b, a === b], [true, true, false]);
  });

  it("belong to the door that asked last", () => {
    const { claim, start } = setUp();
    const other = new FakeDoor();
    const a = start("a", { shared: true });
    claim("a", {}, other);
    assert.equal(a.door, other);
  });

  it("stay shared or not as they were begun", () => {
    const { claim, start } = setUp();
    start("a", { shared: true });
    start("b");
    assert.deepEqual(
      [claim("a", { shared: false }).isShared, claim("b", { shared: true }).isShared],
      [true, false],
    );
  });

  it("are lost where they were never begun", () => {
    const { claim, counts, keys } = setUp();
    assert.throws(() => claim("a"), lost);
    assert.deepEqual([counts(), keys()], [[0], []]);
  });

  it("begin anew under the same key, and what was there is ended, not told", () => {
    const { door, start, claim, counts, sequences } = setUp();
    const first = start("a");
    const second = start("a");
    assert.deepEqual([first === second, claim("a") === second, sequences.size], [false, true, 1]);
    assert.deepEqual([door.said, counts()], [[], [2, "1 end"]]);
  });

  it("are kept at once where the key is nobody else's, though the first frame may be refused", () => {
    const { claim, counts } = setUp();
    const a = claim("a", { start: true });
    assert.deepEqual([claim("a") === a, counts()], [true, [1]]);
  });

  it("are kept when the first frame is taken where others share the key", () => {
    const { sequences, claim, start, counts } = setUp();
    const before = start("a", { shared: true });
    const refused = claim("a", { start: true, shared: true });
    claim("b", { start: true, shared: true });
    assert.deepEqual([claim("a") === before, counts()], [true, [1]]);
    assert.throws(() => claim("b"), lost);
    sequences.keep(refused);
    assert.deepEqual([claim("a") === refused, counts()], [true, [2, "1 end"]]);
  });

  it("are begun once, however often they are kept", () => {
    const { sequences, start, counts } = setUp();
    sequences.keep(start("a"));
    assert.deepEqual([counts(), sequences.size], [[1], 1]);
  });
});

describe("sequences, of which there may be so many,", () => {
  it("are refused past the bound, with a time to try again", () => {
    const { start, counts } = setUp();
    for (const key of ["a", "b", "c"]) start(key);
    assert.throws(() => start("d"), {
      code: "overloaded",
      message: "Cannot begin sequence: the host keeps 3 of 3",
      retryAfterMs: 1_000,
    });
    assert.deepEqual(counts(), [3]);
  });

  it("go on at the bound, and may begin anew", () => {
    const { claim, start, keys } = setUp();
    for (const key of ["a", "b", "c"]) start(key);
    claim("a");
    start("b");
    assert.deepEqual(keys(), ["a", "c", "b"]);
  });

  it("make room when they end", () => {
    const { sequences, start, keys } = setUp();
    const a = start("a");
    for (const key of ["b", "c"]) start(key);
    sequences.end(a);
    start("d");
    assert.deepEqual(keys(), ["b", "c", "d"]);
  });

  it("say that there is room where there was none, however it came", () => {
    const { clock, sequences, start, rooms, door } = setUp();
    const [a, b] = [start("a"), start("b")];
    sequences.end(a);
    const before = [...rooms];
    for (const key of ["c", "d"]) start(key);
    sequences.drop(b, "failed");
    start("e");
    sequences.forget(door);
    for (const key of ["f", "g", "h"]) start(key);
    clock.advance(2_000);
    assert.deepEqual([before, rooms], [[], [2, 2, 2]]);
  });
});

describe("sequences at the bound", () => {
  for (const shared of [false, true]) {
    it(`say nothing of room when one begins anew (${shared ? "shared" : "its door's own"})`, () => {
      const { sequences, claim, start, rooms } = setUp();
      for (const key of ["a", "b", "c"]) start(key, { shared });
      start("b", { shared });
      const before = [...rooms];
      sequences.end(claim("b"));
      assert.deepEqual([before, rooms], [[], [2]]);
    });
  }

  it("say it once, however many end", () => {
    const { sequences, start, rooms } = setUp();
    const all = ["a", "b", "c"].map((key) => start(key));
    for (const one of all) sequences.end(one);
    assert.deepEqual(rooms, [2]);
  });
});

describe("what sequences remember", () => {
  const mostBytes = 100;
  const state = (...counts: readonly number[]) => counts.map((count) => fp32([count]));

  it("is what came last", () => {
    const { sequences, start } = setUp();
    const a = start("a");
    sequences.remember(a, state(1));
    sequences.remember(a, state(2, 3));
    assert.deepEqual([a.state, a.bytes], [state(2, 3), 20]);
  });

  it("may be a quarter of what all may remember, and no more", () => {
    const { sequences, start } = setUp({ mostBytes });
    const fits = [state(6), state(2, 4), state(7), state(3, 4)].map((one) =>
      sequences.remember(start("a"), one),
    );
    assert.deepEqual(fits, [true, true, false, false]);
  });

  it("is counted for texts by their characters", () => {
    const { sequences, start } = setUp({ mostBytes });
    const text = (data: readonly string[]) => [{ datatype: "BYTES", shape: [2], data } as const];
    const a = start("a");
    const fits = [
      ["a".repeat(6), "b".repeat(6)],
      ["a".repeat(12), "b"],
    ].map((data) => sequences.remember(a, text(data)));
    assert.deepEqual([fits, a.bytes], [[true, false], 26]);
  });

  it("leaves no room for another when it is all that may be remembered", () => {
    const { sequences, start } = setUp({ mostBytes, most: 8 });
    for (const key of ["a", "b", "c", "d"]) sequences.remember(start(key), state(6));
    const e = start("e");
    sequences.remember(e, state(1));
    assert.throws(() => start("f"), {
      code: "overloaded",
      message: "Cannot begin sequence: the host remembers 100 of 100 bytes",
      retryAfterMs: 1_000,
    });
    sequences.remember(e, state(2));
    start("a");
    start("f");
  });

  const ways: readonly (readonly [string, (parts: ReturnType<typeof setUp>) => void])[] = [
    ["is ended", ({ sequences, claim }) => sequences.end(claim("a"))],
    ["is dropped", ({ sequences, claim }) => sequences.drop(claim("a"), "failed")],
    ["begins anew", ({ start }) => void start("a")],
    ["is idle", ({ clock }) => clock.advance(2_000)],
    ["has no door any more", ({ sequences, door }) => sequences.forget(door)],
  ];
  for (const [name, leave] of ways) {
    it(`is forgotten when the sequence ${name}`, () => {
      const parts = setUp({ mostBytes });
      const a = parts.start("a");
      parts.sequences.remember(a, state(25));
      assert.throws(() => parts.start("b"), { code: "overloaded" });
      leave(parts);
      parts.start("b");
      // A frame of it may still run; nobody counts what it leaves.
      parts.sequences.remember(a, state(99));
      parts.start("c");
    });
  }
});

describe("sequences that end", () => {
  it("are forgotten, once", () => {
    const { sequences, claim, start, counts, door } = setUp();
    const a = start("a");
    sequences.end(a);
    sequences.end(a);
    assert.throws(() => claim("a"), lost);
    assert.deepEqual([counts(), door.said], [[1, "1 end"], []]);
  });

  it("do not take with them what was begun since under their key", () => {
    const { sequences, claim, start } = setUp();
    const first = start("a");
    const second = start("a");
    sequences.end(first);
    sequences.drop(first, "failed");
    assert.equal(claim("a"), second);
  });

  it("are forgotten when they are dropped, and their door is told", () => {
    const { sequences, door, claim, start, counts } = setUp();
    const a = start("a");
    sequences.drop(a, "failed");
    assert.throws(() => claim("a"), lost);
    assert.deepEqual([door.said, counts()], [[ended("a", "failed")], [1, "1 failed"]]);
  });

  it("tell the door that asked last", () => {
    const { sequences, door, claim, start } = setUp();
    const other = new FakeDoor();
    const a = start("a", { shared: true });
    claim("a", {}, other);
    sequences.drop(a, "expired");
    assert.deepEqual([door.said, other.said], [[], [ended("a", "expired")]]);
  });

  it("are dropped once", () => {
    const { sequences, door, start, counts } = setUp();
    const a = start("a");
    sequences.drop(a, "failed");
    sequences.drop(a, "expired");
    assert.deepEqual([door.said.length, counts()], [1, [1, "1 failed"]]);
  });

  it("are dropped in silence where their client has ended them", () => {
    const { sequences, door, start, counts } = setUp();
    const a = start("a");
    sequences.end(a);
    sequences.drop(a, "failed");
    assert.deepEqual([door.said, counts()], [[], [1, "1 end"]]);
  });
});

describe("sequences whose door is gone", () => {
  it("are forgotten, and nobody is told", () => {
    const { sequences, door, start, keys, counts } = setUp();
    for (const key of ["a", "b"]) start(key);
    sequences.forget(door);
    assert.deepEqual([keys(), door.said], [[], []]);
    assert.deepEqual(counts(), [2, "2 door-lost"]);
  });

  it("stay where they are another's, or everybody's", () => {
    const { sequences, door, claim, start, keys } = setUp();
    start("a");
    start("b", {}, new FakeDoor());
    const c = start("c", { shared: true });
    sequences.forget(door);
    assert.deepEqual([keys(), claim("c") === c], [["b", "c"], true]);
  });
});

describe("a sequence without frames", () => {
  it("is dropped when it has been idle for as long as it may be, and its door is told", () => {
    const { clock, door, start, sequences, counts } = setUp();
    start("a");
    clock.advance(999);
    const before = sequences.size;
    clock.advance(10);
    assert.deepEqual([before, sequences.size], [1, 0]);
    assert.deepEqual([door.said, counts()], [[ended("a", "idle")], [1, "1 idle"]]);
    assert.equal(clock.armed, 0);
  });

  it("has its whole time again with each frame", () => {
    const { clock, claim, start, sequences } = setUp();
    start("a");
    for (let frame = 0; frame < 5; frame += 1) {
      clock.advance(900);
      claim("a");
    }
    clock.advance(990);
    const before = sequences.size;
    clock.advance(20);
    assert.deepEqual([before, sequences.size], [1, 0]);
  });

  it("is not idle while a frame waits or runs, and has its whole time after that", () => {
    const { clock, start, sequences } = setUp();
    const { lane } = start("a");
    lane.isTaken = true;
    clock.advance(5_500);
    lane.isTaken = false;
    clock.advance(500);
    const before = sequences.size;
    clock.advance(1_000);
    assert.deepEqual([before, sequences.size], [1, 0]);
  });

  it("does not take others with it", () => {
    const { clock, claim, start, keys } = setUp();
    for (const key of ["a", "b", "c"]) start(key);
    clock.advance(600);
    claim("b");
    clock.advance(600);
    assert.deepEqual(keys(), ["b"]);
  });

  it("is not dropped for what was there before under its key", () => {
    const { clock, door, start, keys } = setUp();
    start("a");
    clock.advance(600);
    start("a");
    clock.advance(600);
    assert.deepEqual([keys(), door.said], [["a"], []]);
  });

  it("is not looked at any more when it has ended before", () => {
    const { clock, sequences, start, door } = setUp();
    sequences.end(start("a"));
    sequences.drop(start("b"), "failed");
    start("c");
    sequences.forget(door);
    clock.advance(10_000);
    assert.deepEqual(door.said, [ended("b", "failed")]);
    assert.equal(clock.armed, 0);
  });
});
