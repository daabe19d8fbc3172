import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Beat, Pulse } from "../../src/platform/pulse.ts";
import { FakeClock } from "../fake-clock.ts";

const cadence = { beatMs: 1_000, restMs: 10_000 };
const minuteMs = 60_000;

function setUp() {
  const clock = new FakeClock();
  const beats: (Beat & { readonly at: number })[] = [];
  let isBusy = false;
  let rests = 0;
  const pulse = new Pulse({
    clock,
    cadence,
    hasWork: () => isBusy,
    say: (beat) => beats.push({ ...beat, at: clock.now() }),
    onRest: () => {
      rests += 1;
    },
  });
  /** How often it wakes up in the minutes to come. */
  const wakeUpsIn = (ms: number) => {
    const before = beats.length;
    clock.advance(ms);
    return beats.length - before;
  };
  return {
    clock,
    pulse,
    beats,
    wakeUpsIn,
    rests: () => rests,
    work(is: boolean) {
      isBusy = is;
    },
  };
}

function rested() {
  const parts = setUp();
  parts.clock.advance(minuteMs);
  return parts;
}

describe("a pulse", () => {
  it("says at once that there is life", () => {
    assert.deepEqual(setUp().beats, [{ isResting: false, lateMs: 0, at: 0 }]);
  });

  it("rests after a few beats without work, and says so", () => {
    const { beats, clock } = setUp();
    clock.advance(4_000);
    const told = beats.map(({ isResting, at }) => [at, isResting]);
    assert.deepEqual(told, [
      [0, false],
      [1_000, false],
      [2_000, false],
      [3_000, true],
    ]);
  });

  it("wakes its process ten times less while it rests", () => {
    assert.equal(rested().wakeUpsIn(minuteMs), 6);
  });

  it("tells once that it comes to rest, and again when it has had work", () => {
    const { pulse, clock, rests } = rested();
    const first = rests();
    pulse.wake();
    clock.advance(minuteMs);
    assert.deepEqual([first, rests()], [1, 2]);
  });

  it("has one timer, whatever happens", () => {
    const { clock, pulse } = rested();
    for (let request = 0; request < 3; request += 1) pulse.wake();
    pulse.sayNow();
    assert.equal(clock.armed, 1);
  });

  it("says that it rests no longer before the work begins", () => {
    const { pulse, beats, clock } = rested();
    const before = beats.length;
    pulse.wake();
    pulse.wake();
    const told = beats.slice(before);
    assert.deepEqual(told, [{ isResting: false, lateMs: 0, at: clock.now() }]);
  });

  it("beats often while work comes", () => {
    const { pulse, clock, beats } = rested();
    const before = beats.length;
    for (let second = 0; second < 60; second += 1) {
      pulse.wake();
      clock.advance(1_000);
    }
    assert.equal(beats.length - before, 61);
  });

  it("beats often while work goes on, and rests when it has ended", () => {
    const { pulse, work, wakeUpsIn } = rested();
    pulse.wake();
    work(true);
    assert.equal(wakeUpsIn(minuteMs), 60);
    work(false);
    wakeUpsIn(3_000);
    assert.equal(wakeUpsIn(minuteMs), 6);
  });

  it("tells how late it is", () => {
    const { pulse, beats, clock } = setUp();
    clock.advanceLate(1_000, 700);
    pulse.sayNow();
    const late = beats.map(({ lateMs }) => lateMs);
    assert.deepEqual(late, [0, 700, 0]);
  });
});
