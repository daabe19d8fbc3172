/*
 * What the engine runs: one batch at a time, from its beginning to its answers, and what it has been given to run next.
 * Which batches these are is the host's.
 */
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostEvent, HostSpec } from "../src/protocol/control.ts";
import { hasMemory } from "../src/protocol/model-metadata.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import type { Answers } from "./answers.ts";
import { batchKey, hasGrowingState } from "./batch-key.ts";
import { type SliceResult, type StartedBatch, startBatch } from "./batch-run.ts";
import type { Breaker } from "./breaker.ts";
import type { Engine } from "./engine.ts";
import { type EngineRun, type GuardedRun, type GuardParts, runGuarded } from "./guarded-run.ts";
import type { HostMetrics } from "./host-metrics.ts";
import type { Lane } from "./lane.ts";
import type { LoadFigures } from "./load-figures.ts";
import type { Pace } from "./pace.ts";
import { RunningNotice } from "./running-notice.ts";
import type { Sequences } from "./sequences.ts";
import type { Door, Work, WorkSlice } from "./work.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface RunnerParts {
  readonly spec: Pick<HostSpec, "runMs">;
  readonly model: ServedModel;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly metrics: HostMetrics;
  /** Resolves when the supervisor's side of the channel has it. */
  readonly tell: (event: HostEvent) => Promise<void>;
  readonly queue: WorkQueue<Work>;
  readonly sequences: Sequences;
  readonly breaker: Breaker;
  readonly answers: Answers;
  readonly figures: LoadFigures;
  readonly pace: Pick<Pace, "noteAnswered">;
  /** The engine may have another batch. */
  readonly onFree: () => void;
  /** The request was not run to its end; where it is of a sequence, that one must end. */
  readonly onBroken: (work: Work) => void;
  /** The answers of a batch are written. */
  readonly onAnswered: () => void;
}

/** The batch behind the one that runs. */
interface NextBatch {
  readonly slices: readonly WorkSlice[];
  readonly started: StartedBatch;
}

export class Runner {
  readonly #parts: RunnerParts;
  readonly #guardParts: GuardParts;
  readonly #notice = new RunningNotice();
  #slices: readonly WorkSlice[] = [];
  #beganAt: Millis = 0;
  #next: NextBatch | undefined;
  /** Requests without rows, to be answered when those before them have been. */
  readonly #passed: Work[] = [];

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    this.#guardParts = { ...parts, hasNext: () => this.#next !== undefined };
  }

  get isBusy(): boolean {
    return this.#slices.length > 0;
  }

  get rows(): number {
    return rowsOf(this.#slices) + rowsOf(this.#next?.slices ?? []);
  }

  /** How long it takes until a batch of so many rows has run behind what runs, as far as that is known. */
  nextRunMs(rows: number): Millis {
    const { clock, figures } = this.#parts;
    const endsAt = this.isBusy ? this.#beganAt + figures.batchMs(rowsOf(this.#slices)) : 0;
    return Math.max(0, endsAt - clock.now()) + figures.batchMs(rows);
  }

  /** What the engine has. */
  get works(): readonly Work[] {
    return this.#all.map(({ work }) => work);
  }

  get #all(): readonly WorkSlice[] {
    return this.#next === undefined ? this.#slices : [...this.#slices, ...this.#next.slices];
  }

  /**
   * How many rows must wait for the engine to be given its next batch while one runs; undefined where it takes none then.
   * As many as run now: fewer would do better to gather until it is idle. Nothing stands behind a suspect, nor behind what
   * leaves something for the next run.
   */
  get rowsForNext(): number | undefined {
    const { engine, model } = this.#parts;
    if (!engine.takesNext || hasMemory(model.metadata) || this.#next !== undefined)
      return undefined;
    return this.#slices[0]?.work.alone === false ? rowsOf(this.#slices) : undefined;
  }

  /** The engine goes on with it as soon as it can, and need not wait for this thread in between. */
  beginNext(slices: readonly WorkSlice[]): void {
    const { engine, model } = this.#parts;
    this.#notice.say([...this.#slices, ...slices]);
    this.#next = { slices, started: startBatch(engine, model, slices) };
  }

  /** A door that is gone is told nothing any more. */
  forget(door: Door): void {
    this.#notice.forget(door);
  }

  begin(slices: readonly WorkSlice[]): void {
    this.#notice.say(slices);
    this.#start(slices);
  }

  #start(slices: readonly WorkSlice[], started?: StartedBatch): void {
    this.#slices = slices;
    this.#noteBegun(slices);
    void this.#run(slices, started);
  }

  #noteBegun(slices: readonly WorkSlice[]): void {
    const { clock, metrics } = this.#parts;
    const now = clock.now();
    this.#beganAt = now;
    metrics.statistics.noteBegun(clock.wall());
    for (const { work, fromRow } of slices) {
      if (fromRow > 0) continue;
      if (work.trace !== null) work.trace.batchBegunAt = now;
      work.queueUs = (now - work.arrivedAt) * 1_000;
      metrics.queue.observe(work.queueUs / 1e6);
      metrics.requestsRun.add();
    }
  }

  async #run(slices: readonly WorkSlice[], started?: StartedBatch): Promise<void> {
    const { breaker } = this.#parts;
    this.#finish(slices, await runGuarded(slices, breaker, this.#guardParts, started));
  }

  /** What the engine has been given goes on; then it may be given more. */
  #goOn(): void {
    const next = this.#next;
    this.#next = undefined;
    if (next !== undefined) this.#start(next.slices, next.started);
    this.#parts.onFree();
  }

  /**
   * The engine gets its next batch before the answers of this one are written; only a suspect's is written first, since
   * that may kill the host too.
   */
  #finish(slices: readonly WorkSlice[], { results, tookMs, runs, suspect }: GuardedRun): void {
    const { tell, pace, onAnswered } = this.#parts;
    this.#noteRun(slices, results, tookMs);
    this.#slices = [];
    for (const [at, slice] of slices.entries()) this.#advance(slice, results[at]);
    if (suspect === undefined) this.#goOn();
    const encoded = new Map<WorkSlice, number>();
    for (const [at, slice] of slices.entries()) {
      const { work } = slice;
      const encodedUs = work.encodeUs;
      this.#settle(slice, results[at]);
      encoded.set(slice, work.encodeUs - encodedUs);
    }
    pace.noteAnswered(slices);
    for (const run of runs) this.#noteEngineRun(run, encoded);
    for (const work of this.#passed.splice(0)) this.#parts.answers.answerNothing(work);
    for (const door of new Set(slices.map(({ work }) => work.door))) door.flush();
    if (suspect !== undefined) {
      void tell({ type: "cleared", fingerprint: suspect });
      this.#goOn();
    }
    if (slices.some(({ work }) => this.#hasToWait(work))) this.#notice.say(this.#all);
    onAnswered();
  }

  /** It is said to run, and does no more, though the rest of it will. */
  #hasToWait(work: Work): boolean {
    return !work.settled && this.#notice.names(work) && !this.works.includes(work);
  }

  #noteRun(slices: readonly WorkSlice[], results: readonly SliceResult[], tookMs: number): void {
    const { metrics, figures } = this.#parts;
    const rows = rowsOf(slices);
    figures.noteBatch(rows, tookMs);
    metrics.batchRows.observe(rows);
    metrics.inference.observe(tookMs / 1_000);
    metrics.batches(results.some(({ type }) => type === "ran") ? "ran" : "failed").add();
    const frames = slices.filter(({ work }) => work.sequence !== null).length;
    if (frames > 0) metrics.sequenceFrames().observe(frames);
  }

  /** A request was read for its first run, and is written after its last. */
  #noteEngineRun({ slices, tookMs }: EngineRun, encoded: ReadonlyMap<WorkSlice, number>): void {
    const rows = rowsOf(slices);
    const first = slices.filter(({ fromRow }) => fromRow === 0);
    const decodeUs = first.reduce((sum, { work }) => sum + work.decodeUs, 0);
    const encodeUs = slices.reduce((sum, slice) => sum + (encoded.get(slice) ?? 0), 0);
    const { statistics } = this.#parts.metrics;
    statistics.noteRun(rows, { decodeUs, runUs: tookMs * 1_000, encodeUs });
  }

  /** The sequence remembers what came out, and its next frame may run. */
  #advance(slice: WorkSlice, result: SliceResult | undefined): void {
    const { work } = slice;
    const { sequence } = work;
    if (sequence === null) return;
    const { answers, clock, model, sequences, onBroken } = this.#parts;
    // It was not idle while its frame waited and ran.
    sequence.usedAt = clock.now();
    const isKept = result?.type === "ran" && sequences.remember(sequence, result.state);
    if (result?.type === "failed") answers.settle(slice, result);
    if (!isKept) onBroken(work);
    const next = work.nextRow < work.rows ? work : this.#release(sequence.lane);
    if (next !== undefined && hasGrowingState(model).grows) next.key = batchKey(next, model);
  }

  #release(lane: Lane<Work>): Work | undefined {
    const { next, passed } = this.#parts.queue.release(lane);
    this.#passed.push(...passed);
    return next;
  }

  #settle(slice: WorkSlice, result: SliceResult | undefined): void {
    const { work } = slice;
    const { answers, queue, onBroken } = this.#parts;
    if (answers.settle(slice, result) === undefined) return;
    // What it left is right, though its answer could not be written; but the rest of it is not run.
    if (work.nextRow < work.rows) onBroken(work);
    queue.remove(work);
  }
}

function rowsOf(slices: readonly WorkSlice[]): number {
  let rows = 0;
  for (const slice of slices) rows += slice.rows;
  return rows;
}
