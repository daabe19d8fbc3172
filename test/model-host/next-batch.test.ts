/* A batch that the engine is given while another runs. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Work } from "../../model-host/work.ts";
import type { HostEvent } from "../../src/protocol/control.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeEngine, mapped, numbersOf } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { batchedMetadata, hostSpec, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

const metadata = batchedMetadata(1);

const unlucky = 13;
/** Until the host knows what they cost. */
const learningRuns = 10;

/** A run without end would keep the process, for as long as the breaker waits for it. */
const unfinished: (() => Promise<void>)[] = [];
after(async () => {
  for (const finish of unfinished) await finish();
});

const hourMs = 3_600_000;
/** Opens at the first failure. */
const touchy = { errorThresholdPercent: 50, minRequests: 1, windowMs: 10_000, resetMs: 5_000 };

interface Options {
  readonly takesNext?: boolean;
  /** Of each row. */
  readonly runMs?: number;
  readonly p99Ms?: number | null;
}

/**
 * A model that doubles all but one number, whose runs are known to take so long, in an engine that takes a run while another goes on; no run
 * ends before it is let.
 */
async function setUp({ takesNext = true, runMs = 1, p99Ms = null }: Options = {}) {
  const engine = new FakeEngine(([input]) => {
    const tensor = input as NonNullable<typeof input>;
    if (numbersOf(tensor).includes(unlucky)) throw new Error("unlucky");
    return { y: mapped(tensor, (cell) => 2 * cell) };
  });
  engine.takesNext = takesNext;
  engine.isGated = true;
  const door = new FakeDoor();
  const clock = new FakeClock();
  const told: HostEvent[] = [];
  const host = new Host({
    spec: hostSpec({ breaker: touchy, objective: { p99Ms } }),
    metadata,
    engine,
    clock,
    metrics: createHostMetrics("m", "1"),
    log: quietLog,
    tell: async (event) => void told.push(event),
    onPressure: () => undefined,
    onWork: () => undefined,
  });
  const ask = (values: readonly number[], fields: Partial<RequestFrame> = {}) => {
    const features = values.map((value) => [value]);
    const frame = { id: values[0] ?? 0, deadlineAt: clock.now() + hourMs, ...fields };
    const work = host.accept(requestFrame({ features }, frame), door);
    host.pump();
    return work as Work;
  };
  const runs = () => engine.runs.map(({ inputs }) => inputs.flatMap(numbersOf));
  const end = async () => {
    engine.letOneEnd();
    for (let turns = 0; turns < 5; turns += 1) await turn();
  };
  const said = () =>
    door.said.flatMap((one) => {
      if (one.type === "running") return [`running ${one.ids.join(" ")}`];
      if (one.type === "failed") return [`${one.id} ${one.failure.code}`];
      return one.type === "done" ? [`${one.id} done`] : [];
    });
  for (let run = 0; run < learningRuns; run += 1) {
    const rows = p99Ms === null ? 1 : 1 + (run % 2);
    ask(new Array(rows).fill(0));
    clock.advance(rows * runMs);
    await end();
  }
  unfinished.push(async () => {
    while (host.hasWork) await end();
  });
  clock.advance(touchy.windowMs);
  host.pump();
  engine.runs.length = 0;
  door.said.length = 0;
  told.length = 0;
  return { host, door, clock, told, ask, runs, end, said };
}

describe("A batch that the engine is given while another runs", () => {
  it("is told to be running before, beside the other, and answered after it", async () => {
    const { ask, runs, end, said, host } = await setUp();
    ask([1]);
    ask([2]);
    assert.deepEqual(runs(), [[1], [2]]);
    assert.deepEqual(said(), ["running 1", "running 1 2"]);
    assert.deepEqual([host.pressure.runningRows, host.pressure.queuedRows], [2, 0]);
    await end();
    await end();
    assert.deepEqual(said().slice(2), ["1 done", "2 done"]);
    assert.equal(host.hasWork, false);
  });

  it("is one at most, and the next comes when the first has ended", async () => {
    const { ask, runs, end } = await setUp();
    for (const value of [1, 2, 3]) ask([value]);
    assert.deepEqual(runs(), [[1], [2]]);
    await end();
    assert.deepEqual(runs(), [[1], [2], [3]]);
  });

  it("waits until as many rows are there as run", async () => {
    const { ask, runs } = await setUp();
    ask([1, 1]);
    ask([2]);
    assert.deepEqual(runs(), [[1, 1]]);
    ask([3]);
    assert.deepEqual(runs(), [
      [1, 1],
      [2, 3],
    ]);
  });

  it("is none behind a suspect, and a suspect is none", async () => {
    const behind = await setUp();
    behind.ask([1], { alone: true });
    // A suspect is named to the supervisor first.
    for (let turns = 0; turns < 5; turns += 1) await turn();
    behind.ask([2]);
    assert.deepEqual(behind.runs(), [[1]]);
    const before = await setUp();
    before.ask([1]);
    before.ask([2], { alone: true });
    assert.deepEqual(before.runs(), [[1]]);
  });

  it("is none where the engine runs on the thread that asks", async () => {
    const { ask, runs } = await setUp({ takesNext: false });
    ask([1]);
    ask([2]);
    assert.deepEqual(runs(), [[1]]);
  });

  it("is none where an objective leaves no time for a third run", async () => {
    const asked = async (p99Ms: number) => {
      const { ask, runs } = await setUp({ p99Ms });
      ask([1]);
      ask([2]);
      return runs();
    };
    assert.deepEqual(await asked(11), [[1]]);
    assert.deepEqual(await asked(13), [[1], [2]]);
  });

  it("is none where runs are long: those who wait may still leave", async () => {
    const { ask, runs } = await setUp({ runMs: 30 });
    ask([1]);
    ask([2]);
    assert.deepEqual(runs(), [[1]]);
  });

  it("is told beside what still waits for its answer: front doors have forgotten the other ids", async () => {
    const { ask, runs, said, host } = await setUp();
    const large = ask([1, 1, 1, 1, 1, 1]);
    host.cancel(large, "client-left");
    ask([2, 2, 2, 2]);
    assert.equal(runs().length, 2);
    assert.deepEqual(said(), ["running 1", "1 cancelled", "running 2"]);
  });

  it("is told to no front door that is gone", async () => {
    const { ask, door, said, host } = await setUp();
    ask([1]);
    host.forget(door);
    const other = new FakeDoor();
    host.accept(requestFrame({ features: [[2]] }, { id: 2, deadlineAt: hourMs }), other);
    host.pump();
    assert.deepEqual([said(), other.said], [["running 1"], [{ type: "running", ids: [2] }]]);
  });

  it("is told alone where the rest of what ran before it has to wait", async () => {
    const { ask, end, said } = await setUp();
    ask([1, 1, 1, 1, 1, 1], { priority: "low" });
    ask([2, 2, 2, 2]);
    await end();
    assert.deepEqual(said(), ["running 1", "running 1 2", "running 2"]);
  });

  it("is run to its end, and answered, where the one before it opens the breaker", async () => {
    const { ask, end, runs, said, host } = await setUp();
    ask([unlucky]);
    ask([2]);
    await end();
    assert.deepEqual([host.pressure.breaker, host.pressure.runningRows], ["open", 1]);
    await end();
    assert.deepEqual(said().slice(2), ["13 internal", "2 done"]);
    ask([3]);
    assert.deepEqual([runs(), said().at(-1)], [[[unlucky], [2]], "3 model-unavailable"]);
    host.close();
  });

  it("has a second for its run, though its requests have expired behind a long one", async () => {
    const { ask, end, told, clock } = await setUp();
    ask([1]);
    ask([2], { deadlineAt: clock.now() + 200 });
    clock.advance(1_500);
    await end();
    clock.advance(999);
    assert.deepEqual(told, []);
    clock.advance(1);
    const reason = "its run went on after its last request had expired";
    assert.deepEqual(told, [{ type: "overrun", fingerprint: null, reason }]);
  });

  it("speaks against none of the rows that are run again behind it, should it not end", async () => {
    const { ask, end, runs, told, clock, host } = await setUp();
    ask([1, 1]);
    for (const value of [unlucky, 2]) ask([value]);
    await end();
    ask([3, 3]);
    await end();
    assert.deepEqual(runs().slice(1), [[unlucky, 2], [3, 3], [unlucky]]);
    clock.advance(30_000);
    const reason = "its run took longer than 30000 ms";
    assert.deepEqual(told, [{ type: "overrun", fingerprint: null, reason }]);
    host.close();
  });

  it("holds nothing that would be late once what runs and itself have been run", async () => {
    const { host, door, clock, ask, runs, said } = await setUp({ runMs: 8 });
    ask([1, 1, 1, 1]);
    // Four rows take some 16 ms.
    const late = { id: 2, deadlineAt: clock.now() + 24 };
    host.accept(requestFrame({ features: [[2], [2], [2], [2]] }, late), door);
    ask([3, 3, 3, 3]);
    assert.deepEqual(runs()[1], [3, 3, 3, 3]);
    assert.deepEqual(said(), ["running 1", "2 deadline-exceeded", "running 1 3"]);
  });
});
