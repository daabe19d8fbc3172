import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import PQueue from "p-queue";
import type { Log } from "../../src/platform/log.ts";
import type { RestartSettings } from "../../src/protocol/model-settings.ts";
import type { LastExit } from "../../supervisor/exit-cause.ts";
import { Slot, type SlotContext, type SlotRole } from "../../supervisor/slot.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeForks, slotContext } from "./fake-forks.ts";

const hangMs = 5_000;
const restMs = 30_000;
const startMs = 60_000;
const figures = { rssBytes: 1, cpuSeconds: 2, eventLoopDelayMs: 3 };

const policy: RestartSettings = {
  intensity: 3,
  periodMs: 60_000,
  minBackoffMs: 100,
  maxBackoffMs: 10_000,
};

interface Options {
  readonly loads?: PQueue;
  readonly restarts?: PQueue;
  readonly wasPoisoned?: () => boolean;
  readonly isThrowaway?: boolean;
  readonly onGivenUp?: (slot: Slot<string, string>) => void;
}

/** Its process understands any text as an event, and is told texts. */
function setUp(options: Options = {}) {
  const clock = new FakeClock();
  const forks = new FakeForks<string>();
  const kernel = { kills: 0, before: 0, rss: undefined as number | undefined };
  const heard: string[] = [];
  const phases: string[] = [];
  const watched: (number | null)[] = [];
  const exits: LastExit[] = [];
  const { wasPoisoned = () => false, isThrowaway = false, onGivenUp, ...queues } = options;
  const warnings: unknown[] = [];
  const lines: string[] = [];
  const warn = (fields: object, message: string) => warnings.push({ message, ...fields });
  const context: SlotContext = {
    ...slotContext(clock),
    ...queues,
    log: { info: () => undefined, warn } as unknown as Log,
    hangMs,
    memoryKills: () => kernel.kills,
    memoryKillsBefore: () => kernel.before,
    readRss: () => kernel.rss,
    hostLogs: { note: () => undefined },
  };
  const role: SlotRole<string, string> = {
    fields: { process: "host" },
    isThrowaway,
    policy,
    startMs,
    fork: forks.fork,
    parse: (message) => (typeof message === "string" ? message : undefined),
    obey: (event) => heard.push(event),
    drainCommand: "drain",
    restMs,
    wasPoisoned,
    onWatch: () => watched.push(slot.rssBytes),
    onPhase: () => {
      phases.push(slot.phase.name);
      if (slot.phase.name === "given-up") onGivenUp?.(slot);
    },
    onExit: (exit) => exits.push(exit),
    onLine: (level, message) => lines.push(`${level} ${message}`),
  };
  const slot: Slot<string, string> = new Slot(context, role);
  return { clock, forks, kernel, heard, phases, watched, exits, warnings, lines, slot };
}

type Parts = ReturnType<typeof setUp>;

function makeReady({ slot }: Parts): void {
  slot.start();
  slot.apply({ type: "ready" });
}

/** The process dies, and whatever that brings about has come about. */
async function crash({ forks }: Parts, signal: NodeJS.Signals = "SIGSEGV"): Promise<void> {
  forks.child.exits(null, signal);
  await turn();
}

/** What of the promise is known now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  await turn();
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending;
}

describe("a slot that starts", () => {
  it("forks once", () => {
    const { forks, phases, slot } = setUp();
    slot.start();
    assert.deepEqual([forks.children.length, slot.pid, phases], [1, 1, ["starting"]]);
  });

  it("waits for its turn, which comes when the one before is ready", async () => {
    const loads = new PQueue({ concurrency: 1 });
    const [first, second] = [setUp({ loads }), setUp({ loads })];
    first.slot.start();
    second.slot.start();
    await turn();
    const before = second.forks.children.length;
    first.slot.apply({ type: "ready" });
    await turn();
    assert.deepEqual([before, second.forks.children.length], [0, 1]);
  });

  it("gets its turn when the one before crashes", async () => {
    const loads = new PQueue({ concurrency: 1 });
    const [first, second] = [setUp({ loads }), setUp({ loads })];
    first.slot.start();
    second.slot.start();
    await crash(first);
    assert.equal(second.forks.children.length, 1);
  });

  it("does not wait behind first loads when it has been ready once", async () => {
    const loads = new PQueue({ concurrency: 1 });
    const restarts = new PQueue({ concurrency: 1 });
    const [served, slow] = [setUp({ loads, restarts }), setUp({ loads, restarts })];
    makeReady(served);
    await turn();
    slow.slot.start();
    await crash(served);
    assert.equal(served.forks.children.length, 2);
  });

  it("is ended when it takes too long", async () => {
    const { clock, exits, forks, slot } = setUp();
    slot.start();
    clock.advance(startMs - 1);
    const before = forks.child.kills;
    clock.advance(1);
    assert.deepEqual([before, forks.child.kills], [0, 1]);
    forks.child.exits(null, "SIGKILL");
    assert.deepEqual(
      exits.map(({ cause }) => cause),
      ["load-timeout"],
    );
  });

  it("is ended sooner where a step of the start has its own limit", () => {
    const { clock, forks, slot } = setUp();
    slot.start();
    slot.limitStart(10);
    clock.advance(10);
    assert.equal(forks.child.kills, 1);
  });

  it("is left alone when it is ready in time", () => {
    const parts = setUp();
    makeReady(parts);
    parts.clock.advance(10 * startMs);
    assert.equal(parts.forks.child.kills, 0);
  });
});

describe("a slot whose process ends", () => {
  it("starts another at once", async () => {
    const parts = setUp();
    makeReady(parts);
    await crash(parts);
    const { forks, phases, slot } = parts;
    assert.deepEqual(phases, ["starting", "ready", "queued", "starting"]);
    assert.deepEqual([forks.children.length, slot.restarts], [2, 1]);
  });

  it("waits longer each time, and gives up in the end", async () => {
    const parts = setUp();
    const { clock, forks, slot } = parts;
    makeReady(parts);
    await crash(parts);
    for (const backoffMs of [100, 200]) {
      await crash(parts);
      const forked = forks.children.length;
      clock.advance(backoffMs - 1);
      assert.equal(forks.children.length, forked);
      clock.advance(1);
      assert.equal(forks.children.length, forked + 1);
    }
    await crash(parts);
    assert.deepEqual(slot.phase, {
      name: "given-up",
      since: 300,
      reason: "4 crashes in a row, the last: SIGSEGV",
    });
  });

  it("has no figures of a process that is gone, while none takes its place", async () => {
    const parts = setUp();
    const { slot } = parts;
    makeReady(parts);
    for (let crashes = 0; crashes < 4; crashes += 1) {
      parts.clock.advance(10_000);
      slot.noteBeat(figures, false);
      await crash(parts);
    }
    assert.deepEqual([slot.phase.name, slot.figures], ["given-up", undefined]);
  });

  it("is probed every half minute once it is given up", async () => {
    const parts = setUp();
    const { clock, forks, slot } = parts;
    slot.start();
    for (let crashes = 0; crashes < 4; crashes += 1) {
      await crash(parts);
      clock.advance(1_000);
    }
    for (let probe = 1; probe <= 3; probe += 1) {
      const forked = forks.children.length;
      clock.advance(30_000);
      await turn();
      assert.equal(forks.children.length, forked + 1);
      await crash(parts);
      assert.equal(slot.phase.name, "given-up");
    }
  });

  it("begins a new count when it has answered", async () => {
    const parts = setUp();
    for (let round = 0; round < 20; round += 1) {
      if (round === 0) parts.slot.start();
      parts.slot.apply({ type: "ready" });
      parts.slot.apply({ type: "answered" });
      await crash(parts);
      assert.equal(parts.slot.phase.name, "starting");
    }
  });

  it("counts crashes by poison apart", async () => {
    const parts = setUp({ wasPoisoned: () => true });
    makeReady(parts);
    for (let crashes = 0; crashes < 5; crashes += 1) {
      await crash(parts);
      parts.clock.advance(1_000);
      parts.slot.apply({ type: "ready" });
    }
    assert.equal(parts.slot.phase.name, "ready");
  });

  it("remembers how it ended, and the last it said", async () => {
    const parts = setUp();
    const { clock, exits, forks, slot } = parts;
    makeReady(parts);
    clock.advance(7);
    for (let line = 0; line < 30; line += 1) forks.child.prints("stderr", `line ${line}`);
    forks.child.prints("stdout", "other");
    forks.child.exits(3);
    const lines = Array.from({ length: 20 }, (_, at) => `line ${at + 10}`);
    const expected: LastExit = {
      pid: 1,
      isExpected: false,
      at: clock.wall(),
      code: 3,
      signal: null,
      cause: "exit-3",
      blame: "model",
      stderr: lines,
    };
    assert.deepEqual([slot.lastExit, exits], [expected, [expected]]);
  });

  it("forgets figures and lines of the process before", async () => {
    const parts = setUp();
    const { forks, slot } = parts;
    makeReady(parts);
    slot.noteBeat(figures, false);
    forks.child.prints("stderr", "of the first");
    await crash(parts);
    assert.equal(slot.figures, undefined);
    await crash(parts);
    assert.deepEqual(slot.lastExit?.stderr, []);
  });

  it("believes the kernel about its memory, and its process where that says nothing", () => {
    const parts = setUp();
    const { kernel, slot, clock, watched } = parts;
    makeReady(parts);
    slot.watch(clock.now());
    slot.noteBeat(figures, false);
    slot.watch(clock.now());
    kernel.rss = 7;
    slot.watch(clock.now());
    assert.deepEqual(watched, [null, 1, 7]);
  });

  it("blames the kernel's memory kill, if there was one meanwhile", async () => {
    const parts = setUp();
    parts.kernel.kills = 3;
    makeReady(parts);
    await crash(parts, "SIGKILL");
    const before = parts.slot.lastExit?.cause;
    parts.kernel.kills = 4;
    await crash(parts, "SIGKILL");
    assert.deepEqual([before, parts.slot.lastExit?.cause], ["SIGKILL", "memory"]);
  });

  it("does not blame a memory kill that was long before", async () => {
    const parts = setUp();
    makeReady(parts);
    parts.kernel.kills = 1;
    parts.kernel.before = 1;
    await crash(parts, "SIGKILL");
    assert.equal(parts.slot.lastExit?.cause, "SIGKILL");
  });

  it("is stopped where it could not be forked", async () => {
    const parts = setUp();
    parts.slot.start();
    parts.slot.apply({ type: "drain" });
    parts.forks.child.exits(null, null);
    await parts.slot.stopped;
    assert.equal(parts.slot.lastExit?.cause, "spawn");
  });

  it("has no process meanwhile, and needs none", async () => {
    const parts = setUp();
    makeReady(parts);
    await crash(parts);
    await crash(parts);
    parts.slot.send("hello");
    parts.slot.kill("stop");
    assert.deepEqual([parts.slot.pid, parts.slot.phase.name], [undefined, "backing-off"]);
  });
});

describe("a slot that is watched", () => {
  it("is ended when its process has said nothing since it began", () => {
    const parts = setUp();
    const { clock, exits, forks, slot } = parts;
    makeReady(parts);
    clock.advance(hangMs);
    slot.watch(clock.now());
    const before = forks.child.kills;
    clock.advance(1);
    slot.watch(clock.now());
    forks.child.exits(null, "SIGKILL");
    assert.deepEqual([before, exits.map(({ cause }) => cause)], [0, ["hang"]]);
  });

  it("is ended once", () => {
    const parts = setUp();
    makeReady(parts);
    parts.clock.advance(hangMs + 1);
    parts.slot.watch(parts.clock.now());
    parts.slot.watch(parts.clock.now());
    assert.equal(parts.forks.child.kills, 1);
  });

  it("lives as long as its process beats", () => {
    const parts = setUp();
    const { clock, forks, slot } = parts;
    makeReady(parts);
    for (let beat = 0; beat < 10; beat += 1) {
      clock.advance(hangMs);
      slot.noteBeat(figures, false);
      slot.watch(clock.now());
    }
    assert.deepEqual([forks.child.kills, slot.figures], [0, figures]);
    clock.advance(hangMs + 1);
    slot.watch(clock.now());
    assert.equal(forks.child.kills, 1);
  });

  it("may rest longer than it may be silent, and no longer than that", () => {
    const parts = setUp();
    const { clock, forks, slot } = parts;
    makeReady(parts);
    slot.noteBeat(figures, true);
    clock.advance(restMs + hangMs);
    slot.watch(clock.now());
    const before = forks.child.kills;
    clock.advance(1);
    slot.watch(clock.now());
    assert.deepEqual([before, forks.child.kills], [0, 1]);
  });

  it("may not be silent any longer once a beat is expected of it", () => {
    const parts = setUp();
    const { clock, forks, slot } = parts;
    makeReady(parts);
    slot.noteBeat(figures, true);
    clock.advance(restMs / 2);
    slot.expectBeat();
    clock.advance(hangMs);
    slot.watch(clock.now());
    const before = forks.child.kills;
    clock.advance(1);
    slot.watch(clock.now());
    assert.deepEqual([before, forks.child.kills], [0, 1]);
  });

  for (const hasBeaten of [true, false]) {
    it(`is forgiven once after a pause of ours, ${hasBeaten ? "after" : "before"} its first beat`, () => {
      const parts = setUp();
      const { clock, forks, slot } = parts;
      makeReady(parts);
      if (hasBeaten) slot.noteBeat(figures, false);
      clock.advance(10 * hangMs);
      slot.forgive();
      slot.watch(clock.now());
      const before = forks.child.kills;
      clock.advance(hangMs + 1);
      slot.watch(clock.now());
      assert.deepEqual([before, forks.child.kills], [0, 1]);
    });
  }

  it("is not judged by the beats of the process before", async () => {
    const parts = setUp();
    makeReady(parts);
    parts.slot.noteBeat(figures, false);
    parts.clock.advance(10 * hangMs);
    await crash(parts);
    parts.slot.watch(parts.clock.now());
    assert.equal(parts.forks.child.kills, 0);
  });
});

describe("a slot that hears", () => {
  it("hands on what it understands", () => {
    const { forks, heard, slot } = setUp();
    slot.start();
    forks.child.says("one");
    forks.child.says("two");
    assert.deepEqual(heard, ["one", "two"]);
  });

  it("ends a process that does not keep the protocol, and listens to it no more", () => {
    const { exits, forks, heard, slot } = setUp();
    slot.start();
    forks.child.says({ type: "garbage" });
    forks.child.says("too late");
    forks.child.exits(null, "SIGKILL");
    assert.deepEqual([heard, exits.map(({ cause }) => cause)], [[], ["protocol"]]);
  });

  it("keeps to the first reason why it ended the process", () => {
    const { exits, forks, slot } = setUp();
    slot.start();
    slot.kill("overrun");
    slot.kill("stop");
    forks.child.exits(null, "SIGKILL");
    assert.deepEqual(
      exits.map(({ cause }) => cause),
      ["overrun"],
    );
  });
});

describe("a slot that is refused", () => {
  it("is given up for good", async () => {
    const parts = setUp();
    const { clock, forks, slot } = parts;
    slot.start();
    slot.apply({ type: "refused", reason: "no ONNX" });
    await crash(parts, "SIGKILL");
    clock.advance(1e9);
    assert.deepEqual(
      [forks.children.length, slot.phase],
      [1, { name: "given-up", since: 0, reason: "no ONNX" }],
    );
  });
});

describe("a slot that is drained", () => {
  for (const isReady of [true, false]) {
    it(`asks its process, ${isReady ? "ready" : "starting"}, and stops when that is gone`, async () => {
      const parts = setUp();
      const { forks, slot } = parts;
      if (isReady) makeReady(parts);
      else slot.start();
      slot.apply({ type: "drain" });
      const before = await isSettled(slot.stopped);
      await crash(parts);
      assert.deepEqual(
        [forks.child.sent, before, await isSettled(slot.stopped)],
        [["drain"], false, true],
      );
      assert.deepEqual([forks.children.length, slot.phase.name], [1, "stopped"]);
    });
  }

  it("never forks where it had not begun", async () => {
    const loads = new PQueue({ concurrency: 1 });
    const [first, second] = [setUp({ loads }), setUp({ loads })];
    first.slot.start();
    second.slot.start();
    second.slot.apply({ type: "drain" });
    first.slot.apply({ type: "ready" });
    assert.deepEqual(
      [await isSettled(second.slot.stopped), second.forks.children.length],
      [true, 0],
    );
  });

  it("does not come back from its backoff", async () => {
    const parts = setUp();
    makeReady(parts);
    await crash(parts);
    await crash(parts);
    parts.slot.apply({ type: "drain" });
    parts.clock.advance(1e6);
    await turn();
    assert.deepEqual([parts.forks.children.length, parts.slot.phase.name], [2, "stopped"]);
  });

  it("lets the next one start", async () => {
    const loads = new PQueue({ concurrency: 1 });
    const [first, second] = [setUp({ loads }), setUp({ loads })];
    first.slot.start();
    second.slot.start();
    first.slot.apply({ type: "drain" });
    await turn();
    assert.equal(second.forks.children.length, 1);
  });
});

describe("the log of a slot", () => {
  const ended = {
    ...{ message: "process ended", process: "host" },
    ...{ cause: "SIGKILL", code: null, signal: "SIGKILL" },
  };

  it("tells of each crash, of each backoff, and of giving up, and what comes next", async () => {
    const parts = setUp();
    const { clock, slot, warnings, lines } = parts;
    makeReady(parts);
    for (const afterMs of [0, 100, 200, 0]) {
      await crash(parts, "SIGKILL");
      clock.advance(afterMs);
      await turn();
    }
    assert.equal(slot.phase.name, "given-up");
    const backoff = { message: "process backs off", process: "host", reason: "SIGKILL" };
    const givenUp = { message: "process given up", process: "host" };
    const reason = "4 crashes in a row, the last: SIGKILL";
    const next = "a start to try it in 30 s";
    assert.deepEqual(warnings, [
      { ...ended, exited_pid: 1 },
      { ...ended, exited_pid: 2 },
      { ...backoff, next: "a start in 100 ms" },
      { ...ended, exited_pid: 3 },
      { ...backoff, next: "a start in 200 ms" },
      { ...ended, exited_pid: 4 },
      { ...givenUp, reason, next },
    ]);
    assert.equal(lines.at(-1), `warn process given up (${reason}): ${next}`);
  });

  it("tells once why a model was refused, and that nothing comes by itself", () => {
    const { forks, slot, warnings } = setUp();
    slot.start();
    slot.apply({ type: "refused", reason: "no ONNX" });
    forks.child.exits(0);
    const next = "no start before its files or its configuration change";
    const expected = { message: "process given up", process: "host", reason: "no ONNX", next };
    assert.deepEqual(warnings, [expected]);
  });

  it("promises nothing where whoever hears of it wants it no more", () => {
    const throwaway = setUp({ isThrowaway: true });
    const parts = setUp({ onGivenUp: (slot) => slot.apply({ type: "drain" }) });
    for (const { slot, warnings } of [throwaway, parts]) {
      slot.start();
      slot.apply({ type: "refused", reason: "no ONNX" });
      assert.deepEqual(warnings, []);
    }
  });
});
