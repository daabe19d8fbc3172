/* A batch that the engine is given while another runs. */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeEngine, mapped, numbersOf } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { hostSpec, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 1], batchAxis: 0 };
const metadata: ModelMetadata = {
  inputs: [x],
  outputs: [{ ...x, name: "y" }],
  batching: { type: "batched", maxBatchSize: 4 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

/** Until the host knows what they cost. */
const learningRuns = 10;

/** A run without end would keep the process, for as long as the breaker waits for it. */
const unfinished: (() => Promise<void>)[] = [];
after(async () => {
  for (const finish of unfinished) await finish();
});

/**
 * A model that doubles, whose runs are known to take so long, in an engine that takes a run while another goes on; no run
 * ends before it is let.
 */
async function setUp({ takesNext = true, runMs = 1 } = {}) {
  const engine = new FakeEngine(([input]) => ({
    y: mapped(input as NonNullable<typeof input>, (cell) => 2 * cell),
  }));
  engine.takesNext = takesNext;
  engine.isGated = true;
  const door = new FakeDoor();
  const clock = new FakeClock();
  const host = new Host({
    spec: hostSpec({}),
    metadata,
    engine,
    clock,
    metrics: createHostMetrics("m", "1"),
    log: quietLog,
    tell: () => Promise.resolve(),
    onPressure: () => undefined,
    onWork: () => undefined,
  });
  const ask = (values: readonly number[], fields: Partial<RequestFrame> = {}) => {
    const features = values.map((value) => [value]);
    host.accept(requestFrame({ features }, { id: values[0] ?? 0, ...fields }), door);
    host.pump();
  };
  const runs = () => engine.runs.map(({ inputs }) => inputs.flatMap(numbersOf));
  const end = async () => {
    engine.letOneEnd();
    for (let turns = 0; turns < 5; turns += 1) await turn();
  };
  const said = () =>
    door.said.flatMap((one) => {
      if (one.type === "running") return [`running ${one.ids.join(" ")}`];
      return one.type === "done" ? [`${one.id} done`] : [];
    });
  for (let run = 0; run < learningRuns; run += 1) {
    ask([0]);
    clock.advance(runMs);
    await end();
  }
  unfinished.push(async () => {
    while (host.hasWork) await end();
  });
  engine.runs.length = 0;
  door.said.length = 0;
  return { host, ask, runs, end, said };
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

  it("is none where runs are long: those who wait may still leave", async () => {
    const { ask, runs } = await setUp({ runMs: 30 });
    ask([1]);
    ask([2]);
    assert.deepEqual(runs(), [[1]]);
  });
});
