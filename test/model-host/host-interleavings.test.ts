import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it, mock } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { NamedTensor } from "../../model-host/engine.ts";
import { Host } from "../../model-host/host.ts";
import { createHostMetrics } from "../../model-host/host-metrics.ts";
import type { Door, Work } from "../../model-host/work.ts";
import { between, type Random, seededRandom } from "../../models/random.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import type { CancelReason, RequestFrame } from "../../src/protocol/frames.ts";
import type { ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { EndReason, SequenceClaim } from "../../src/protocol/sequences.ts";
import { FakeClock } from "../fake-clock.ts";
import { type Compute, FakeEngine, fp32, numbersOf } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";
import { hostSpec, queueSettings, quietLog } from "./host-spec.ts";
import { requestFrame } from "./request-frame.ts";

// opossum takes no clock, so its timers are the test runner's.
beforeEach(() => mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"] }));
afterEach(() => mock.timers.reset());

const unlucky = 13;
const modulus = 8_191;

/** Tells from its result which values went in, and in which order. */
function next(state: number, value: number): number {
  return (31 * state + value + 1) % modulus;
}

function spec(name: string, shape: readonly number[], batchAxis = 0): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis };
}

/** The state, whose rows stand at axis 1, is the last result, and what it is negated. */
const metadata: ModelMetadata = {
  inputs: [spec("x", [-1, 1]), spec("h", [2, -1], 1)],
  outputs: [spec("hn", [2, -1], 1), spec("y", [-1, 1])],
  batching: { type: "batched", maxBatchSize: 4 },
  notServable: [],
  externalFiles: [],
  state: [{ input: 1, output: 0, found: false }],
  stream: null,
};

const compute: Compute = ([x, h]) => {
  const [input, state] = [x, h] as [NamedTensor, NamedTensor];
  const [cells, remembered] = [numbersOf(input), numbersOf(state)];
  const rows = cells.length;
  assert.deepEqual(state.shape, [2, rows]);
  if (cells.includes(unlucky)) throw new Error("unlucky");
  for (let row = 0; row < rows; row += 1) {
    assert.equal((remembered[rows + row] ?? 0) + (remembered[row] ?? 0), 0);
  }
  const y = cells.map((cell, row) => next(remembered[row] ?? 0, cell));
  return { y: fp32([rows, 1], y), hn: fp32([2, rows], [...y, ...y.map((one) => -one)]) };
};

const limits = queueSettings({ maxRows: 12, maxBytes: 2_000, maxSequences: 5 });
const idleMs = 150;
/** A run ends when the test says so, which may be after the clock has been moved often. */
const longestRunMs = 1_000;

type Answer =
  | { readonly type: "done"; readonly value: number }
  | { readonly type: "failed"; readonly code: ErrorCode };

/** What a request should be answered, as far as it is known when it is sent. */
interface Frame {
  readonly id: number;
  readonly door: Witness;
  readonly value: number;
  readonly deadlineAt: number;
  /** Null where it stands for itself. */
  readonly life: Life | null;
  cancelled: CancelReason | null;
  answer: Answer | null;
}

/** A sequence from its beginning to its end. */
interface Life {
  readonly key: string;
  /** Those that were taken, in order. */
  readonly frames: Frame[];
  usedAt: number;
  /** Why it may end. */
  readonly causes: EndReason[];
  /** A front door that had frames in it is gone. */
  isTorn: boolean;
}

/** Hands on what it is told when it is told. */
class Witness extends FakeDoor {
  readonly #name: string;
  readonly #reference: Reference;
  /** As a connection: what has its answer cannot be cancelled any more. */
  readonly works = new Map<number, Work>();

  constructor(name: string, reference: Reference) {
    super();
    this.#name = name;
    this.#reference = reference;
  }

  get name(): string {
    return this.#name;
  }

  override done(answer: Parameters<Door["done"]>[0]): void {
    this.works.delete(answer.id);
    const body = JSON.parse(Buffer.from(answer.body.json).toString());
    this.#reference.answer(answer.id, { type: "done", value: body["predictions"][0][0] });
  }

  override failed({ id, failure }: Parameters<Door["failed"]>[0]): void {
    this.works.delete(id);
    this.#reference.answer(id, { type: "failed", code: failure.code });
  }

  override ended(key: string, reason: EndReason): void {
    this.#reference.end(key, reason);
  }

  override running(): void {}
}

/** What becomes of requests, sequence by sequence, as simply as it can be said. */
class Reference {
  readonly #clock: FakeClock;
  readonly frames = new Map<number, Frame>();
  readonly lives = new Map<string, Life>();
  readonly outcomes = new Map<string, number>();
  /** The request that is being taken: an answer that comes meanwhile refuses it. */
  taking: Frame | null = null;
  refusal: ErrorCode | null = null;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  answer(id: number, answer: Answer): void {
    if (this.taking?.id === id) {
      assert.equal(answer.type, "failed");
      this.refusal = answer.type === "failed" ? answer.code : null;
      this.#count(`refused ${this.refusal}`);
      return;
    }
    const frame = this.frames.get(id);
    assert.ok(frame !== undefined, `${id} was asked for`);
    assert.equal(frame.answer, null, `${id} has no answer yet`);
    frame.answer = answer;
    this.#count(answer.type === "done" ? "done" : answer.code);
    if (answer.type === "done") assert.equal(answer.value, expectedOf(frame));
    else this.#checkFailure(frame, answer.code);
  }

  #count(outcome: string): void {
    this.outcomes.set(outcome, (this.outcomes.get(outcome) ?? 0) + 1);
  }

  #checkFailure(frame: Frame, code: ErrorCode): void {
    if (code === "sequence-lost") {
      const isLost = frame.life?.isTorn || framesBefore(frame).some(isBroken);
      assert.ok(isLost, `${frame.id} is behind a frame that was not run`);
      return;
    }
    const cause = this.#causeOf(frame, code);
    assert.ok(cause !== undefined, `${code} has its reason`);
    frame.life?.causes.push(cause);
  }

  #causeOf(frame: Frame, code: ErrorCode): EndReason | undefined {
    const leftMs = frame.deadlineAt - this.#clock.now();
    // One that stands for itself is left out where its run would end too late.
    const isLate = leftMs <= (frame.life === null ? longestRunMs : 0);
    const isExpired = isLate || frame.cancelled === "expired";
    if (code === "deadline-exceeded" && isExpired) return "expired";
    if (code === "cancelled" && frame.cancelled === "client-left") return "cancelled";
    return code === "internal" && frame.value === unlucky ? "failed" : undefined;
  }

  end(key: string, reason: EndReason): void {
    this.#count(`ended ${reason}`);
    const life = this.lives.get(key);
    assert.ok(life !== undefined, `${key} was there`);
    if (reason === "idle") this.#checkIdle(life);
    else assert.ok(life.causes.includes(reason), `${key} had a reason to end: ${reason}`);
    life.causes.push(reason);
    this.lives.delete(key);
  }

  #checkIdle({ frames, usedAt }: Life): void {
    assert.ok(
      frames.every(({ answer }) => answer !== null),
      "nothing of it waits or runs",
    );
    assert.ok(this.#clock.now() - usedAt >= idleMs, "it was idle for its time");
  }

  /** What the frame must be refused with; null where only the queue may refuse it. */
  mustRefuse({ key, start }: SequenceClaim, isValid: boolean): ErrorCode | null {
    const isKnown = this.lives.has(key);
    if (!start && !isKnown) return "sequence-lost";
    if (start && !isKnown && this.lives.size >= limits.maxSequences) return "overloaded";
    return isValid ? null : "invalid-request";
  }
}

/** Those of its sequence that were taken before it. */
function framesBefore(frame: Frame): readonly Frame[] {
  const frames = frame.life?.frames ?? [];
  return frames.slice(0, frames.indexOf(frame));
}

/** Those behind it are lost, even where it ran to its end after all. */
function isBroken({ answer, cancelled }: Frame): boolean {
  return answer?.type === "failed" || cancelled !== null;
}

/** What it gives after all the frames before it, which must have been answered, and not been given up. */
function expectedOf(frame: Frame): number {
  const before = frame.life === null ? [] : framesBefore(frame);
  const isSound = before.every((one) => one.answer !== null && !isBroken(one));
  assert.ok(isSound, `all before ${frame.id} were run`);
  return [...before, frame].reduce((state, { value }) => next(state, value), 0);
}

/** A host under random treatment, whose every word is held against the reference. */
class Trial {
  readonly #random: Random;
  readonly clock = new FakeClock();
  readonly engine = new FakeEngine(compute);
  readonly reference = new Reference(this.clock);
  readonly host: Host;
  #doors: Witness[];
  #asked = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.engine.isGated = true;
    this.host = new Host({
      spec: hostSpec({
        queue: limits,
        sequenceIdleMs: idleMs,
        breaker: { errorThresholdPercent: 100, minRequests: 1e6, windowMs: 10_000, resetMs: 5_000 },
      }),
      metadata,
      engine: this.engine,
      clock: this.clock,
      metrics: createHostMetrics("m", "1"),
      log: quietLog,
      tell: async () => undefined,
      onPressure: () => undefined,
      onWork: () => undefined,
    });
    this.#doors = ["1", "2"].map((name) => this.#newDoor(name));
  }

  #newDoor(name: string): Witness {
    const door = new Witness(name, this.reference);
    this.host.greet(door);
    return door;
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.5) this.#sendFrame();
    else if (dice < 0.55) this.#sendAlone();
    else if (dice < 0.62) this.#cancel();
    else if (dice < 0.65) this.#endSequence();
    else if (dice < 0.75) this.clock.advance(1 + this.#draw(12));
    else if (dice < 0.752) this.#loseDoor();
    else if (dice < 0.762) this.clock.advance(1.5 * idleMs);
    else this.engine.letOneEnd();
    this.host.pump();
    await turn();
    await turn();
    assert.equal(this.host.load.sequences, this.reference.lives.size);
  }

  #draw(below: number): number {
    return Math.floor(between(this.#random, 0, below));
  }

  #isLucky(share: number): boolean {
    return this.#random() < share;
  }

  /** Six sequences: two of each door, and two that both ask for. */
  #anyKey(): { readonly key: string; readonly door: Witness } {
    const at = this.#draw(6);
    const door = this.#doors[at < 4 ? at % 2 : this.#draw(2)] as Witness;
    return { key: at < 4 ? `${door.name}-${at}` : `shared-${at}`, door };
  }

  #sendFrame(): void {
    const { key, door } = this.#anyKey();
    const isKnown = this.reference.lives.has(key);
    const start = this.#isLucky(isKnown ? 0.08 : 0.9);
    const claim = { key, start, end: this.#isLucky(0.06), shared: key.startsWith("shared") };
    const isValid = !this.#isLucky(0.06);
    const must = this.reference.mustRefuse(claim, isValid);
    const life = start ? newLife(key) : (this.reference.lives.get(key) ?? null);
    const frame = this.#send(door, { claim, life, isValid });
    const { refusal } = this.reference;
    assert.equal(refusal, must ?? (refusal === "overloaded" ? refusal : null));
    if (life !== null) this.#join(life, frame, { claim, must });
  }

  #join(
    life: Life,
    frame: Frame,
    { claim, must }: { claim: SequenceClaim; must: ErrorCode | null },
  ) {
    const { lives, refusal } = this.reference;
    life.usedAt = this.clock.now();
    // What is refused begins a sequence too, unless others share its key, or there is no room.
    const isBegun = refusal === null || !(claim.shared || must === "overloaded");
    if (claim.start && isBegun) lives.set(life.key, life);
    if (refusal !== null) return;
    life.frames.push(frame);
    if (claim.end) lives.delete(life.key);
  }

  #sendAlone(): void {
    this.#send(this.#doors[this.#draw(2)] as Witness, { claim: null, life: null, isValid: true });
  }

  #send(
    door: Witness,
    { claim, life, isValid }: { claim: SequenceClaim | null; life: Life | null; isValid: boolean },
  ): Frame {
    this.#asked += 1;
    const value = this.#isLucky(0.04) ? unlucky : 20 + this.#draw(50);
    const lifetimeMs = this.#isLucky(0.12) ? this.#draw(25) : 100_000;
    const id = this.#asked;
    const deadlineAt = this.clock.now() + lifetimeMs;
    const frame: Frame = { id, door, value, deadlineAt, life, cancelled: null, answer: null };
    this.reference.taking = frame;
    this.reference.refusal = null;
    const work = this.host.accept(frameOf(frame, claim, isValid), door);
    this.reference.taking = null;
    assert.equal(work === undefined, this.reference.refusal !== null);
    if (work === undefined) return frame;
    door.works.set(id, work);
    this.reference.frames.set(id, frame);
    return frame;
  }

  #cancel(): void {
    const outstanding = this.#doors.flatMap(({ works }) => [...works]);
    const [id, work] = outstanding[this.#draw(outstanding.length)] ?? [];
    const frame = this.reference.frames.get(id ?? -1);
    if (work === undefined || frame === undefined) return;
    const reason = this.#isLucky(0.5) ? "expired" : "client-left";
    frame.cancelled = reason;
    frame.life?.causes.push(reason === "expired" ? "expired" : "cancelled");
    this.host.cancel(work, reason);
  }

  #endSequence(): void {
    const { key } = this.#anyKey();
    this.reference.lives.delete(key);
    this.host.endSequence(key);
  }

  /** What it asked for is answered to nobody; those of others may be lost with it. */
  #loseDoor(): void {
    const at = this.#draw(2);
    const door = this.#doors[at] as Witness;
    for (const id of door.works.keys()) {
      const frame = this.reference.frames.get(id);
      this.reference.frames.delete(id);
      if (frame?.life) tear(frame.life);
    }
    for (const key of this.reference.lives.keys()) {
      if (key.startsWith(door.name)) this.reference.lives.delete(key);
    }
    this.host.forget(door);
    this.#doors = this.#doors.with(at, this.#newDoor(door.name));
  }

  /** Lets all that is there run, and ends all sequences. */
  async end(): Promise<void> {
    this.engine.isGated = false;
    this.engine.letOneEnd();
    for (let turns = 0; turns < 500 && this.host.load.inFlight > 0; turns += 1) await turn();
    for (const key of [...this.reference.lives.keys()]) {
      this.reference.lives.delete(key);
      this.host.endSequence(key);
    }
    this.host.close();
  }
}

function newLife(key: string): Life {
  return { key, frames: [], usedAt: 0, causes: [], isTorn: false };
}

function tear(life: Life): void {
  life.isTorn = true;
  life.causes.push("cancelled");
}

function frameOf(
  { id, value, deadlineAt }: Frame,
  claim: SequenceClaim | null,
  isValid: boolean,
): RequestFrame {
  const body = isValid ? { features: [[value]] } : { features: [[value], [value]] };
  const priority = id % 7 === 0 ? "low" : "normal";
  return requestFrame(body, { id, priority, deadlineAt, sequence: claim });
}

describe("a host, however frames, resets, ends, cancels, deadlines and failures fall together,", () => {
  const outcomes = new Map<string, number>();

  for (let seed = 1; seed <= 40; seed += 1) {
    it(`gives each frame one answer, and the right one, seed ${seed}`, async () => {
      const trial = new Trial(seed);
      for (let at = 0; at < 400; at += 1) await trial.step();
      await trial.end();
      const frames = [...trial.reference.frames.values()];
      assert.deepEqual(
        frames.filter(({ answer }) => answer === null).map(({ id }) => id),
        [],
      );
      const { queueRows, inFlight, sequences } = trial.host.load;
      assert.deepEqual(
        { queueRows, inFlight, sequences },
        { queueRows: 0, inFlight: 0, sequences: 0 },
      );
      for (const [name, count] of trial.reference.outcomes) {
        outcomes.set(name, (outcomes.get(name) ?? 0) + count);
      }
    });
  }

  it("has been tried with all that can happen", () => {
    const names = ["done", "cancelled", "deadline-exceeded", "internal", "sequence-lost"];
    const ends = ["idle", "expired", "cancelled", "failed"].map((reason) => `ended ${reason}`);
    const refusals = ["invalid-request", "overloaded", "sequence-lost"].map(
      (code) => `refused ${code}`,
    );
    for (const name of [...names, ...ends, ...refusals])
      assert.ok((outcomes.get(name) ?? 0) > 20, name);
  });
});

const stream = { input: 0, window: 5, hop: 3, pad: "zeros" } as const;

const signals: ModelMetadata = {
  ...metadata,
  inputs: [spec("x", [-1, 5]), spec("h", [-1, 1])],
  outputs: [spec("hn", [-1, 1]), spec("y", [-1, 1])],
  stream,
};

/** Tells from its result which samples the window had, and in which order. */
function nextOf(state: number, window: readonly number[]): number {
  return window.reduce(next, state);
}

const computeWindows: Compute = ([x, h]) => {
  const [cells, states] = [numbersOf(x as NamedTensor), numbersOf(h as NamedTensor)];
  const y = states.map((state, row) => nextOf(state, cells.slice(row * 5, row * 5 + 5)));
  return { y: fp32([y.length, 1], y), hn: fp32([y.length, 1], y) };
};

/** A client's signal, of which some has been sent, and what has come of it. */
interface Recording {
  readonly key: string;
  readonly samples: readonly number[];
  sent: number;
  /** A piece was refused: what follows it would be out of place. */
  isCut: boolean;
  readonly chunks: (readonly [position: number, value: number])[];
}

/** All chunks of what has been sent of a signal, cut by hand. */
function chunksOf({ samples, sent }: Recording): Recording["chunks"] {
  const padded = [0, 0, ...samples.slice(0, sent)];
  const chunks: [number, number][] = [];
  let state = 0;
  for (let at = 0; at + 5 <= padded.length; at += 3) {
    state = nextOf(state, padded.slice(at, at + 5));
    chunks.push([at, state]);
  }
  return chunks;
}

function isSent({ samples, sent, isCut }: Recording): boolean {
  return isCut || sent === samples.length;
}

/** Signals that come in pieces of any size, to a host with little room, and readers that take what they like. */
class Broadcast {
  readonly #random: Random;
  readonly #engine = new FakeEngine(computeWindows);
  readonly host: Host;
  readonly #door = new FakeDoor();
  readonly recordings: readonly Recording[];
  readonly #pieces = new Map<number, Recording>();
  readonly #works = new Map<number, Work>();
  readonly refusals: ErrorCode[] = [];
  #asked = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#engine.isGated = true;
    this.host = new Host({
      spec: hostSpec({ queue: { ...limits, maxRows: 18 } }),
      metadata: signals,
      engine: this.#engine,
      clock: new FakeClock(),
      metrics: createHostMetrics("m", "1"),
      log: quietLog,
      tell: async () => undefined,
      onPressure: () => undefined,
      onWork: () => undefined,
    });
    this.recordings = ["a", "b", "c", "d"].map((key) => {
      const samples = Array.from({ length: 40 + this.#draw(40) }, () => this.#draw(50));
      return { key, samples, sent: 0, isCut: false, chunks: [] };
    });
    this.#door.chunk = (id, { json }) => this.#hear(id, json);
    this.#door.done = ({ id }) => void this.#works.delete(id);
    this.#door.failed = ({ failure }) => void this.refusals.push(failure.code);
  }

  get isOver(): boolean {
    const { inFlight } = this.host.load;
    return inFlight === 0 && this.recordings.every(isSent);
  }

  #draw(below: number): number {
    return Math.floor(between(this.#random, 0, below));
  }

  #hear(id: number, bytes: Uint8Array): void {
    const { position, predictions } = JSON.parse(Buffer.from(bytes).toString());
    this.#pieces.get(id)?.chunks.push([position, predictions[0][0]]);
  }

  async step(): Promise<void> {
    const dice = this.#random();
    if (dice < 0.4) this.#send(this.recordings[this.#draw(4)] as Recording);
    else if (dice < 0.6) this.#credit();
    else this.#engine.letOneEnd();
    this.host.pump();
    await turn();
    await turn();
  }

  #send(recording: Recording): void {
    const { key, samples, sent } = recording;
    if (isSent(recording)) return;
    const piece = samples.slice(sent, sent + this.#draw(12));
    const end = sent + piece.length === samples.length;
    this.#asked += 1;
    const refused = this.refusals.length;
    this.#pieces.set(this.#asked, recording);
    const work = this.host.accept(
      pieceOf(this.#asked, piece, { key, start: sent === 0, end, shared: false }),
      this.#door,
    );
    recording.isCut = this.refusals.length > refused;
    if (!recording.isCut) recording.sent += piece.length;
    if (work !== undefined) this.#works.set(this.#asked, work);
  }

  #credit(): void {
    const works = [...this.#works.values()];
    const work = works[this.#draw(works.length)];
    if (work !== undefined) this.host.credit(work, 1 + this.#draw(3));
  }
}

function pieceOf(id: number, samples: readonly number[], sequence: SequenceClaim): RequestFrame {
  return requestFrame({ samples }, { id, stream: true, deadlineAt: 1e9, sequence });
}

describe("a host, however signals come in, and are taken,", () => {
  const refusals: ErrorCode[] = [];
  let cut = 0;

  for (let seed = 1; seed <= 30; seed += 1) {
    it(`gives each the windows that are its own, and at their positions, seed ${seed}`, async () => {
      const broadcast = new Broadcast(seed);
      for (let at = 0; at < 5_000 && !broadcast.isOver; at += 1) await broadcast.step();
      broadcast.host.close();
      assert.ok(broadcast.isOver, "all has been sent and answered");
      for (const recording of broadcast.recordings) {
        assert.deepEqual(recording.chunks, chunksOf(recording));
      }
      assert.equal(broadcast.host.load.sequences, 0);
      refusals.push(...broadcast.refusals);
      cut += broadcast.recordings.filter(({ isCut }) => isCut).length;
    });
  }

  it("has refused some pieces, for want of room only, but far from all", () => {
    assert.deepEqual(new Set(refusals), new Set(["overloaded"]));
    assert.ok(cut > 10 && cut < 100, `${cut} of 120 signals were cut`);
  });
});
