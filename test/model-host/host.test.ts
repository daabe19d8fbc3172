import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { fingerprint } from "../../model-host/fingerprint.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Work } from "../../model-host/work.ts";
import type { HostEvent, HostSpec } from "../../src/protocol/control.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import type { Batching, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeEngine, fp32, mapped, numbersOf } from "./fake-engine.ts";
import { FakeDoor, fakeWork, type Said } from "./fake-work.ts";
import { hostSpec, queueSettings, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

const breaker = { errorThresholdPercent: 50, minRequests: 3, windowMs: 10_000, resetMs: 5_000 };

function modelMetadata(batching: Batching): ModelMetadata {
  const batchAxis = batching.type === "unbatched" ? null : 0;
  const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 1], batchAxis };
  const outputs = [{ ...x, name: "y" }];
  return {
    inputs: [x],
    outputs,
    batching,
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  };
}

/** A model that doubles; 13 fails. Its engine runs nothing to its end before it is let, if it is gated. */
function setUp(fields: Partial<HostSpec> = {}, batching?: Batching) {
  const clock = new FakeClock();
  const engine = new FakeEngine(([x]) => {
    if (x === undefined || numbersOf(x).includes(13)) throw new Error("unlucky");
    return { y: mapped(x, (cell) => 2 * cell) };
  });
  const told: HostEvent[] = [];
  const pressures: unknown[] = [];
  const works: number[] = [];
  const metrics = createHostMetrics("m", "1");
  const host: Host = new Host({
    spec: hostSpec({ breaker, ...fields }),
    metadata: modelMetadata(batching ?? { type: "batched", maxBatchSize: 4 }),
    engine,
    clock,
    metrics,
    log: quietLog,
    tell: async (event) => void told.push(event),
    onPressure: () => pressures.push([host.pressure.breaker, host.pressure.draining]),
    onWork: () => works.push(host.pressure.queuedRows),
  });
  const door = new FakeDoor();
  const done = door.done.bind(door);
  door.done = (answer) => {
    if (answer.id === 404) throw new RangeError("Invalid string length");
    done(answer);
  };
  return { clock, engine, told, pressures, works, metrics, host, door };
}

type Parts = ReturnType<typeof setUp>;

let lastId = 0;

function frame(values: readonly number[], fields: Partial<RequestFrame> = {}): RequestFrame {
  lastId += 1;
  return requestFrame({ features: values.map((value) => [value]) }, { id: lastId, ...fields });
}

/** Asks for the doubles of the values, under the first of them as its number. */
function ask(
  { host, door }: Parts,
  values: readonly number[],
  fields: Partial<RequestFrame> = {},
): Work | undefined {
  return host.accept(frame(values, { id: values[0] ?? 0, ...fields }), door);
}

async function settle(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await turn();
}

async function serve(parts: Parts): Promise<void> {
  parts.host.pump();
  await settle();
}

/** Lets the run that is under way end, and the next begin. */
async function letOneEnd({ engine }: Parts): Promise<void> {
  engine.letOneEnd();
  await settle();
}

function inShort(said: Said): string {
  switch (said.type) {
    case "running":
      return `running ${said.ids.join(" ")}`;
    case "chunk":
      return `${said.id} chunk ${JSON.stringify((said.body as Record<string, unknown>)["predictions"])}`;
    case "done":
      return `${said.id} done ${JSON.stringify(said.body["predictions"] ?? said.body["rows"])}`;
    case "failed":
      return `${said.id} failed ${said.failure.code}`;
    case "ended":
      return `${said.key} ended ${said.reason}`;
  }
}

function said({ door }: { readonly door: FakeDoor }): readonly string[] {
  return door.said.map(inShort);
}

/** The values in each run, in order. */
function runs({ engine }: Parts): readonly (readonly number[])[] {
  return engine.runs.map(({ inputs: [x] }) => (x === undefined ? [] : numbersOf(x)));
}

async function gated(fields: Partial<HostSpec> = {}, batching?: Batching): Promise<Parts> {
  const parts = setUp(fields, batching);
  parts.engine.isGated = true;
  return parts;
}

describe("a host that serves", () => {
  it("answers a request, after it has said that it runs", async () => {
    const parts = setUp();
    ask(parts, [1, 2]);
    await serve(parts);
    assert.deepEqual(said(parts), ["running 1", "1 done [[2],[4]]"]);
    assert.deepEqual(parts.door.flushes, [1, 2]);
  });

  it("runs together what is there at once, and answers each with its own", async () => {
    const parts = setUp();
    for (const value of [1, 2, 3]) ask(parts, [value]);
    await serve(parts);
    assert.deepEqual(runs(parts), [[1, 2, 3]]);
    assert.deepEqual(said(parts), [
      "running 1 2 3",
      "1 done [[2]]",
      "2 done [[4]]",
      "3 done [[6]]",
    ]);
  });

  it("lets the queue gather while it is busy", async () => {
    const parts = await gated();
    for (const value of [1, 2, 3]) {
      ask(parts, [value]);
      await serve(parts);
    }
    await letOneEnd(parts);
    assert.deepEqual(runs(parts), [[1], [2, 3]]);
  });

  it("tells each door of its own requests", async () => {
    const parts = setUp();
    const other = new FakeDoor();
    ask(parts, [1]);
    parts.host.accept(frame([2], { id: 7 }), other);
    await serve(parts);
    assert.deepEqual(
      [said(parts), said({ door: other })],
      [
        ["running 1", "1 done [[2]]"],
        ["running 7", "7 done [[4]]"],
      ],
    );
  });

  it("says once that it has answered", async () => {
    const parts = setUp();
    ask(parts, [13]);
    await serve(parts);
    const before = [...parts.told];
    for (const value of [1, 2]) {
      ask(parts, [value]);
      await serve(parts);
    }
    assert.deepEqual([before, parts.told], [[], [{ type: "answered" }]]);
  });

  it("lets a row that fails fail alone", async () => {
    const parts = setUp();
    for (const value of [1, 13, 3]) ask(parts, [value]);
    await serve(parts);
    assert.deepEqual(said(parts).slice(1), ["1 done [[2]]", "13 failed internal", "3 done [[6]]"]);
  });

  it("fails alone what cannot be answered", async () => {
    const parts = setUp();
    for (const value of [1, 404, 3]) ask(parts, [value]);
    await serve(parts);
    assert.deepEqual(said(parts).slice(1), ["1 done [[2]]", "404 failed internal", "3 done [[6]]"]);
  });

  it("says that a request has come before it looks at it", () => {
    const { works, host, door } = setUp();
    host.accept(frame([1, 2]), door);
    assert.deepEqual(works, [0]);
  });

  it("refuses at once what the model does not take", async () => {
    const parts = setUp();
    const work = ask(parts, [], { id: 5, body: Buffer.from("{}") });
    assert.deepEqual([work, said(parts)], [undefined, ["5 failed invalid-request"]]);
  });

  it("refuses what the queue has no room for, and says when it will have", async () => {
    const parts = await gated({ queue: queueSettings({ maxRows: 4 }) });
    ask(parts, [1]);
    await serve(parts);
    parts.clock.advance(400);
    await letOneEnd(parts);
    ask(parts, [2]);
    await serve(parts);
    ask(parts, [3, 3, 3]);
    ask(parts, [4, 4]);
    const last = parts.door.said.at(-1);
    assert.ok(last?.type === "failed");
    assert.deepEqual(last.failure, {
      code: "overloaded",
      message: "Cannot queue request: the queue holds 3 of 4 rows",
      retryAfterMs: 300,
    });
  });

  it("waits for company where that is wished, but not longer", async () => {
    const parts = setUp({ batching: { maxBatchSize: 4, maxQueueDelayMs: 20 } });
    ask(parts, [1]);
    await serve(parts);
    parts.clock.advance(15);
    ask(parts, [2]);
    await serve(parts);
    const before = runs(parts);
    parts.clock.advance(5);
    await settle();
    assert.deepEqual([before, runs(parts)], [[], [[1, 2]]]);
  });

  it("does not wait with a request that is hurried, which takes what waits along", async () => {
    const parts = setUp({ batching: { maxBatchSize: 4, maxQueueDelayMs: 20 } });
    ask(parts, [1]);
    await serve(parts);
    ask(parts, [2], { hurried: true });
    await serve(parts);
    assert.deepEqual(runs(parts), [[1, 2]]);
  });

  it("does not wait when the batch is full", async () => {
    const parts = setUp({ batching: { maxBatchSize: 4, maxQueueDelayMs: 20 } });
    ask(parts, [1, 1, 1]);
    ask(parts, [2]);
    await serve(parts);
    assert.deepEqual(runs(parts), [[1, 1, 1, 2]]);
  });
});

describe("a host with an objective", () => {
  const objective = { p99Ms: 20 };

  /** It learns that a run takes `fixedMs`, and 4 ms a row. */
  async function taught(fields: Partial<HostSpec>, fixedMs = 0): Promise<Parts> {
    const parts = await gated({ objective, ...fields });
    for (let run = 0; run < 20; run += 1) {
      const rows = (run % 2) + 1;
      ask(parts, new Array(rows).fill(1));
      await serve(parts);
      parts.clock.advance(fixedMs + 4 * rows);
      await letOneEnd(parts);
    }
    parts.clock.advance(20);
    parts.host.pump();
    parts.engine.runs.length = 0;
    return parts;
  }

  it("puts no more rows into a batch than two runs have the time for", async () => {
    const parts = await taught({});
    for (const value of [1, 2, 3, 4]) ask(parts, [value]);
    await serve(parts);
    await letOneEnd(parts);
    assert.deepEqual(runs(parts), [
      [1, 2],
      [3, 4],
    ]);
  });

  it("says what it has chosen, and why", async () => {
    const { host } = await taught({});
    const { fixedMs, rowMs, ...rest } = host.load.objective ?? assert.fail();
    assert.deepEqual(
      [fixedMs, rowMs].map((ms) => Math.round((ms ?? -1) * 100) / 100),
      [0, 4],
    );
    assert.deepEqual(
      { ...rest, reason: rest.reason.replace(/: .*/, "") },
      {
        p99Ms: 20,
        maxRows: 2,
        delayMs: 0,
        throughputFirst: false,
        observedP99Ms: null,
        reason: "batches of at most 2 rows are to keep p99 at 20 ms",
      },
    );
  });

  it("foretells what waits by the batches that it runs", async () => {
    const { host } = await taught({}, 1);
    assert.equal(Math.round(host.pressure.rowCostMs * 100) / 100, 4.5);
  });

  it("measures from the arrival of a request to its answer", async () => {
    const parts = await taught({});
    for (let request = 0; request < 120; request += 1) {
      ask(parts, [1], { deadlineAt: 1e9 });
      parts.clock.advance(3);
      await serve(parts);
      parts.clock.advance(200);
      await letOneEnd(parts);
    }
    const { observedP99Ms } = parts.host.load.objective ?? assert.fail();
    assert.ok(
      observedP99Ms !== null && Math.abs(observedP99Ms / 203 - 1) < 0.03,
      `${observedP99Ms}`,
    );
  });

  it("waits for company where it comes, but not with a request that is hurried", async () => {
    const batching = { maxBatchSize: 4, maxQueueDelayMs: 100 };
    const parts = await taught({ objective: { p99Ms: 200 }, batching }, 20);
    // More than one comes in the half of what a run costs anyway.
    for (let batch = 0; batch < 100; batch += 1) {
      for (const value of [1, 2, 3, 4]) ask(parts, [value]);
      await serve(parts);
      parts.clock.advance(36);
      await letOneEnd(parts);
    }
    const { delayMs } = parts.host.load.objective ?? assert.fail();
    assert.equal(delayMs, 10);
    parts.engine.runs.length = 0;
    ask(parts, [5]);
    await serve(parts);
    assert.deepEqual(runs(parts), []);
    ask(parts, [6], { hurried: true });
    await serve(parts);
    assert.deepEqual(runs(parts), [[5, 6]]);
    await letOneEnd(parts);
    parts.clock.advance(10_000);
    assert.equal(parts.host.load.objective?.delayMs, 0, "though nothing comes any more");
  });

  it("runs rows of a model that does not batch as before", async () => {
    const parts = setUp({ objective }, { type: "one-by-one", reason: "fixed" });
    ask(parts, [1, 2]);
    await serve(parts);
    assert.deepEqual([runs(parts), parts.host.load.objective?.maxRows], [[[1], [2]], 1]);
  });
});

describe("a host that cuts", () => {
  it("runs a request larger than a batch in slices, and answers it whole", async () => {
    const parts = setUp();
    ask(parts, [1, 2, 3, 4, 5, 6]);
    await serve(parts);
    assert.deepEqual(runs(parts), [
      [1, 2, 3, 4],
      [5, 6],
    ]);
    assert.deepEqual(said(parts), ["running 1", "running 1", "1 done [[2],[4],[6],[8],[10],[12]]"]);
  });

  it("fails a request of which a slice fails, and runs no more of it", async () => {
    const parts = await gated();
    ask(parts, [1, 2, 3, 13, 5, 6, 7, 8, 9]);
    await serve(parts);
    await letOneEnd(parts);
    await letOneEnd(parts);
    assert.deepEqual(
      said(parts).filter((words) => !words.startsWith("running")),
      ["1 failed internal"],
    );
    assert.ok(runs(parts).length <= 2);
  });

  it("runs a model whose batch is one row by row", async () => {
    const parts = setUp({}, { type: "one-by-one", reason: "" });
    ask(parts, [1, 2, 3]);
    ask(parts, [4]);
    await serve(parts);
    assert.deepEqual(runs(parts), [[1], [4], [2], [3]]);
    assert.deepEqual(
      said(parts).filter((words) => !words.startsWith("running")),
      ["4 done [[8]]", "1 done [[2],[4],[6]]"],
    );
  });

  it("runs an unbatched model's requests as they came, alone", async () => {
    const parts = setUp({}, { type: "unbatched", reason: "" });
    ask(parts, [1, 2, 3, 4, 5, 6]);
    ask(parts, [7]);
    await serve(parts);
    assert.deepEqual(runs(parts), [[1, 2, 3, 4, 5, 6], [7]]);
  });
});

describe("a host that streams", () => {
  it("sends a chunk for each slice, as far as there is credit", async () => {
    const parts = setUp({}, { type: "one-by-one", reason: "" });
    const work = ask(parts, [1, 2, 3, 4], { stream: true });
    await serve(parts);
    const before = said(parts).filter((words) => !words.startsWith("running"));
    assert.ok(work !== undefined);
    parts.host.credit(work, 1);
    await settle();
    const between = said(parts).length;
    parts.host.credit(work, 5);
    await settle();
    assert.deepEqual(before, ["1 chunk [[2]]", "1 chunk [[4]]"]);
    assert.equal(between, 8);
    assert.deepEqual(said(parts).slice(5), [
      "running 1",
      "1 chunk [[6]]",
      "running ",
      "running 1",
      "1 chunk [[8]]",
      "1 done 4",
    ]);
  });

  it("is not held up by a reader without credit", async () => {
    const parts = setUp({}, { type: "one-by-one", reason: "" });
    ask(parts, [1, 2, 3, 4], { stream: true });
    await serve(parts);
    ask(parts, [9]);
    await serve(parts);
    assert.equal(said(parts).includes("9 done [[18]]"), true);
  });
});

describe("a host whose requests are not wanted any more", () => {
  async function dropped({ metrics }: Parts) {
    const reasons = ["cancelled", "expired", "door-lost"] as const;
    return reasons.map((reason) => metrics.dropped(reason).value);
  }

  it("never runs one that expired in the queue", async () => {
    const parts = await gated();
    ask(parts, [1]);
    await serve(parts);
    ask(parts, [2], { deadlineAt: 50 });
    ask(parts, [3]);
    parts.clock.advance(50);
    await letOneEnd(parts);
    await letOneEnd(parts);
    assert.deepEqual(
      [runs(parts), await dropped(parts)],
      [
        [[1], [3]],
        [0, 1, 0],
      ],
    );
    assert.ok(said(parts).includes("2 failed deadline-exceeded"));
  });

  it("runs in time what waits, rather than more of it too late", async () => {
    const parts = await gated({}, { type: "one-by-one", reason: "" });
    /** Until its cost is known: it takes 40 ms for a run. */
    for (let warm = 1; warm <= 9; warm += 1) {
      ask(parts, [warm]);
      await serve(parts);
      parts.clock.advance(40);
      await letOneEnd(parts);
    }
    const now = parts.clock.now();
    ask(parts, [20]);
    await serve(parts);
    for (const value of [21, 22, 23]) ask(parts, [value], { deadlineAt: now + 75 });
    ask(parts, [24], { deadlineAt: now + 100 });
    parts.clock.advance(40);
    await letOneEnd(parts);
    await letOneEnd(parts);
    assert.deepEqual(runs(parts).slice(9), [[20], [24]]);
    assert.equal(parts.metrics.dropped("futile").value, 3);
    const failed = said(parts).filter((one) => one.includes("failed"));
    assert.deepEqual(
      failed,
      [21, 22, 23].map((value) => `${value} failed deadline-exceeded`),
    );
  });

  for (const [reason, code] of [
    ["client-left", "cancelled"],
    ["expired", "deadline-exceeded"],
  ] as const) {
    it(`never runs one that is cancelled (${reason}), and answers it`, async () => {
      const parts = await gated();
      ask(parts, [1]);
      await serve(parts);
      const work = ask(parts, [2]);
      assert.ok(work !== undefined);
      parts.host.cancel(work, reason);
      parts.host.cancel(work, reason);
      await letOneEnd(parts);
      assert.deepEqual(said(parts).slice(1), [`2 failed ${code}`, "1 done [[2]]"]);
      assert.deepEqual(runs(parts), [[1]]);
      assert.deepEqual(await dropped(parts), reason === "expired" ? [0, 1, 0] : [1, 0, 0]);
    });
  }

  it("still answers one that is cancelled while it runs", async () => {
    const parts = await gated();
    const work = ask(parts, [1]);
    await serve(parts);
    assert.ok(work !== undefined);
    parts.host.cancel(work, "client-left");
    await letOneEnd(parts);
    assert.deepEqual(
      [said(parts), await dropped(parts)],
      [
        ["running 1", "1 done [[2]]"],
        [0, 0, 0],
      ],
    );
  });

  it("cuts off a stream that is cancelled, which is no request that never ran", async () => {
    const parts = setUp({}, { type: "one-by-one", reason: "" });
    const work = ask(parts, [1, 2, 3, 4], { stream: true });
    await serve(parts);
    assert.ok(work !== undefined);
    parts.host.cancel(work, "client-left");
    parts.host.credit(work, 5);
    await settle();
    assert.deepEqual(said(parts).at(-1), "1 failed cancelled");
    assert.deepEqual([runs(parts).length, await dropped(parts)], [2, [0, 0, 0]]);
  });

  it("answers a stream once that is cancelled while a slice of it runs", async () => {
    const parts = await gated({}, { type: "one-by-one", reason: "" });
    const work = ask(parts, [1, 2], { stream: true });
    await serve(parts);
    assert.ok(work !== undefined);
    parts.host.cancel(work, "client-left");
    await letOneEnd(parts);
    assert.deepEqual(said(parts), ["running 1", "1 failed cancelled"]);
  });

  it("forgets those of a door that is gone, and says nothing to it", async () => {
    const parts = await gated();
    ask(parts, [1]);
    await serve(parts);
    ask(parts, [2]);
    const other = new FakeDoor();
    parts.host.accept(frame([3], { id: 3 }), other);
    parts.host.forget(parts.door);
    await letOneEnd(parts);
    await letOneEnd(parts);
    assert.deepEqual(
      [said(parts), said({ door: other })],
      [["running 1"], ["running 3", "3 done [[6]]"]],
    );
    assert.deepEqual(
      [runs(parts), await dropped(parts)],
      [
        [[1], [3]],
        [0, 0, 1],
      ],
    );
  });
});

describe("a host and poison", () => {
  const print = fingerprint(fakeWork({ inputs: [fp32([1, 1], [6])] }).request);

  it("refuses inputs that it was told of at its start", async () => {
    const parts = setUp({ poison: [print] });
    ask(parts, [6]);
    ask(parts, [7]);
    await serve(parts);
    assert.deepEqual(said(parts), ["6 failed poison-request", "running 7", "7 done [[14]]"]);
  });

  it("refuses inputs that it is told of later", async () => {
    const parts = setUp();
    ask(parts, [6]);
    await serve(parts);
    parts.host.addPoison(print);
    ask(parts, [6]);
    assert.deepEqual(said(parts), ["running 6", "6 done [[12]]", "6 failed poison-request"]);
  });

  it("runs a suspect alone, and names it first", async () => {
    const parts = setUp();
    ask(parts, [5]);
    ask(parts, [6], { alone: true });
    ask(parts, [7]);
    await serve(parts);
    assert.deepEqual(runs(parts), [[5, 7], [6]]);
    assert.deepEqual(
      parts.told.filter(({ type }) => type !== "answered"),
      [
        { type: "suspect", fingerprint: print },
        { type: "cleared", fingerprint: print },
      ],
    );
  });

  it("tells of a run that does not end", async () => {
    const parts = await gated({ runMs: 500 });
    ask(parts, [6]);
    await serve(parts);
    parts.clock.advance(500);
    const reason = "its run took longer than 500 ms";
    assert.deepEqual(parts.told, [{ type: "overrun", fingerprint: print, reason }]);
  });
});

describe("a host whose breaker", () => {
  async function opened(): Promise<Parts> {
    const parts = setUp();
    for (let batch = 0; batch < 3; batch += 1) {
      ask(parts, [13]);
      await serve(parts);
    }
    parts.door.said.length = 0;
    return parts;
  }

  it("is open fails what comes, at once, and says when it may come again", async () => {
    const parts = await opened();
    parts.clock.advance(1_000);
    ask(parts, [1]);
    await serve(parts);
    const [answer] = parts.door.said;
    assert.ok(answer?.type === "failed");
    assert.deepEqual(answer.failure, {
      code: "model-unavailable",
      message: "Cannot run model: its circuit breaker is open",
      retryAfterMs: 4_000,
    });
    assert.deepEqual(parts.host.pressure.breaker, "open");
  });

  it("opens fails what is queued", async () => {
    const parts = await gated();
    for (const value of [13, 14, 15]) ask(parts, [value, 13]);
    ask(parts, [1, 1, 1, 1]);
    await serve(parts);
    for (let run = 0; run < 8; run += 1) await letOneEnd(parts);
    const answers = said(parts).filter((words) => !words.startsWith("running"));
    assert.equal(answers.length, 4);
    assert.equal(parts.host.pressure.queuedRows, 0);
  });

  it("changes tells the doors at once", async () => {
    const parts = await opened();
    mock.timers.tick(5_000);
    ask(parts, [1]);
    await serve(parts);
    assert.deepEqual(parts.pressures, [
      ["open", false],
      ["half-open", false],
      ["closed", false],
    ]);
  });

  it("is half open probes with one request, then takes the others", async () => {
    const parts = await opened();
    mock.timers.tick(5_000);
    const before = runs(parts).length;
    for (const value of [1, 2, 3]) ask(parts, [value]);
    await serve(parts);
    assert.deepEqual(runs(parts).slice(before), [[1], [2, 3]]);
  });

  it("is half open fails the others when its probe fails", async () => {
    const parts = await opened();
    mock.timers.tick(5_000);
    for (const value of [13, 2, 3]) ask(parts, [value]);
    await serve(parts);
    assert.deepEqual(said(parts), [
      "running 13",
      "2 failed model-unavailable",
      "3 failed model-unavailable",
      "13 failed internal",
    ]);
  });

  it("never hears of the mistakes of clients", async () => {
    const parts = setUp();
    for (let mistake = 0; mistake < 50; mistake += 1) {
      ask(parts, [], { body: Buffer.from("{}") });
      await serve(parts);
    }
    assert.equal(parts.host.pressure.breaker, "closed");
  });
});

describe("a host that drains", () => {
  it("finishes what it has, answers it, and only then is drained", async () => {
    const parts = await gated();
    ask(parts, [1]);
    await serve(parts);
    ask(parts, [2]);
    const answeredBy: number[] = [];
    parts.host.drain(() => answeredBy.push(said(parts).length));
    const before = answeredBy.length;
    await letOneEnd(parts);
    await letOneEnd(parts);
    assert.deepEqual(said(parts), ["running 1", "running 2", "1 done [[2]]", "2 done [[4]]"]);
    assert.deepEqual([before, answeredBy[0]], [0, 4]);
  });

  it("is drained at once where it has nothing", () => {
    const parts = setUp();
    let drained = 0;
    parts.host.drain(() => {
      drained += 1;
    });
    assert.deepEqual([drained, parts.pressures], [1, [["closed", true]]]);
  });

  it("gives back what comes", () => {
    const parts = setUp();
    parts.host.drain(() => undefined);
    ask(parts, [1]);
    assert.deepEqual(said(parts), ["1 failed draining"]);
  });

  it("does not wait for company", async () => {
    const parts = setUp({ batching: { maxBatchSize: 4, maxQueueDelayMs: 20 } });
    ask(parts, [1]);
    await serve(parts);
    parts.host.drain(() => undefined);
    await settle();
    assert.deepEqual(said(parts), ["running 1", "1 done [[2]]"]);
  });
});

describe("what a host says of its load", () => {
  it("is nothing at first", () => {
    const { host } = setUp();
    assert.deepEqual(
      [host.pressure, host.load],
      [
        {
          queuedRows: 0,
          runningRows: 0,
          rowCostMs: 0,
          batchCostMs: 0,
          rowsPerRequest: 1,
          breaker: "closed",
          draining: false,
          breakerRetryMs: 0,
          sequences: 0,
        },
        { queueRows: 0, inFlight: 0, breaker: "closed", sequences: 0, objective: null },
      ],
    );
  });

  it("counts what waits and what runs, and knows what a row costs", async () => {
    const parts = await gated();
    ask(parts, [1]);
    await serve(parts);
    parts.clock.advance(400);
    await letOneEnd(parts);
    ask(parts, [2, 2]);
    await serve(parts);
    ask(parts, [3, 3, 3]);
    const { queuedRows, runningRows, rowCostMs, batchCostMs } = parts.host.pressure;
    assert.deepEqual([queuedRows, runningRows], [3, 2]);
    // Nobody knows what four rows cost: half-way, by ratio, between 400 and 1600.
    assert.deepEqual([rowCostMs, batchCostMs], [200, 400]);
    assert.deepEqual(parts.host.load, {
      queueRows: 3,
      inFlight: 2,
      breaker: "closed",
      sequences: 0,
      objective: null,
    });
  });
});
