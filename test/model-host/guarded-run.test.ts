import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Breaker } from "../../model-host/breaker.ts";
import { fingerprint } from "../../model-host/fingerprint.ts";
import { type GuardedRun, runGuarded } from "../../model-host/guarded-run.ts";
import { Sequence } from "../../model-host/sequence.ts";
import type { WorkSlice } from "../../model-host/work.ts";
import type { HostEvent } from "../../src/protocol/control.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeEngine, fp32 } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel, type WorkFields, whole } from "./fake-work.ts";

const runMs = 10_000;
const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 1], batchAxis: 0 };
const model = servedModel({
  inputs: [x],
  outputs: [{ ...x, name: "y" }],
  batching: { type: "batched", maxBatchSize: 8 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
});

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

function setUp() {
  const clock = new FakeClock();
  const engine = new FakeEngine(([input]) => {
    if (input === undefined || input.data.includes(13 as never)) throw new Error("unlucky");
    return { y: input };
  });
  const settings = { errorThresholdPercent: 50, minRequests: 2, windowMs: 10_000, resetMs: 5_000 };
  const breaker = new Breaker({
    settings,
    runMs,
    now: () => Date.now(),
    onChange: () => undefined,
  });
  /** What was told, and how many runs had begun by then. */
  const told: (readonly [HostEvent, number])[] = [];
  const tell = async (event: HostEvent) => {
    told.push([event, engine.runs.length]);
    await turn();
  };
  const parts = { spec: { runMs }, model, engine, clock, tell, hasNext: () => false };
  const run = (...slices: readonly WorkSlice[]) => runGuarded(slices, breaker, parts);
  return { clock, engine, breaker, told, run };
}

function request(value: number, fields: WorkFields = {}): WorkSlice {
  return whole(fakeWork({ inputs: [fp32([1, 1], [value])], deadlineAt: 5_000, ...fields }));
}

function outcomes({ results }: GuardedRun): readonly string[] {
  return results.map((result) => (result.type === "ran" ? "ran" : result.error.code));
}

describe("runGuarded", () => {
  it("gives a result for each slice, and says how long it took", async () => {
    const { clock, engine, run, told } = setUp();
    engine.isGated = true;
    const running = run(request(1), request(2));
    await turn();
    clock.advance(30);
    engine.letOneEnd();
    const done = await running;
    assert.deepEqual([outcomes(done), done.tookMs, told, clock.armed], [["ran", "ran"], 30, [], 0]);
  });

  it("counts one outcome a batch: a failure only if no row succeeded", async () => {
    const { breaker, run } = setUp();
    for (let batch = 0; batch < 10; batch += 1) await run(request(13), request(1));
    const mixed = breaker.state;
    await run(request(13), request(13));
    const one = breaker.state;
    for (let batch = 0; batch < 20; batch += 1) await run(request(13));
    assert.deepEqual([mixed, one, breaker.state], ["closed", "closed", "open"]);
  });

  it("tells each run that succeeded, alone or together", async () => {
    const { run } = setUp();
    const rowsOf = ({ runs }: GuardedRun) => runs.map(({ slices }) => slices.length);
    const together = await run(request(1), request(2));
    const apart = await run(request(1), request(13), request(2));
    assert.deepEqual([rowsOf(together), rowsOf(apart)], [[2], [1, 1]]);
    assert.deepEqual(rowsOf(await run(request(13))), []);
  });

  it("counts for each request the runs that it was part of, and not those of others", async () => {
    const { clock, engine, run } = setUp();
    engine.isGated = true;
    const slices = [request(1), request(13), request(2)];
    const running = run(...slices);
    for (const ms of [30, 10, 20, 40]) {
      for (let turns = 0; turns < 5; turns += 1) await turn();
      clock.advance(ms);
      engine.letOneEnd();
    }
    const { tookMs } = await running;
    assert.deepEqual([slices.map(({ work }) => work.runUs / 1_000), tookMs], [[40, 50, 70], 100]);
  });

  it("fails every slice that the breaker does not let through, and runs nothing", async () => {
    const { engine, run } = setUp();
    await run(request(13));
    await run(request(13));
    const before = engine.runs.length;
    const done = await run(request(1), request(2));
    assert.deepEqual(outcomes(done), ["model-unavailable", "model-unavailable"]);
    assert.equal(engine.runs.length, before);
  });
});

describe("a suspect", () => {
  it("is named before it runs, and handed on to be cleared when it is answered too", async () => {
    const { run, told } = setUp();
    const { suspect } = await run(request(1, { alone: true, fingerprint: "f" }));
    assert.deepEqual(told, [[{ type: "suspect", fingerprint: "f" }, 0]]);
    assert.equal(suspect, "f");
  });

  it("is handed on where it only failed", async () => {
    const { run } = setUp();
    const { suspect } = await run(request(13, { alone: true, fingerprint: "f" }));
    assert.equal(suspect, "f");
  });

  it("is nobody who runs with others, or whose inputs nobody knows", async () => {
    const { run, told } = setUp();
    await run(request(1, { fingerprint: "f" }), request(2));
    await run(request(1, { alone: true }));
    assert.deepEqual(told, []);
  });
});

describe("a run that does not end", () => {
  const overrun = (print: string | null, reason: string) => ({
    type: "overrun" as const,
    fingerprint: print,
    reason,
  });
  const long = `its run took longer than ${runMs} ms`;
  const expired = "its run went on after its last request had expired";

  function hang(...slices: readonly WorkSlice[]) {
    const parts = setUp();
    parts.engine.isGated = true;
    void parts.run(...slices);
    return parts;
  }

  it("is told when its time is up, with the inputs where they ran alone", async () => {
    const one = request(1, { deadlineAt: 60_000 });
    const { clock, told } = hang(one);
    clock.advance(runMs - 1);
    const before = told.length;
    clock.advance(1);
    const event = overrun(fingerprint(one.work.request), long);
    assert.deepEqual([before, told], [0, [[event, 1]]]);
  });

  it("is told without the inputs where the run has their memory, unless they were known before", () => {
    for (const known of [null, "f"]) {
      const ownMemory = new ArrayBuffer(8);
      const one = request(1, { deadlineAt: 60_000, fingerprint: known, ownMemory });
      const { clock, told } = hang(one);
      clock.advance(runMs);
      assert.deepEqual(told, [[overrun(known, long), 1]]);
    }
  });

  const frames: readonly (readonly [string, Sequence["state"], boolean])[] = [
    ["with the inputs where they are the first of their sequence", null, true],
    ["of no inputs where their sequence remembers something, as that may be to blame", [], false],
  ];
  for (const [name, state, isNamed] of frames) {
    it(`is told ${name}`, () => {
      const sequence = new Sequence("a", new FakeDoor(), { isShared: false, signal: null, now: 0 });
      sequence.state = state;
      const one = request(1, { deadlineAt: 60_000, sequence });
      const { clock, told } = hang(one);
      clock.advance(runMs);
      const print = isNamed ? fingerprint(one.work.request) : null;
      assert.deepEqual(told, [[overrun(print, long), 1]]);
    });
  }

  it("is told a second after its last request has expired", async () => {
    const { clock, told } = hang(request(1, { deadlineAt: 100 }), request(2, { deadlineAt: 700 }));
    clock.advance(1_699);
    const before = told.length;
    clock.advance(1);
    assert.deepEqual([before, told], [0, [[overrun(null, expired), 1]]]);
  });

  it("is not told when it has ended after all", async () => {
    const { clock, engine, told } = hang(request(1));
    await turn();
    engine.letOneEnd();
    for (let turns = 0; turns < 5; turns += 1) await turn();
    clock.advance(1e6);
    assert.deepEqual(told, []);
  });
});
