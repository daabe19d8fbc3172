import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import type { Work } from "../../model-host/work.ts";
import type { HostSpec } from "../../src/protocol/control.ts";
import type { Batching } from "../../src/protocol/model-metadata.ts";
import { fp32, numbersOf } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { queueSettings } from "./host-spec.ts";
import {
  askAlone,
  askBody,
  begin,
  beginAll,
  claimOf,
  type Fields,
  goOn,
  left,
  letAllEnd,
  letOneEnd,
  modelMetadata,
  type Parts,
  present,
  runs,
  said,
  serve,
  setUp,
  spec,
} from "./sequence-host.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

function goOnAll(
  parts: Parts,
  values: Readonly<Record<string, number>>,
  fields: Fields = {},
): void {
  for (const [key, value] of Object.entries(values)) goOn(parts, key, value, fields);
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
    beginAll(parts, { a: 1, b: 10, c: 100 });
    goOnAll(parts, { a: 2, b: 20, c: 200 });
    await serve(parts);
    assert.deepEqual(runs(parts), [
      [1, 10, 100],
      [2, 20, 200],
    ]);
    assert.deepEqual(said(parts), [
      "1 done [[1]]",
      "10 done [[10]]",
      "100 done [[100]]",
      "2 done [[3]]",
      "20 done [[30]]",
      "200 done [[300]]",
    ]);
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
    beginAll(parts, { a: 1, b: 2 });
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

  it("answers with the state where nothing else comes out, as of a filter", async () => {
    const [x, h] = [spec("x", [-1, 1]), spec("h", [-1, 1])];
    const metadata = {
      ...modelMetadata(x, h),
      outputs: [{ ...h, name: "hn" }],
      state: [{ input: 1, output: 0, found: false }],
    };
    const parts = setUp({
      metadata,
      compute: ([input, state]) => {
        const remembered = numbersOf(state ?? fp32([1, 1], [0]));
        const cells = numbersOf(input ?? fp32([1, 1], [0]));
        const means = cells.map((cell, at) => ((remembered[at] ?? 0) + cell) / 2);
        return { hn: fp32([means.length, 1], means) };
      },
    });
    beginAll(parts, { a: 8, b: 16 });
    goOnAll(parts, { a: 2, b: 4 });
    await serve(parts);
    assert.deepEqual(said(parts), [
      "8 done [[4]]",
      "16 done [[8]]",
      "2 done [[3]]",
      "4 done [[6]]",
    ]);
  });

  it("has written that answer from what it was, though the next run takes the memory of the state", async () => {
    const [x, h] = [spec("x", [-1, 1]), spec("h", [-1, 1])];
    const metadata = {
      ...modelMetadata(x, h),
      outputs: [{ ...h, name: "hn" }],
      state: [{ input: 1, output: 0, found: false }],
    };
    const parts = setUp({ metadata });
    begin(parts, "a", 1);
    for (const value of [2, 3]) goOn(parts, "a", value);
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "2 done [[3]]", "3 done [[6]]"]);
  });

  it("runs the frames of a suspect alone, each with what the one before has left", async () => {
    const parts = setUp();
    begin(parts, "a", 1, { alone: true });
    beginAll(parts, { b: 10, c: 100 });
    goOn(parts, "a", 2, { alone: true });
    goOn(parts, "b", 20);
    await serve(parts);
    assert.deepEqual(runs(parts), [[1], [10, 100], [2], [20]]);
    assert.deepEqual(
      said(parts).filter((words) => /^[12] /.test(words)),
      ["1 done [[1]]", "2 done [[3]]"],
    );
  });

  it("lets one that sends much not starve the others", async () => {
    const one: Batching = { type: "one-by-one", reason: "" };
    const metadata = modelMetadata(spec("x", [1, 1]), spec("h", [1, 1]), one);
    const parts = setUp({ metadata, isGated: true });
    begin(parts, "a", 1);
    for (let value = 2; value < 100; value += 1) goOn(parts, "a", value);
    await serve(parts);
    beginAll(parts, { b: 1000, c: 2000 });
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
    beginAll(parts, { a: 1, b: 2, c: 3 });
    const { pressure, load } = parts.host;
    parts.host.endSequence("b");
    assert.deepEqual([pressure.sequences, load.sequences, left(parts).sequences], [3, 3, 2]);
    assert.deepEqual(counts(parts), [3, "1 end"]);
  });

  it("counts of how many a frame was in a run", async () => {
    const parts = setUp();
    beginAll(parts, { a: 1, b: 2 });
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
  /** What stands for itself runs; 2 and 3 of `a` wait, and the first of `b` behind them. */
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

    it(`ends its sequence when it is cancelled while it runs (${reason}), and is answered still`, async () => {
      const parts = setUp({ isGated: true });
      const first = present(begin(parts, "a", 1));
      await serve(parts);
      for (const value of [2, 3]) goOn(parts, "a", value);
      parts.host.cancel(first, reason);
      const before = said(parts);
      await letAllEnd(parts);
      const ended = [`a ended ${end}`, "2 failed sequence-lost", "3 failed sequence-lost"];
      assert.deepEqual([before, said(parts)], [ended, [...ended, "1 done [[1]]"]]);
      assert.deepEqual(
        [runs(parts), left(parts)],
        [[[1]], { queueRows: 0, inFlight: 0, sequences: 0 }],
      );
    });
  }

  it("does not take with it those before it, which wait or run", async () => {
    const parts = setUp({ isGated: true });
    begin(parts, "a", 1);
    await serve(parts);
    goOn(parts, "a", 2);
    const third = present(goOn(parts, "a", 3));
    for (const value of [4, 5]) goOn(parts, "a", value);
    parts.host.cancel(third, "client-left");
    const before = said(parts);
    await letAllEnd(parts);
    goOn(parts, "a", 6);
    assert.deepEqual(before, [
      "3 failed cancelled",
      "a ended cancelled",
      "4 failed sequence-lost",
      "5 failed sequence-lost",
    ]);
    assert.deepEqual(said(parts).slice(4), [
      "1 done [[1]]",
      "2 done [[3]]",
      "6 failed sequence-lost",
    ]);
  });

  it("expires with others of its sequence: each is told what became of it", async () => {
    const parts = await waiting({ deadlineAt: 60 });
    goOn(parts, "a", 4, { deadlineAt: 40 });
    goOn(parts, "a", 5, { deadlineAt: 50 });
    parts.clock.advance(50);
    await letAllEnd(parts);
    assert.deepEqual(
      said(parts).filter((words) => !/^[56]0 /.test(words)),
      [
        "4 failed deadline-exceeded",
        "a ended expired",
        "5 failed sequence-lost",
        "2 done [[3]]",
        "3 done [[6]]",
      ],
    );
  });

  it("is given up once", async () => {
    const parts = await waiting();
    for (const reason of ["client-left", "expired"] as const) {
      parts.host.cancel(parts.second, reason);
    }
    begin(parts, "a", 4);
    parts.host.cancel(parts.second, "expired");
    await letAllEnd(parts);
    assert.deepEqual(said(parts), [
      "2 failed cancelled",
      "a ended cancelled",
      "3 failed sequence-lost",
      "50 done [[50]]",
      "60 done [[60]]",
      "4 done [[4]]",
    ]);
  });

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

  it("does not end its sequence when only its answer cannot be written", async () => {
    const parts = setUp();
    begin(parts, "a", 1, { id: 404 });
    for (const value of [2, 3]) goOn(parts, "a", value);
    await serve(parts);
    assert.deepEqual(said(parts), ["404 failed internal", "2 done [[3]]", "3 done [[6]]"]);
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
      "2 failed sequence-lost",
      "1 done [[1]]",
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
    const parts = await begun({ queue: queueSettings({ maxRows: 2 }) });
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

  it("leaves what was there under a shared key that it was to begin anew", async () => {
    const parts = setUp();
    begin(parts, "s", 1);
    await serve(parts);
    askBody(parts, {}, claimOf("s", true), { id: 7 });
    goOn(parts, "s", 2);
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "7 failed invalid-request", "2 done [[3]]"]);
    assert.deepEqual(counts(parts), [1]);
  });

  it("leaves those of its sequence as they are that wait already, where too many do", async () => {
    const parts = await begun({ queue: queueSettings({ maxRows: 8 }) });
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
  const queue = queueSettings({ maxSequences: 2 });

  it("sheds the next, and says when to try again", async () => {
    const parts = setUp({ spec: { queue } });
    beginAll(parts, { a: 1, b: 2, c: 3 });
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
    beginAll(parts, { a: 1, "b/": 2, c: 3 });
    await serve(parts);
    assert.deepEqual(said(parts), ["1 done [[1]]", "2 done [[2]]", "3 done [[3]]"]);
  });

  it("tells the front doors at once when it has room again", () => {
    const parts = setUp({ spec: { queue } });
    begin(parts, "a", 1);
    parts.host.endSequence("a");
    beginAll(parts, { a: 2, b: 3 });
    const before = [...parts.pressures];
    parts.host.endSequence("b");
    assert.deepEqual([before, parts.pressures], [[], [1]]);
  });

  it("still takes what stands for itself", async () => {
    const parts = setUp({ spec: { queue } });
    beginAll(parts, { a: 1, b: 2 });
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

  it("has its whole time again when a frame has run", async () => {
    const parts = setUp({ spec: { sequenceIdleMs: 500 }, isGated: true });
    begin(parts, "a", 1);
    await serve(parts);
    parts.clock.advance(450);
    await letOneEnd(parts);
    parts.clock.advance(450);
    const before = left(parts).sequences;
    parts.clock.advance(100);
    assert.deepEqual([before, left(parts).sequences], [1, 0]);
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
    goOnAll(parts, { a: 2, s: 11, b: 21 }, { door: other });
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

  it("run what another door had sent before that frame", async () => {
    const parts = setUp({ isGated: true });
    const other = new FakeDoor();
    askAlone(parts, 50, { door: other });
    await serve(parts);
    begin(parts, "s", 1, { door: other });
    goOn(parts, "s", 2);
    goOn(parts, "s", 3, { door: other });
    goOn(parts, "s", 4);
    parts.host.forget(parts.door);
    await letAllEnd(parts);
    assert.deepEqual(said({ door: other }), [
      "3 failed sequence-lost",
      "50 done [[50]]",
      "1 done [[1]]",
    ]);
    // The door that asked last is told of the end, though nobody is there to hear of it.
    assert.deepEqual(said(parts), ["s ended cancelled"]);
    assert.deepEqual(left(parts), { queueRows: 0, inFlight: 0, sequences: 0 });
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
    beginAll(parts, { a: 1, b: 2 });
    await serve(parts);
    const told = draining(parts);
    parts.host.endSequence("a");
    const before = [...told];
    parts.host.endSequence("b");
    assert.deepEqual([before, told], [[], ["drained"]]);
  });

  it("tells them when its patience is at an end, and gives up all but what runs", async () => {
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
          "b ended draining",
          "1 done [[1]]",
          "10 done [[10]]",
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

  it("does not wait where the last front door has left before", async () => {
    const parts = setUp();
    begin(parts, "s", 1);
    await serve(parts);
    parts.host.greet(parts.door);
    parts.host.forget(parts.door);
    const told: string[] = [];
    parts.host.drain(() => told.push("drained"));
    parts.clock.advance(0);
    assert.equal(told[0], "drained");
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
