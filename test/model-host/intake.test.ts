import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Answers } from "../../model-host/answers.ts";
import { fingerprint } from "../../model-host/fingerprint.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import { Intake } from "../../model-host/intake.ts";
import { LoadFigures } from "../../model-host/load-figures.ts";
import { Sequences } from "../../model-host/sequences.ts";
import type { Work } from "../../model-host/work.ts";
import { WorkQueue } from "../../model-host/work-queue.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { SequenceClaim } from "../../src/protocol/sequences.ts";
import { newSignal } from "../../src/tensors/windows.ts";
import { FakeClock } from "../fake-clock.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor, fakeWork, servedModel } from "./fake-work.ts";
import { queueSettings, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 2], batchAxis: 0 };
const stream = { input: 0, window: 2, hop: 1, pad: "zeros" } as const;
const pressure = {
  queuedRows: 4,
  runningRows: 0,
  rowCostMs: 10,
  batchCostMs: 10,
  rowsPerRequest: 1,
  breaker: "closed",
  draining: false,
  breakerRetryMs: 0,
  sequences: 0,
} as const;

/** Takes pairs of samples, each one after the last. */
function setUp({ maxRows = 8, poison = [] }: { maxRows?: number; poison?: string[] } = {}) {
  const clock = new FakeClock();
  const metrics = createHostMetrics("m", "1");
  const model = servedModel({
    inputs: [x],
    outputs: [{ ...x, name: "y" }],
    batching: { type: "batched", maxBatchSize: 4 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream,
  });
  const answers = new Answers({ model, metrics, log: quietLog, tell: async () => undefined });
  const queue = new WorkQueue<Work>(queueSettings({ maxRows }));
  const sequences = new Sequences({
    clock,
    metrics,
    log: quietLog,
    most: 2,
    mostBytes: 1_000,
    idleMs: 1_000,
    newSignal: () => newSignal(stream, x),
    onRoom: () => undefined,
  });
  const figures = new LoadFigures();
  const intake = new Intake({
    spec: { poison },
    model,
    clock,
    metrics,
    queue,
    sequences,
    answers,
    figures,
    pressure: () => pressure,
  });
  const door = new FakeDoor();
  const take = (
    body: unknown,
    claim?: Partial<SequenceClaim>,
    fields: Partial<RequestFrame> = {},
  ) => intake.take(frame(body, claim, fields), door);
  /** Where the signal of a sequence stands. */
  const carried = (key: string) => {
    const signal = sequences.get(key)?.signal;
    return signal && [signal.position, [...(signal.carried as Float32Array)]];
  };
  return { intake, queue, sequences, figures, door, take, carried };
}

function frame(
  body: unknown,
  claim: Partial<SequenceClaim> | undefined,
  fields: Partial<RequestFrame>,
): RequestFrame {
  const sequence =
    claim === undefined ? null : { key: "a", start: false, end: false, shared: false, ...claim };
  return requestFrame(body, { id: 1, deadlineAt: 1_000, sequence, ...fields });
}

const start = { start: true };
const pair = { features: [1, 2] };
const invalid = { features: "x" };

describe("an intake", () => {
  it("queues what stands for itself, and notes how many rows it has", () => {
    const { queue, figures, take } = setUp();
    const work = take({
      features: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    });
    assert.deepEqual([work?.sequence, queue.oldest === work, queue.rows], [null, true, 3]);
    assert.ok(figures.rowsPerRequest > 1);
  });

  it("counts no more of a long stream than one batch of it", () => {
    const features = Array.from({ length: 800 }, () => [1, 2]);
    const [whole, streamed, batch] = [setUp(), setUp(), setUp()];
    whole.take({ features });
    streamed.take({ features }, undefined, { stream: true });
    batch.take({ features: features.slice(0, 4) });
    assert.equal(streamed.figures.rowsPerRequest, batch.figures.rowsPerRequest);
    assert.ok(whole.figures.rowsPerRequest > 10);
  });

  it("queues a frame in its sequence, of which one row runs at a time", () => {
    const { queue, sequences, figures, take } = setUp();
    const work = take({ samples: [1, 2, 3] }, start);
    assert.deepEqual(
      [work?.sequence === sequences.get("a"), queue.rows, figures.rowsPerRequest > 1],
      [true, 1, true],
    );
  });

  it("has no work where samples make no window whole, and has answered", () => {
    const { queue, door, take, carried } = setUp();
    assert.equal(take({ samples: [] }, start), undefined);
    assert.deepEqual([queue.size, door.said.map(({ type }) => type)], [0, ["done"]]);
    assert.deepEqual(carried("a"), [0, [0]]);
  });

  it("queues a piece that makes no window whole behind others of its sequence", () => {
    const { queue, sequences, door, take, carried } = setUp();
    take({ samples: [1] }, start);
    const work = take({ samples: [] }, {});
    assert.deepEqual([work?.rows, queue.size, door.said], [0, 2, []]);
    assert.deepEqual(sequences.get("a")?.lane.waiting, [work]);
    assert.deepEqual(carried("a"), [1, [1]]);
  });

  it("moves the signal on with what it takes", () => {
    const { take, carried } = setUp();
    take({ samples: [1, 2] }, start);
    const before = carried("a");
    take({ samples: [3] }, {});
    assert.deepEqual(
      [before, carried("a")],
      [
        [2, [2]],
        [3, [3]],
      ],
    );
  });

  it("ends a sequence with the frame that is its last", () => {
    const { queue, sequences, take } = setUp();
    take(pair, { ...start, end: true });
    assert.deepEqual([sequences.size, queue.size], [0, 1]);
  });

  it("ends a sequence with the last piece of a signal, though it makes no window whole", () => {
    const { sequences, take } = setUp();
    take({ samples: [] }, { ...start, end: true });
    assert.equal(sequences.size, 0);
  });

  it("refuses inputs that have killed a host, whether it knew them from the start or not", () => {
    const poison = fingerprint(fakeWork({ inputs: [fp32([1, 2], [1, 2])] }).request);
    const { intake, queue, take } = setUp({ poison: [poison] });
    assert.throws(() => take(pair), { code: "poison-request" });
    take({ features: [3, 4] });
    intake.addPoison(fingerprint(fakeWork({ inputs: [fp32([1, 2], [3, 4])] }).request));
    assert.throws(() => take({ features: [3, 4] }), { code: "poison-request" });
    assert.equal(queue.size, 1);
  });
});

describe("an intake and poison", () => {
  const poison = fingerprint(fakeWork({ inputs: [fp32([1, 2], [1, 2])] }).request);

  it("refuses a first frame whose inputs have killed a host, but no other, as it means something else", () => {
    const { queue, take } = setUp({ poison: [poison] });
    assert.throws(() => take(pair, start), { code: "poison-request" });
    const work = take(pair, {});
    assert.deepEqual([work?.fingerprint, queue.size], [null, 1]);
  });

  it("knows what a suspect's inputs are, unless they are not the first of their sequence", () => {
    const { take } = setUp();
    const alone = { alone: true };
    const works = [take(pair, undefined, alone), take(pair, start, alone), take(pair, {}, alone)];
    assert.deepEqual(
      works.map((work) => work?.fingerprint),
      [poison, poison, null],
    );
  });
});

describe("an intake that refuses a frame", () => {
  for (const body of [invalid, { samples: [1, "x"] }]) {
    it(`leaves its sequence as it was, even where it would have been the last (${JSON.stringify(body)})`, () => {
      const { queue, sequences, take, carried } = setUp();
      take({ samples: [9] }, start);
      const kept = sequences.get("a");
      assert.throws(() => take(body, { end: true }), { code: "invalid-request" });
      assert.deepEqual(
        [sequences.get("a") === kept, queue.size, carried("a")],
        [true, 1, [1, [9]]],
      );
    });
  }

  it("leaves its sequence as it was where there is no room, and says when there may be", () => {
    const { queue, sequences, take, carried } = setUp({ maxRows: 4 });
    take({ samples: [1] }, start);
    take({
      features: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    });
    const kept = sequences.get("a");
    assert.throws(() => take({ samples: [3] }, { end: true }), {
      code: "overloaded",
      message: "Cannot queue request: the queue holds 4 of 4 rows",
      retryAfterMs: 20,
    });
    assert.deepEqual([sequences.get("a") === kept, queue.size], [true, 2]);
    assert.deepEqual(carried("a"), [1, [1]]);
  });

  it("has begun its sequence anew all the same, where the key is nobody else's", () => {
    const { sequences, take, carried } = setUp();
    take({ samples: [1, 2, 3] }, start);
    const before = sequences.get("a");
    assert.throws(() => take(invalid, start), { code: "invalid-request" });
    assert.deepEqual([sequences.get("a") === before, sequences.size], [false, 1]);
    assert.deepEqual(carried("a"), [0, [0]]);
  });

  it("keeps the sequence that was there, where others share its key", () => {
    const { sequences, take } = setUp();
    const shared = { ...start, shared: true };
    take(pair, shared);
    const before = sequences.get("a");
    assert.throws(() => take(invalid, shared), { code: "invalid-request" });
    assert.throws(() => take(invalid, { ...shared, key: "b" }), { code: "invalid-request" });
    assert.deepEqual([sequences.get("a") === before, sequences.size], [true, 1]);
    take(pair, shared);
    assert.notEqual(sequences.get("a"), before);
  });

  it("knows what it cannot know of a sequence that is not here", () => {
    const { queue, take } = setUp();
    assert.throws(() => take(invalid, {}), { code: "sequence-lost" });
    assert.equal(queue.size, 0);
  });

  it("begins no sequence past the bound", () => {
    const { queue, sequences, take } = setUp();
    for (const key of ["a", "b"]) take(pair, { ...start, key });
    assert.throws(() => take(pair, { ...start, key: "c" }), { code: "overloaded" });
    assert.deepEqual([sequences.size, queue.size], [2, 2]);
  });
});
