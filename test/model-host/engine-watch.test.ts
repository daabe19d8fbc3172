import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { OwnedEngine } from "../../model-host/engine.ts";
import type { Opened } from "../../model-host/engine-opening.ts";
import { EngineWatch } from "../../model-host/engine-watch.ts";
import { LiveEngine } from "../../model-host/live-engine.ts";
import type { Log } from "../../src/platform/log.ts";
import type { HostEvent } from "../../src/protocol/control.ts";
import type { EngineThread } from "../../src/protocol/views.ts";
import { FakeClock } from "../fake-clock.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeOwnedEngine } from "./fake-owned-engine.ts";
import { spec } from "./sequence-host.ts";

const hourMs = 3_600_000;

/** A load that ends when the test says so. */
interface Opening {
  readonly thread: EngineThread;
  readonly die: (reason: string) => void;
  readonly resolve: (opened: Opened) => void;
  readonly reject: (error: Error) => void;
}

function setUp(thread: EngineThread = "main") {
  const clock = new FakeClock();
  const engineOn = (on: EngineThread) =>
    new FakeOwnedEngine(([input]) => ({ y: input ?? fp32([1, 1]) }), { isInline: on === "main" });
  const first = engineOn(thread);
  const live = new LiveEngine(first);
  const openings: Opening[] = [];
  const told: HostEvent[] = [];
  const lines: string[] = [];
  const deaths: string[] = [];
  const state = { isIdle: true };
  const line = (level: string) => (_fields: object, message: string) =>
    void lines.push(`${level}: ${message}`);
  const watch = new EngineWatch({
    live,
    place: { thread },
    metadata: { inputs: [spec("x", [-1, 1])] },
    open: (on, die) =>
      new Promise((resolve, reject) => {
        openings.push({ thread: on, die, resolve, reject });
      }),
    onDeath: (reason) => deaths.push(reason),
    isIdle: () => state.isIdle,
    clock,
    log: { info: line("info"), warn: line("warn") } as unknown as Log,
    tell: async (event) => void told.push(event),
  });
  /** So many rows, on whatever serves. */
  const run = (rows = 1) => live.run([{ name: "x", ...fp32([rows, 1]) }], ["y"]);
  const runMany = async (count: number, rows = 1) => {
    for (let left = count; left > 0; left -= 1) await run(rows);
  };
  return {
    clock,
    first,
    live,
    openings,
    told,
    lines,
    deaths,
    state,
    watch,
    runMany,
    run,
    engineOn,
  };
}

type Parts = ReturnType<typeof setUp>;

async function settle(): Promise<void> {
  for (let turns = 0; turns < 4; turns += 1) await turn();
}

/** The engine that is being opened is there. */
async function open({ openings, engineOn }: Parts, ms = 0.01): Promise<FakeOwnedEngine> {
  const opening = openings.at(-1);
  assert.ok(opening !== undefined, "one is being opened");
  const engine = engineOn(opening.thread);
  engine.runMs = ms;
  opening.resolve({ type: "opened", engine });
  await settle();
  return engine;
}

async function runSlowly(parts: Parts): Promise<void> {
  parts.first.runMs = 3;
  await parts.runMany(64);
}

/** Runs so short, and so long ago, that it may come back, and nobody asks any more. */
async function runQuickly(parts: Parts, count = 64): Promise<void> {
  parts.clock.advance(hourMs);
  await parts.runMany(count);
}

describe("EngineWatch", () => {
  it("loads a second session while the first serves, changes them, closes the first and tells", async () => {
    const parts = setUp();
    const { first, live, told, lines, openings, runMany } = parts;
    await runSlowly(parts);
    assert.deepEqual(
      openings.map(({ thread }) => thread),
      ["own"],
    );
    await runMany(64);
    assert.deepEqual([openings.length, live.serves(first), first.isClosed], [1, true, false]);
    const second = await open(parts);
    assert.deepEqual([live.serves(second), first.isClosed], [true, true]);
    const reason = "every other of its runs held the main thread for 3 ms or more";
    assert.deepEqual(told, [
      { type: "slow", reason },
      { type: "engine", thread: "own", reason },
    ]);
    assert.deepEqual(lines, ["info: the engine moved to another thread"]);
    await runMany(10);
    assert.equal(second.runs.length, 10);
  });

  it("counts rows, so that rare large batches are judged by themselves", async () => {
    const parts = setUp();
    await parts.runMany(48);
    parts.first.runMs = 3;
    await parts.runMany(16, 40);
    assert.equal(parts.openings.length, 1);
  });

  it("waits for a batch that runs", async () => {
    const parts = setUp();
    await runSlowly(parts);
    parts.first.isGated = true;
    const last = parts.run();
    const second = await open(parts);
    assert.deepEqual([parts.live.serves(second), parts.first.isClosed], [false, false]);
    parts.first.letOneEnd();
    await last;
    await settle();
    assert.deepEqual([parts.live.serves(second), parts.first.isClosed], [true, true]);
  });

  it("stays as it is where the other cannot be loaded, and tries again only after a while", async () => {
    const parts = setUp();
    await runSlowly(parts);
    parts.openings[0]?.reject(new Error("no room"));
    await settle();
    assert.deepEqual(parts.lines, ["warn: the engine stays on its thread: the other one failed"]);
    await parts.runMany(128);
    assert.deepEqual([parts.openings.length, parts.live.serves(parts.first)], [1, true]);
    parts.clock.advance(5_000);
    await parts.runMany(16);
    assert.equal(parts.openings.length, 2);
    await open(parts);
    assert.deepEqual([parts.first.isClosed, parts.told.length], [true, 2]);
  });

  it("stays as it is where the new thread dies while it loads", async () => {
    const parts = setUp();
    await runSlowly(parts);
    parts.openings[0]?.die("gone");
    await open(parts);
    await parts.runMany(3);
    assert.deepEqual([parts.live.serves(parts.first), parts.first.isClosed], [true, false]);
    assert.deepEqual([parts.deaths, parts.told], [[], []]);
  });

  it("stays as it is where the new thread dies while it waits for a batch to end", async () => {
    const parts = setUp();
    await runSlowly(parts);
    parts.first.isGated = true;
    const last = parts.run();
    await open(parts);
    parts.openings[0]?.die("gone");
    parts.first.letOneEnd();
    await last;
    await settle();
    assert.deepEqual([parts.live.serves(parts.first), parts.first.isClosed], [true, false]);
    assert.deepEqual([parts.deaths, parts.told], [[], []]);
  });

  it("tells the host of the death of a thread that serves", async () => {
    const parts = setUp();
    await runSlowly(parts);
    await open(parts);
    parts.openings[0]?.die("gone");
    assert.deepEqual(parts.deaths, ["gone"]);
  });

  it("comes back to the main thread in a quiet moment", async () => {
    const parts = setUp("own");
    await runQuickly(parts);
    parts.clock.advance(999);
    assert.equal(parts.openings.length, 0);
    parts.clock.advance(1);
    assert.deepEqual(
      parts.openings.map(({ thread }) => thread),
      ["main"],
    );
    const second = await open(parts);
    assert.deepEqual([parts.live.serves(second), parts.first.isClosed], [true, true]);
    const reason = "nine of ten of its runs took at most 0.01 ms";
    assert.deepEqual(parts.told, [{ type: "engine", thread: "main", reason }]);
  });

  it("does not come back while requests come or wait, but later", async () => {
    const parts = setUp("own");
    await runQuickly(parts);
    parts.clock.advance(600);
    await parts.run();
    parts.clock.advance(600);
    assert.equal(parts.openings.length, 0);
    parts.state.isIdle = false;
    parts.clock.advance(5_000);
    assert.equal(parts.openings.length, 0);
    parts.state.isIdle = true;
    parts.clock.advance(1_000);
    assert.equal(parts.openings.length, 1);
  });

  it("stays on its thread where a trial says so, and asks for another one only after a while", async () => {
    const parts = setUp("own");
    await runQuickly(parts);
    parts.clock.advance(1_000);
    parts.openings[0]?.resolve({ type: "refused", reason: "slow", isFinal: false });
    await settle();
    assert.deepEqual(parts.lines, ["info: the engine stays on its thread"]);
    await parts.runMany(128);
    parts.clock.advance(60_000);
    assert.equal(parts.openings.length, 1);
    await runQuickly(parts);
    parts.clock.advance(1_000);
    assert.equal(parts.openings.length, 2);
  });

  it("asks no more where nothing would change it", async () => {
    const parts = setUp("own");
    await runQuickly(parts);
    parts.clock.advance(1_000);
    parts.openings[0]?.resolve({ type: "refused", reason: "large", isFinal: true });
    await settle();
    await runQuickly(parts, 128);
    parts.clock.advance(hourMs);
    assert.deepEqual([parts.openings.length, parts.clock.armed], [1, 0]);
  });

  it("never flaps: what is slow here and quick there moves ever more seldom", async () => {
    const parts = setUp();
    let moves = 0;
    const ms = { main: 3, own: 0.01 };
    let thread: EngineThread = "main";
    parts.first.runMs = ms.main;
    for (let second = 0; second < 24 * 3_600; second += 5) {
      await parts.runMany(16);
      parts.clock.advance(5_000);
      if (parts.openings.length === moves) continue;
      moves += 1;
      thread = thread === "main" ? "own" : "main";
      await open(parts, ms[thread]);
    }
    assert.ok(moves > 4 && moves < 60, `${moves} moves in a day`);
  });

  it("has no move under way when it has been closed, and begins none", async () => {
    const parts = setUp();
    await runSlowly(parts);
    let isOver = false;
    const over = parts.watch.close().then(() => {
      isOver = true;
    });
    await settle();
    assert.equal(isOver, false);
    await open(parts);
    await over;
    const other = setUp("own");
    await runQuickly(other);
    await other.watch.close();
    other.clock.advance(hourMs);
    await other.runMany(64);
    assert.deepEqual([other.openings.length, other.clock.armed], [0, 0]);
  });

  it("serves on the second one where the first cannot be closed", async () => {
    const parts = setUp();
    parts.first.close = () => Promise.reject(new Error("busy"));
    await runSlowly(parts);
    const second = await open(parts);
    assert.equal(parts.live.serves(second), true);
    assert.deepEqual(parts.lines, [
      "info: the engine moved to another thread",
      "warn: the engine before could not be closed",
    ]);
  });

  it("closes only what runs nothing", async () => {
    const parts = setUp();
    const closed: number[] = [];
    const { first } = parts;
    first.close = async () => void closed.push(first.runs.length);
    await runSlowly(parts);
    const newcomer: OwnedEngine = await open(parts);
    assert.deepEqual([closed, parts.live.serves(newcomer)], [[64], true]);
  });
});
