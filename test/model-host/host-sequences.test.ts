import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { NamedTensor } from "../../model-host/engine.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Work } from "../../model-host/work.ts";
import type { HostSpec } from "../../src/protocol/control.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import type { Batching, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { SequenceClaim } from "../../src/protocol/sequences.ts";
import { FakeClock } from "../fake-clock.ts";
import { type Compute, FakeEngine, fp32, numbersOf } from "./fake-engine.ts";
import { FakeDoor, type Said } from "./fake-work.ts";
import { hostSpec, quietLog } from "./host-spec.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

const batched: Batching = { type: "batched", maxBatchSize: 4 };

function spec(name: string, shape: readonly number[], batchAxis: number | null = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

/** Remembers `h`. */
function modelMetadata(x: TensorSpec, h: TensorSpec, batching = batched): ModelMetadata {
  return {
    inputs: [x, h],
    outputs: [
      { ...x, name: "y" },
      { ...h, name: "hn" },
    ],
    batching,
    notServable: [],
    state: [{ input: 1, output: 1, found: true }],
    stream: null,
  };
}

const summing = modelMetadata(spec("x", [-1, 1]), spec("h", [-1, 1]));

/** Both the answer and what is remembered are the sum of what comes and what was remembered; 13 fails. */
const sum: Compute = ([x, h]) => {
  const [input, state] = [x, h] as [NamedTensor, NamedTensor];
  const cells = numbersOf(input);
  if (cells.includes(13)) throw new Error("unlucky");
  const remembered = numbersOf(state);
  const sums = cells.map((cell, at) => cell + (remembered[at] ?? 0));
  return { y: fp32(input.shape, sums), hn: fp32(state.shape, sums) };
};

interface Setting {
  readonly spec?: Partial<HostSpec>;
  readonly metadata?: ModelMetadata;
  readonly compute?: Compute;
  /** Whether a run does not end before it is let. */
  readonly isGated?: boolean;
}

function setUp({ spec: fields, metadata = summing, compute = sum, isGated = false }: Setting = {}) {
  const clock = new FakeClock();
  const engine = new FakeEngine(compute);
  engine.isGated = isGated;
  const metrics = createHostMetrics("m");
  const breaker = { errorThresholdPercent: 50, minRequests: 3, windowMs: 10_000, resetMs: 5_000 };
  const host: Host = new Host({
    spec: hostSpec({ breaker, ...fields }),
    metadata,
    engine,
    clock,
    metrics,
    log: quietLog,
    tell: async () => undefined,
    onPressure: () => undefined,
  });
  const door = new FakeDoor();
  const done = door.done.bind(door);
  door.done = (answer) => {
    if (answer.id === 404) throw new RangeError("Invalid string length");
    done(answer);
  };
  return { clock, engine, metrics, host, door };
}

type Parts = ReturnType<typeof setUp>;

type Fields = Partial<Omit<RequestFrame, "sequence">> & { readonly door?: FakeDoor };

function askBody(
  { host, door }: Parts,
  body: unknown,
  claim: SequenceClaim | null,
  fields: Fields,
) {
  const { door: other, ...rest } = fields;
  const frame: RequestFrame = {
    type: "request",
    id: 0,
    codec: "predict",
    alone: false,
    stream: false,
    priority: "normal",
    deadlineAt: 10_000,
    requestId: "r",
    sequence: claim,
    body: Buffer.from(JSON.stringify(body)),
    ...rest,
  };
  return host.accept(frame, other ?? door);
}

function claimOf(key: string, start: boolean): SequenceClaim {
  return { key: key.replace("/", ""), start, end: key.endsWith("/"), shared: key.startsWith("s") };
}

/** The first frame of a sequence, which brings the value, under it as its number; `a/` is its last too. */
function begin(parts: Parts, key: string, value: number, fields: Fields = {}): Work | undefined {
  return askBody(parts, { features: [[value]] }, claimOf(key, true), { id: value, ...fields });
}

function goOn(parts: Parts, key: string, value: number, fields: Fields = {}): Work | undefined {
  return askBody(parts, { features: [[value]] }, claimOf(key, false), { id: value, ...fields });
}

function askAlone(parts: Parts, value: number, fields: Fields = {}): Work | undefined {
  return askBody(parts, { features: [[value]] }, null, { id: value, ...fields });
}

function present(work: Work | undefined): Work {
  assert.ok(work !== undefined);
  return work;
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

async function letAllEnd(parts: Parts): Promise<void> {
  parts.engine.isGated = false;
  await letOneEnd(parts);
}

function inShort(said: Said): string {
  switch (said.type) {
    case "running":
      return `running ${said.ids.join(" ")}`;
    case "chunk": {
      const { position, predictions } = said.body as Record<string, unknown>;
      return `${said.id} chunk at ${position} ${JSON.stringify(predictions)}`;
    }
    case "done":
      return `${said.id} done ${JSON.stringify(said.body["predictions"] ?? said.body["rows"])}`;
    case "failed":
      return `${said.id} failed ${said.failure.code}`;
    case "ended":
      return `${said.key} ended ${said.reason}`;
  }
}

/** All but what was about to run. */
function said({ door }: { readonly door: FakeDoor }): readonly string[] {
  return door.said.filter(({ type }) => type !== "running").map(inShort);
}

/** The values in each run, in order. */
function runs({ engine }: Parts): readonly (readonly number[])[] {
  return engine.runs.map(({ inputs: [x] }) => (x === undefined ? [] : numbersOf(x)));
}

/** What was remembered in each run. */
function statesIn({ engine }: Parts): readonly (readonly number[])[] {
  return engine.runs.map(({ inputs: [, h] }) => (h === undefined ? [] : numbersOf(h)));
}

const endReasons = [
  "end",
  "door-lost",
  "idle",
  "expired",
  "cancelled",
  "failed",
  "draining",
] as const;

/** How many sequences were begun, and how they have ended. */
function counts({ metrics }: Parts): readonly unknown[] {
  const ended = endReasons.flatMap((reason) => {
    const { value } = metrics.sequencesEnded(reason);
    return value === 0 ? [] : [`${value} ${reason}`];
  });
  return [metrics.sequencesStarted().value, ...ended];
}

function lastFailure({ door }: Parts) {
  const last = door.said.findLast(({ type }) => type === "failed");
  assert.ok(last?.type === "failed");
  return last.failure;
}

function left({ host }: Parts) {
  const { queueRows, inFlight, sequences } = host.load;
  return { queueRows, inFlight, sequences };
}

describe("a host that keeps sequences", () => {
  it("runs the frames of one in order, each with what the one before has left", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    for (const value of [2, 3]) goOn(parts, "a", value);
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "2 done [[3]]", "3 done [[6]]"]);
    assert.deepEqual(
      [runs(parts), statesIn(parts)],
      [
        [[1], [2], [3]],
        [[0], [1], [3]],
      ],
    );
  });

  it("goes on with one after a pause", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    await serve(parts);
    goOn(parts, "a", 2);
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "2 done [[3]]"]);
  });

  it("runs frames of several together, and mixes nothing", async () => {
    const parts = setUp();
    for (const [key, value] of [
      ["a", 1],
      ["b", 10],
      ["c", 100],
    ] as const) {
      begin(parts, key, value);
      goOn(parts, key, 2 * value);
    }
    await serve(parts);
    assert.deepEqual(runs(parts), [
      [1, 10, 100],
      [2, 20, 200],
    ]);
    assert.deepEqual(
      said(parts).map((words) => words.split(" done ")),
      [1, 10, 100]
        .map((value) => [`${value}`, `[[${value}]]`])
        .concat([2, 20, 200].map((value) => [`${value}`, `[[${value * 1.5}]]`])),
    );
  });

  it("runs what stands for itself from the beginning, beside them, and keeps nothing", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    for (const value of [5, 6]) askAlone(parts, value);
    await serve(parts);
    askAlone(parts, 7);
    await serve(parts);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "5 done [[5]]",
      "6 done [[6]]",
      "2 done [[3]]",
      "7 done [[7]]",
    ]);
    assert.deepEqual(runs(parts), [[1, 5, 6], [2], [7]]);
    assert.equal(left(parts).sequences, 1);
  });

  it("begins each, and what stands for itself, with the configured state", async () => {
    const state = [{ input: "h", output: "hn", initial: [100] }];
    const parts = setUp({ spec: { state } });
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      begin(parts, key, value);
    for (const value of [3, 4]) askAlone(parts, value);
    await serve(parts);
    goOn(parts, "a", 5);
    begin(parts, "c", 6);
    await serve(parts);
    assert.deepEqual(
      said(parts).map((words) => words.split(" ").at(-1)),
      ["[[101]]", "[[102]]", "[[103]]", "[[104]]", "[[106]]", "[[106]]"],
    );
  });

  it("does not show the state, unless the client keeps it itself", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    const inputs = { x: [[2]], h: [[40]] };
    askBody(parts, { inputs }, null, { id: 2 });
    await serve(parts);
    const outputs = parts.door.said.flatMap((one) =>
      one.type === "done" ? [one.body["outputs"]] : [],
    );
    assert.deepEqual(outputs, [
      undefined,
      {
        y: { datatype: "FP32", shape: [1, 1], data: [[42]] },
        hn: { datatype: "FP32", shape: [1, 1], data: [[42]] },
      },
    ]);
  });

  it("lets one that sends much not starve the others", async () => {
    const one: Batching = { type: "one-by-one", reason: "" };
    const metadata = modelMetadata(spec("x", [1, 1]), spec("h", [1, 1]), one);
    const parts = setUp({ metadata, isGated: true });
    begin(parts, "a", 1);
    for (let value = 2; value < 100; value += 1) goOn(parts, "a", value);
    await serve(parts);
    for (const [key, value] of [
      ["b", 1000],
      ["c", 2000],
    ] as const)
      begin(parts, key, value);
    for (let run = 0; run < 3; run += 1) await letOneEnd(parts);
    assert.deepEqual(runs(parts), [[1], [1000], [2000], [2]]);
  });

  it("begins one anew under the same key, and still runs what has come before", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    begin(parts, "a", 5);
    goOn(parts, "a", 6);
    await serve(parts);
    assert.deepEqual(said(parts).toSorted(), [
      "1 done [[1]]",
      "2 done [[3]]",
      "5 done [[5]]",
      "6 done [[11]]",
    ]);
    assert.deepEqual([left(parts).sequences, counts(parts)], [1, [2, "1 end"]]);
  });

  it("refuses frames of one that was never begun", async () => {
    const parts = setUp();
    assert.equal(goOn(parts, "a", 1), undefined);
    await serve(parts);
    assert.deepEqual([said(parts), runs(parts)], [["1 failed sequence-lost"], []]);
  });

  it("says how many there are, and counts what becomes of them", async () => {
    const parts = setUp();
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const)
      begin(parts, key, value);
    const { pressure, load } = parts.host;
    parts.host.endSequence("b");
    assert.deepEqual([pressure.sequences, load.sequences, left(parts).sequences], [3, 3, 2]);
    assert.deepEqual(counts(parts), [3, "1 end"]);
  });

  it("counts of how many a frame was in a run", async () => {
    const parts = setUp();
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      begin(parts, key, value);
    askAlone(parts, 3);
    await serve(parts);
    askAlone(parts, 4);
    await serve(parts);
    const values = parts.metrics.sequenceFrames().values("n");
    const figures = values.filter(({ metricName }) => metricName !== "n_bucket");
    assert.deepEqual(
      figures.map(({ value }) => value),
      [2, 1],
    );
  });
});

describe("a sequence that its client ends", () => {
  it("is free when its last frame has come, which still runs", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    goOn(parts, "a/", 3);
    goOn(parts, "a", 4);
    await serve(parts);
    assert.deepEqual(said(parts), [
      "4 failed sequence-lost",
      "1 done [[1]]",
      "2 done [[3]]",
      "3 done [[6]]",
    ]);
    assert.deepEqual([left(parts).sequences, counts(parts)], [0, [1, "1 end"]]);
  });

  it("may be of one frame", async () => {
    const parts = setUp();
    begin(parts, "a/", 1);
    await serve(parts);
    assert.deepEqual([said(parts), left(parts).sequences], [["1 done [[1]]"], 0]);
  });

  it("is free when it is ended without a frame, and what has come still runs", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    parts.host.endSequence("a");
    parts.host.endSequence("a");
    parts.host.endSequence("unknown");
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "2 done [[3]]"]);
    assert.deepEqual([left(parts).sequences, counts(parts)], [0, [1, "1 end"]]);
  });

  it("still loses what is behind a frame that fails, without a word of its end", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    for (const value of [13, 3]) goOn(parts, "a", value);
    parts.host.endSequence("a");
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "13 failed internal", "3 failed sequence-lost"]);
  });
});

describe("a frame that is taken, and not run to its end,", () => {
  /** A frame of `b` and one that stands for itself run, while 2 and 3 of `a` wait behind the others. */
  async function waiting(fields: Fields = {}): Promise<Parts & { readonly second: Work }> {
    const parts = setUp({ isGated: true });
    begin(parts, "a", 1);
    await serve(parts);
    await letOneEnd(parts);
    askAlone(parts, 50);
    await serve(parts);
    const second = present(goOn(parts, "a", 2, fields));
    goOn(parts, "a", 3);
    begin(parts, "b", 60);
    parts.door.said.length = 0;
    return { ...parts, second };
  }

  const lost = (why: string) => ({
    code: "sequence-lost",
    message: `Cannot run frame: its sequence has ended, ${why}`,
  });

  it("ends its sequence when it expires in the queue: first it is told, then the end, then those behind", async () => {
    const parts = await waiting({ deadlineAt: 40 });
    parts.clock.advance(40);
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "2 failed deadline-exceeded",
      "a ended expired",
      "3 failed sequence-lost",
      "50 done [[50]]",
      "60 done [[60]]",
    ]);
    assert.deepEqual(lastFailure(parts), lost("the deadline of a frame before it passed"));
    assert.deepEqual(
      [runs(parts), counts(parts)],
      [
        [[1], [50], [60]],
        [2, "1 expired"],
      ],
    );
  });

  for (const [reason, code, end] of [
    ["client-left", "cancelled", "cancelled"],
    ["expired", "deadline-exceeded", "expired"],
  ] as const) {
    it(`ends its sequence when it is cancelled in the queue (${reason})`, async () => {
      const parts = await waiting();
      parts.host.cancel(parts.second, reason);
      await letAllEnd(parts);
      assert.deepEqual(said(parts), [
        `2 failed ${code}`,
        `a ended ${end}`,
        "3 failed sequence-lost",
        "50 done [[50]]",
        "60 done [[60]]",
      ]);
      assert.deepEqual(counts(parts), [2, `1 ${end}`]);
    });

    it(`ends its sequence when it is cancelled while it runs (${reason}), and nothing of it is kept`, async () => {
      const parts = setUp({ isGated: true });
      const first = present(begin(parts, "a", 1));
      await serve(parts);
      for (const value of [2, 3]) goOn(parts, "a", value);
      parts.host.cancel(first, reason);
      const before = said(parts);
      await letAllEnd(parts);
      assert.deepEqual(before.toSorted(), [
        "1 failed sequence-lost",
        "2 failed sequence-lost",
        "3 failed sequence-lost",
        `a ended ${end}`,
      ]);
      assert.deepEqual([before[0], said(parts).length], [`a ended ${end}`, 4]);
      assert.deepEqual(
        [runs(parts), left(parts)],
        [[[1]], { queueRows: 0, inFlight: 0, sequences: 0 }],
      );
    });
  }

  it("ends its sequence when its run fails: first it is told, then the end, then those behind", async () => {
    const parts = setUp();
    begin(parts, "a", 13);
    for (const value of [2, 3]) goOn(parts, "a", value);
    begin(parts, "b", 10);
    goOn(parts, "b", 20);
    await serve(parts);
    assert.deepEqual(said(parts), [
      "13 failed internal",
      "a ended failed",
      "2 failed sequence-lost",
      "3 failed sequence-lost",
      "10 done [[10]]",
      "20 done [[30]]",
    ]);
    assert.deepEqual(lastFailure(parts), lost("a frame before it failed"));
    assert.deepEqual(counts(parts), [2, "1 failed"]);
  });

  it("ends its sequence when its answer cannot be written, though the next runs already", async () => {
    const parts = setUp({ isGated: true });
    begin(parts, "a", 1, { id: 404 });
    goOn(parts, "a", 2);
    goOn(parts, "a", 3);
    await serve(parts);
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "404 failed internal",
      "a ended failed",
      "3 failed sequence-lost",
      "2 failed sequence-lost",
    ]);
    assert.deepEqual(left(parts), { queueRows: 0, inFlight: 0, sequences: 0 });
  });

  it("ends its sequence when the breaker opens", async () => {
    const parts = setUp({ isGated: true });
    begin(parts, "a", 1);
    await serve(parts);
    await letOneEnd(parts);
    for (let batch = 0; batch < 2; batch += 1) {
      askAlone(parts, 13);
      await serve(parts);
      if (batch === 0) await letOneEnd(parts);
    }
    for (const value of [2, 3]) goOn(parts, "a", value);
    begin(parts, "b", 60);
    askAlone(parts, 5);
    parts.door.said.length = 0;
    await letAllEnd(parts);
    goOn(parts, "a", 4);
    assert.deepEqual(said(parts), [
      "2 failed model-unavailable",
      "a ended failed",
      "60 failed model-unavailable",
      "b ended failed",
      "5 failed model-unavailable",
      "3 failed model-unavailable",
      "13 failed internal",
      "4 failed sequence-lost",
    ]);
    assert.deepEqual([parts.host.pressure.breaker, counts(parts)], ["open", [2, "2 failed"]]);
  });

  it("leaves a sequence that can be begun anew, whatever still runs of the old", async () => {
    const parts = setUp({ isGated: true });
    const first = present(begin(parts, "a", 1));
    await serve(parts);
    parts.host.cancel(first, "client-left");
    goOn(parts, "a", 2);
    begin(parts, "a", 5);
    goOn(parts, "a", 6);
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "a ended cancelled",
      "1 failed sequence-lost",
      "2 failed sequence-lost",
      "5 done [[5]]",
      "6 done [[11]]",
    ]);
  });
});

describe("a frame that is refused", () => {
  async function begun(fields: Partial<HostSpec> = {}): Promise<Parts> {
    const parts = setUp({ spec: fields, isGated: true });
    begin(parts, "a", 1);
    await serve(parts);
    await letOneEnd(parts);
    return parts;
  }

  const mistakes: readonly (readonly [string, unknown])[] = [
    ["is no request", {}],
    ["has several rows", { features: [[1], [2]] }],
    ["brings the state", { inputs: { x: [[1]], h: [[2]] } }],
    ["brings samples, where the model takes none", { samples: [1] }],
  ];
  for (const [name, body] of mistakes) {
    it(`leaves its sequence as it was where it ${name}`, async () => {
      const parts = await begun();
      askBody(parts, body, claimOf("a", false), { id: 7 });
      goOn(parts, "a", 2);
      await serve(parts);
      await letAllEnd(parts);
      assert.deepEqual(said(parts), ["1 done [[1]]", "7 failed invalid-request", "2 done [[3]]"]);
    });
  }

  it("leaves its sequence as it was where the queue is full", async () => {
    const parts = await begun({ queue: { maxRows: 2, maxBytes: 10_000, maxSequences: 8 } });
    askAlone(parts, 50);
    await serve(parts);
    for (const value of [51, 52]) askAlone(parts, value);
    goOn(parts, "a", 7);
    await letAllEnd(parts);
    goOn(parts, "a", 2);
    await serve(parts);
    const answers = said(parts).filter((words) => !words.startsWith("5"));
    assert.deepEqual(answers, ["1 done [[1]]", "7 failed overloaded", "2 done [[3]]"]);
  });

  it("leaves those of its sequence as they are that wait already, where too many do", async () => {
    const parts = await begun({ queue: { maxRows: 8, maxBytes: 10_000, maxSequences: 8 } });
    goOn(parts, "a", 2);
    await serve(parts);
    for (const value of [3, 4, 5, 6]) goOn(parts, "a", value);
    const failure = lastFailure(parts);
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "5 failed overloaded",
      "6 failed overloaded",
      "2 done [[3]]",
      "3 done [[6]]",
      "4 done [[10]]",
    ]);
    assert.equal(
      failure.message,
      "Cannot queue request: the queue holds 2 frames of this sequence",
    );
  });
});

describe("a host that keeps as many sequences as it may", () => {
  const queue = { maxRows: 100, maxBytes: 10_000, maxSequences: 2 };

  it("sheds the next, and says when to try again", async () => {
    const parts = setUp({ spec: { queue } });
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
      ["c", 3],
    ] as const)
      begin(parts, key, value);
    await serve(parts);
    assert.deepEqual(said(parts), ["3 failed overloaded", "1 done [[1]]", "2 done [[2]]"]);
    assert.deepEqual(lastFailure(parts), {
      code: "overloaded",
      message: "Cannot begin sequence: the host keeps 2 of 2",
      retryAfterMs: 1_000,
    });
  });

  it("has room again when one has ended", async () => {
    const parts = setUp({ spec: { queue } });
    for (const [key, value] of [
      ["a", 1],
      ["b/", 2],
      ["c", 3],
    ] as const)
      begin(parts, key, value);
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "2 done [[2]]", "3 done [[3]]"]);
  });

  it("still takes what stands for itself", async () => {
    const parts = setUp({ spec: { queue } });
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      begin(parts, key, value);
    askAlone(parts, 3);
    await serve(parts);
    assert.equal(said(parts).at(-1), "3 done [[3]]");
  });
});

describe("a sequence that is idle", () => {
  it("is dropped after its time, and its door is told", async () => {
    const parts = setUp({ spec: { sequenceIdleMs: 500 } });
    begin(parts, "a", 1);
    await serve(parts);
    parts.clock.advance(400);
    begin(parts, "b", 2);
    await serve(parts);
    parts.clock.advance(200);
    goOn(parts, "a", 3);
    goOn(parts, "b", 4);
    await serve(parts);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "2 done [[2]]",
      "a ended idle",
      "3 failed sequence-lost",
      "4 done [[6]]",
    ]);
    assert.deepEqual(counts(parts), [2, "1 idle"]);
  });

  it("is not idle while its frames wait or run", async () => {
    const parts = setUp({ spec: { sequenceIdleMs: 500 }, isGated: true });
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    begin(parts, "b", 10);
    await serve(parts);
    for (let run = 0; run < 2; run += 1) {
      parts.clock.advance(3_000);
      await letOneEnd(parts);
    }
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "10 done [[10]]",
      "b ended idle",
      "2 done [[3]]",
    ]);
  });
});

describe("sequences and front doors", () => {
  it("end with the door that they came from, but for those that all may ask for", async () => {
    const parts = setUp();
    const other = new FakeDoor();
    begin(parts, "a", 1);
    begin(parts, "s", 10);
    begin(parts, "b", 20, { door: other });
    await serve(parts);
    parts.host.forget(parts.door);
    for (const [key, value] of [
      ["a", 2],
      ["s", 11],
      ["b", 21],
    ] as const) {
      goOn(parts, key, value, { door: other });
    }
    await serve(parts);
    assert.deepEqual(said({ door: other }), [
      "20 done [[20]]",
      "2 failed sequence-lost",
      "11 done [[21]]",
      "21 done [[41]]",
    ]);
    assert.deepEqual(said(parts), ["1 done [[1]]", "10 done [[10]]"]);
    assert.deepEqual(counts(parts), [3, "1 door-lost"]);
  });

  it("take with them what was queued, and what runs is for nobody", async () => {
    const parts = setUp({ isGated: true });
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    await serve(parts);
    parts.host.forget(parts.door);
    await letAllEnd(parts);
    assert.deepEqual([said(parts), runs(parts)], [[], [[1]]]);
    assert.deepEqual(left(parts), { queueRows: 0, inFlight: 0, sequences: 0 });
  });

  it("lose a shared one whose frame was never run, as its door is gone", async () => {
    const parts = setUp({ isGated: true });
    const other = new FakeDoor();
    begin(parts, "s", 1, { door: other });
    await serve(parts);
    await letOneEnd(parts);
    askAlone(parts, 50, { door: other });
    await serve(parts);
    goOn(parts, "s", 2);
    goOn(parts, "s", 3, { door: other });
    parts.host.forget(parts.door);
    await letAllEnd(parts);
    assert.deepEqual(said({ door: other }), [
      "1 done [[1]]",
      "s ended cancelled",
      "3 failed sequence-lost",
      "50 done [[50]]",
    ]);
    assert.deepEqual([said(parts), left(parts).sequences], [[], 0]);
  });

  it("tell the door that asked last", async () => {
    const parts = setUp({ spec: { sequenceIdleMs: 100 } });
    const other = new FakeDoor();
    begin(parts, "s", 1);
    goOn(parts, "s", 2, { door: other });
    await serve(parts);
    parts.clock.advance(1_000);
    assert.deepEqual(
      [said(parts), said({ door: other })],
      [["1 done [[1]]"], ["2 done [[3]]", "s ended idle"]],
    );
  });
});

describe("a host that drains, and keeps sequences,", () => {
  function draining(parts: Parts): readonly string[] {
    const told: string[] = [];
    parts.host.greet(parts.door);
    parts.host.drain(() => told.push("drained"));
    return told;
  }

  it("waits for them, runs their frames, and begins none", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    await serve(parts);
    const told = draining(parts);
    goOn(parts, "a", 2);
    begin(parts, "b", 3);
    begin(parts, "a", 4);
    askAlone(parts, 5);
    await serve(parts);
    const before = [...told];
    goOn(parts, "a/", 6);
    await serve(parts);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "3 failed draining",
      "4 failed draining",
      "5 failed draining",
      "2 done [[3]]",
      "6 done [[9]]",
    ]);
    assert.deepEqual([before, told[0]], [[], "drained"]);
  });

  it("is drained when the last is ended without a frame", async () => {
    const parts = setUp();
    for (const [key, value] of [
      ["a", 1],
      ["b", 2],
    ] as const)
      begin(parts, key, value);
    await serve(parts);
    const told = draining(parts);
    parts.host.endSequence("a");
    const before = [...told];
    parts.host.endSequence("b");
    assert.deepEqual([before, told], [[], ["drained"]]);
  });

  it("tells them when its patience is at an end, and gives up what they wait for", async () => {
    const parts = setUp({ spec: { drainSequencesMs: 3_000 }, isGated: true });
    begin(parts, "a", 1);
    goOn(parts, "a", 2);
    begin(parts, "b", 10);
    await serve(parts);
    const told = draining(parts);
    parts.clock.advance(2_999);
    const before = [...said(parts), ...told];
    parts.clock.advance(1);
    await letAllEnd(parts);
    assert.deepEqual(
      [before, said(parts)],
      [
        [],
        [
          "a ended draining",
          "2 failed sequence-lost",
          "1 failed sequence-lost",
          "b ended draining",
          "10 failed sequence-lost",
        ],
      ],
    );
    assert.equal(
      lastFailure(parts).message,
      "Cannot run frame: its sequence has ended, its host is being stopped",
    );
    assert.deepEqual([told[0], counts(parts)], ["drained", [2, "2 draining"]]);
  });

  it("does not wait where no front door is there", async () => {
    const parts = setUp({ spec: { drainSequencesMs: 3_000 } });
    begin(parts, "s", 1);
    await serve(parts);
    const told: string[] = [];
    parts.host.drain(() => told.push("drained"));
    parts.clock.advance(0);
    assert.deepEqual([told[0], said(parts).at(-1)], ["drained", "s ended draining"]);
  });

  it("does not wait for those of a door that leaves", async () => {
    const parts = setUp();
    begin(parts, "a", 1);
    await serve(parts);
    const told = draining(parts);
    const before = [...told];
    parts.host.forget(parts.door);
    assert.deepEqual([before, told[0]], [[], "drained"]);
  });

  it("finishes what has come of one that is ended", async () => {
    const parts = setUp({ isGated: true });
    begin(parts, "a", 1);
    goOn(parts, "a/", 2);
    await serve(parts);
    const told = draining(parts);
    await letOneEnd(parts);
    const before = [...told];
    await letOneEnd(parts);
    assert.deepEqual(
      [before, told[0], said(parts)],
      [[], "drained", ["1 done [[1]]", "2 done [[3]]"]],
    );
  });
});

/** Windows of three samples, each two after the last, and one zero in front. */
const signals: ModelMetadata = {
  ...modelMetadata(spec("x", [-1, 3]), spec("h", [-1, 1])),
  outputs: [spec("y", [-1, 1]), spec("hn", [-1, 1])],
  stream: { input: 0, window: 3, hop: 2, pad: "zeros" },
};

/** Adds up all samples of all windows. */
const sumOfWindows: Compute = ([x, h]) => {
  const [input, state] = [x, h] as [NamedTensor, NamedTensor];
  const [cells, remembered] = [numbersOf(input), numbersOf(state)];
  if (cells.includes(13)) throw new Error("unlucky");
  const sums = remembered.map((number, row) =>
    cells.slice(row * 3, row * 3 + 3).reduce((total, cell) => total + cell, number),
  );
  return { y: fp32([sums.length, 1], sums), hn: fp32(state.shape, sums) };
};

describe("a host that cuts signals", () => {
  const setting: Setting = { metadata: signals, compute: sumOfWindows };

  function hear(parts: Parts, key: string, samples: readonly unknown[], fields: Fields = {}) {
    return askBody(parts, { samples }, claimOf(key.replace("+", ""), !key.startsWith("+")), fields);
  }

  it("answers at once a piece that makes no window whole, with no rows", async () => {
    const parts = setUp({ ...setting, isGated: true });
    assert.equal(hear(parts, "a", [1], { id: 1 }), undefined);
    assert.deepEqual(said(parts), ["1 done 0"]);
    hear(parts, "+a", [2], { id: 2 });
    await serve(parts);
    hear(parts, "+a", [3], { id: 3 });
    assert.deepEqual(said(parts), ["1 done 0", "3 done 0"]);
    await letAllEnd(parts);
    assert.deepEqual(said(parts).slice(2), ["2 chunk at 0 [[3]]", "2 done 1"]);
    assert.deepEqual(runs(parts), [[0, 1, 2]]);
  });

  it("answers a long piece in chunks, with the position of each", async () => {
    const parts = setUp(setting);
    hear(parts, "a", [1, 2, 3, 4], { id: 1 });
    await serve(parts);
    hear(parts, "+a", [5, 6, 7], { id: 2 });
    await serve(parts);
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[3]]",
      "1 chunk at 2 [[12]]",
      "1 done 2",
      "2 chunk at 4 [[27]]",
      "2 done 1",
    ]);
    assert.deepEqual(runs(parts), [
      [0, 1, 2],
      [2, 3, 4],
      [4, 5, 6],
    ]);
  });

  /** The chunks of a signal that comes in pieces of the size. */
  async function chunksOf(signal: readonly number[], size: number): Promise<readonly string[]> {
    const parts = setUp(setting);
    for (let at = 0; at < signal.length; at += size) {
      const key = at === 0 ? "a" : "+a";
      const work = hear(parts, key, signal.slice(at, at + size));
      if (work !== undefined) parts.host.credit(work, 100);
      await serve(parts);
    }
    return said(parts).filter((words) => words.includes("chunk"));
  }

  it("gives the same whatever pieces a signal comes in", async () => {
    const signal = Array.from({ length: 24 }, (_, at) => at % 7);
    const whole = await chunksOf(signal, 24);
    assert.equal(whole.length, 12);
    for (const size of [1, 2, 3, 5]) assert.deepEqual(await chunksOf(signal, size), whole);
  });

  it("waits for a reader without credit, and for nobody else's", async () => {
    const parts = setUp(setting);
    const slow = present(hear(parts, "a", [1, 1, 1, 1, 1, 1, 1, 1], { id: 1 }));
    hear(parts, "+a", [1, 1], { id: 2 });
    hear(parts, "b", [5, 5, 5, 5], { id: 3 });
    await serve(parts);
    const before = said(parts);
    parts.host.credit(slow, 2);
    await settle();
    assert.deepEqual(before, [
      "1 chunk at 0 [[2]]",
      "3 chunk at 0 [[10]]",
      "1 chunk at 2 [[5]]",
      "3 chunk at 2 [[25]]",
      "3 done 2",
    ]);
    assert.deepEqual(said(parts).slice(5), [
      "1 chunk at 4 [[8]]",
      "1 chunk at 6 [[11]]",
      "1 done 4",
      "2 chunk at 8 [[14]]",
      "2 done 1",
    ]);
  });

  it("runs windows of several signals together, one of each", async () => {
    const parts = setUp(setting);
    for (const [id, key] of [
      [1, "a"],
      [2, "b"],
    ] as const)
      hear(parts, key, [id, id, id, id], { id });
    await serve(parts);
    assert.deepEqual(runs(parts), [
      [0, 1, 1, 0, 2, 2],
      [1, 1, 1, 2, 2, 2],
    ]);
  });

  it("loses nothing of a signal with a piece that is refused", async () => {
    const queue = { maxRows: 2, maxBytes: 10_000, maxSequences: 8 };
    const parts = setUp({ ...setting, spec: { queue }, isGated: true });
    hear(parts, "a", [1, 2, 3], { id: 1 });
    await serve(parts);
    for (const id of [2, 3]) askBody(parts, { features: [[id, 0, 0]] }, null, { id });
    hear(parts, "+a", [4], { id: 4 });
    hear(parts, "+a", ["x"], { id: 5 });
    await letAllEnd(parts);
    hear(parts, "+a", [6], { id: 6 });
    await serve(parts);
    assert.deepEqual(
      said(parts).filter((words) => !/^[23] /.test(words)),
      [
        "4 failed overloaded",
        "5 failed invalid-request",
        "1 chunk at 0 [[3]]",
        "1 done 1",
        "6 chunk at 2 [[14]]",
        "6 done 1",
      ],
    );
  });

  it("begins one anew with zeros in front", async () => {
    const parts = setUp(setting);
    for (const id of [1, 2]) {
      hear(parts, "a", [1, 2, 3], { id });
      await serve(parts);
    }
    assert.deepEqual(
      said(parts).filter((words) => words.includes("chunk")),
      ["1 chunk at 0 [[3]]", "2 chunk at 0 [[3]]"],
    );
  });

  it("refuses a piece outside a sequence", () => {
    const parts = setUp(setting);
    askBody(parts, { samples: [1, 2, 3] }, null, { id: 1 });
    assert.deepEqual(said(parts), ["1 failed invalid-request"]);
  });

  it("ends the sequence where a window fails, and runs no more of the piece", async () => {
    const parts = setUp(setting);
    const work = present(hear(parts, "a", [1, 2, 3, 13, 5, 6, 7, 8], { id: 1 }));
    hear(parts, "+a", [1, 2], { id: 2 });
    parts.host.credit(work, 10);
    await settle();
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[3]]",
      "1 failed internal",
      "a ended failed",
      "2 failed sequence-lost",
    ]);
    assert.deepEqual(
      [runs(parts).length, left(parts)],
      [2, { queueRows: 0, inFlight: 0, sequences: 0 }],
    );
  });

  it("ends the sequence where a piece expires whose reader takes nothing", async () => {
    const parts = setUp(setting);
    hear(parts, "a", [1, 1, 1, 1, 1, 1], { id: 1, deadlineAt: 50 });
    hear(parts, "+a", [1, 1], { id: 2 });
    await serve(parts);
    parts.clock.advance(50);
    await serve(parts);
    assert.deepEqual(said(parts).slice(2), [
      "1 failed deadline-exceeded",
      "a ended expired",
      "2 failed sequence-lost",
    ]);
    assert.equal(parts.metrics.dropped("expired").value, 0);
  });

  it("ends the sequence where a piece is cancelled while a window of it runs", async () => {
    const parts = setUp({ ...setting, isGated: true });
    const work = present(hear(parts, "a", [1, 1, 1, 1, 1, 1], { id: 1 }));
    await serve(parts);
    parts.host.cancel(work, "client-left");
    await letAllEnd(parts);
    assert.deepEqual(said(parts), ["1 failed cancelled", "a ended cancelled"]);
    assert.deepEqual([runs(parts).length, left(parts).inFlight], [1, 0]);
  });
});

describe("a host whose model's state grows", () => {
  const h = spec("h", [-1, -1]);
  const growing: ModelMetadata = {
    ...signals,
    inputs: [spec("x", [-1, 3]), h],
    outputs: [spec("y", [-1, 1]), { ...h, name: "hn" }],
  };

  /** Remembers the first sample of every window, and answers with the sum of them. */
  const collect: Compute = ([x, state]) => {
    const [input, remembered] = [x, state] as [NamedTensor, NamedTensor];
    const [rows = 0, length = 0] = remembered.shape;
    const cells = numbersOf(input);
    const lists = Array.from({ length: rows }, (_, row) => [
      ...numbersOf(remembered).slice(row * length, (row + 1) * length),
      cells[row * 3] ?? 0,
    ]);
    const sums = lists.map((list) => list.reduce((total, cell) => total + cell, 0));
    return { y: fp32([rows, 1], sums), hn: fp32([rows, length + 1], lists.flat()) };
  };

  const setting: Setting = { metadata: growing, compute: collect };

  function feed(parts: Parts, key: string, first: number, start = false) {
    askBody(parts, { features: [[first, 0, 0]] }, claimOf(key, start), { id: first });
  }

  /** How many rows each run had, and how long what they remembered was. */
  function shapes({ engine }: Parts) {
    return engine.runs.map(({ inputs: [, state] }) => state?.shape);
  }

  it("runs together what has grown as much, and only that", async () => {
    const parts = setUp(setting);
    feed(parts, "a", 1, true);
    await serve(parts);
    feed(parts, "a", 2);
    feed(parts, "b", 10, true);
    feed(parts, "c", 100, true);
    await serve(parts);
    for (const [key, first] of [
      ["b", 20],
      ["a", 3],
      ["c", 200],
    ] as const)
      feed(parts, key, first);
    await serve(parts);
    assert.deepEqual(shapes(parts), [
      [1, 0],
      [1, 1],
      [2, 0],
      [2, 1],
      [1, 2],
    ]);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "2 done [[3]]",
      "10 done [[10]]",
      "100 done [[100]]",
      "20 done [[30]]",
      "200 done [[300]]",
      "3 done [[6]]",
    ]);
  });

  it("knows it of frames that came while others of their sequence were waiting", async () => {
    const parts = setUp(setting);
    feed(parts, "a", 1, true);
    for (const first of [2, 3]) feed(parts, "a", first);
    await serve(parts);
    feed(parts, "b", 10, true);
    feed(parts, "a", 4);
    await serve(parts);
    assert.deepEqual(shapes(parts), [
      [1, 0],
      [1, 1],
      [1, 2],
      [1, 0],
      [1, 3],
    ]);
    assert.equal(said(parts).at(-1), "4 done [[10]]");
  });

  it("knows it of the windows of one piece", async () => {
    const parts = setUp({ ...setting, isGated: true });
    askBody(parts, { samples: [1, 2, 3, 4] }, claimOf("a", true), { id: 1 });
    await serve(parts);
    askBody(parts, { samples: [10, 20, 30, 40] }, claimOf("b", true), { id: 2 });
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "1 chunk at 0 [[0]]",
      "1 chunk at 2 [[2]]",
      "1 done 2",
      "2 chunk at 0 [[0]]",
      "2 chunk at 2 [[20]]",
      "2 done 2",
    ]);
    assert.deepEqual(shapes(parts), [
      [1, 0],
      [1, 1],
      [1, 0],
      [1, 1],
    ]);
  });
});
