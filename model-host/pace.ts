/* How a host batches: as its configuration says, or as its objective asks for by what it has learned of its model. */
import type { Clock, Millis } from "../src/platform/clock.ts";
import type { HostSpec } from "../src/protocol/control.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { ObjectiveView } from "../src/protocol/views.ts";
import { LatencyWindow } from "./latency-window.ts";
import type { LoadFigures } from "./load-figures.ts";
import {
  adjustRoom,
  type Choice,
  choose,
  chooseIdle,
  isThroughputFirst,
  type ObjectiveFacts,
  unknownChoice,
} from "./objective.ts";
import { type Remedy, reasonOf } from "./objective-reason.ts";
import type { Work, WorkSlice } from "./work.ts";
import type { Company, WorkQueue } from "./work-queue.ts";

export interface Pace {
  /** The most rows that a batch may hold now. */
  readonly rows: number;
  /** How long an idle engine waits for company now. */
  readonly delayMs: Millis;
  /** A busy engine may have its next batch: who comes then waits for both. */
  readonly mayRunAhead: boolean;
  /** Who shares a batch with a request that is larger. */
  readonly company: Company;
  /** Null where there is no objective. */
  readonly view: ObjectiveView | null;
  /** Takes into account what has been learned; to be called before a batch is cut. */
  renew(): void;
  /** A batch has been answered. */
  noteAnswered(slices: readonly WorkSlice[]): void;
}

export interface PaceParts {
  readonly spec: Pick<HostSpec, "batching" | "objective">;
  readonly metadata: Pick<ModelMetadata, "batching">;
  readonly clock: Clock;
  readonly figures: LoadFigures;
  readonly queue: Pick<WorkQueue<Work>, "size" | "where">;
}

export function paceOf({ spec, metadata, ...parts }: PaceParts): Pace {
  const { maxQueueDelayMs: mostDelayMs } = spec.batching;
  const mostRows = metadata.batching.type === "batched" ? metadata.batching.maxBatchSize : 1;
  const { p99Ms } = spec.objective;
  if (p99Ms !== null) return new ObjectivePace({ ...parts, p99Ms, mostRows, mostDelayMs });
  return {
    rows: mostRows,
    delayMs: mostDelayMs,
    mayRunAhead: true,
    company: "all",
    view: null,
    renew: () => undefined,
    noteAnswered: () => undefined,
  };
}

/** What is chosen holds for so long at least: it costs a microsecond or two to choose. */
const renewMs = 20;
/** The rate of arrivals is an average over about this time. */
const rateMs = 500;
/** One batch that leaves many behind may be an accident, and so may the next. */
const behindInRow = 4;
/** Runs of those left behind that take so many times the objective: large requests wait for each other's parts too. */
const longBacklog = 2;
/** A p99 of fewer answers is that of one of them; a slow model takes too long for so many. */
const windowFull = { answers: 200, ms: 500 };
const windowSlow = { answers: 50, ms: 10_000 };
/** So long after the last request what was measured is of the past. */
const forgetMs = 60_000;
/** With a smaller share of full batches a smaller limit would change little. */
const fullShare = 0.1;

/** The one that goes on, the one that is there already, and one's own. */
const runsAhead = 3;

interface ObjectiveParts extends Omit<PaceParts, "spec" | "metadata"> {
  readonly p99Ms: Millis;
  readonly mostRows: number;
  readonly mostDelayMs: Millis;
}

class ObjectivePace implements Pace {
  readonly #parts: ObjectiveParts;
  #choice: Choice;
  #room = 1;
  #renewedAt: Millis;
  #rowsCome = 0;
  #rowsPerMs = 0;
  #behindInRow = 0;
  /** When batches were behind last. */
  #behindAt: Millis;
  /** What is measured now is of one kind of choice and of another. */
  #isMixed = false;
  readonly #window = new LatencyWindow();
  #windowAt: Millis;
  #batches = 0;
  #fullBatches = 0;
  /** Of those that fit into one: in batches, and waiting behind them. */
  #requests = 0;
  #observedP99Ms: Millis | null = null;
  /** What that has led to. */
  #remedy: Remedy = "none-yet";
  /** When a request was there last. */
  #askedAt: Millis;

  constructor(parts: ObjectiveParts) {
    this.#parts = parts;
    this.#choice = unknownChoice(parts.mostRows);
    this.#renewedAt = parts.clock.now();
    this.#windowAt = this.#renewedAt;
    this.#behindAt = this.#renewedAt;
    this.#askedAt = this.#renewedAt;
  }

  get rows(): number {
    return this.#choice.rows;
  }

  get delayMs(): Millis {
    return this.#choice.delayMs;
  }

  get mayRunAhead(): boolean {
    const { figures, p99Ms } = this.#parts;
    return this.#choice.type !== "within" || runsAhead * figures.fittedMs(this.rows) <= p99Ms;
  }

  get company(): Company {
    return this.#choice.type === "within" ? "small-too" : "all";
  }

  get view(): ObjectiveView {
    const { p99Ms, figures } = this.#parts;
    const { fit } = figures;
    return {
      p99Ms,
      maxRows: this.rows,
      delayMs: this.delayMs,
      throughputFirst: isThroughputFirst(this.#choice),
      fixedMs: fit?.fixedMs ?? null,
      rowMs: fit?.rowMs ?? null,
      observedP99Ms: this.#observedP99Ms,
      reason: reasonOf(this.#choice, {
        p99Ms,
        fit,
        runMs: (rows) => figures.fittedMs(rows),
        rowsPerMs: this.#rowsPerMs,
        room: this.#room,
        observedP99Ms: this.#observedP99Ms,
        remedy: this.#remedy,
      }),
    };
  }

  renew(): void {
    const now = this.#parts.clock.now();
    const elapsedMs = now - this.#renewedAt;
    if (elapsedMs < renewMs) return;
    this.#renewedAt = now;
    this.#noteArrivals(elapsedMs);
    if (this.#parts.queue.size > 0) this.#askedAt = now;
    if (now - this.#askedAt >= forgetMs) {
      this.#forget(now);
      return;
    }
    const choice = choose(this.#factsAt(now), this.#choice);
    if (choice.type !== this.#choice.type) this.#isMixed = true;
    // Nor is how late answers are in a queue that has no end a measure of what a batch takes.
    if (choice.type === "overloaded") this.#room = 1;
    this.#choice = choice;
  }

  #forget(now: Millis): void {
    this.#observedP99Ms = null;
    this.#room = 1;
    this.#behindInRow = 0;
    this.#choice = chooseIdle(this.#factsAt(now));
    this.#beginWindow(now);
  }

  #factsAt(now: Millis): ObjectiveFacts {
    const { p99Ms, mostRows, mostDelayMs, figures } = this.#parts;
    return {
      now,
      p99Ms,
      mostRows,
      mostDelayMs,
      runMs: (rows) => figures.fittedMs(rows),
      fixedMs: figures.fit?.fixedMs,
      rowsPerMs: this.#rowsPerMs,
      usualRows: figures.usualRows,
      room: this.#room,
      isBehind: this.#behindInRow >= behindInRow,
      calmMs: now - this.#behindAt,
    };
  }

  noteAnswered(slices: readonly WorkSlice[]): void {
    const now = this.#parts.clock.now();
    this.#askedAt = now;
    let batchRows = 0;
    for (const { work, rows } of slices) {
      batchRows += rows;
      // What stands behind parts of its own waits for these, however quick each run is.
      if (work.lane !== null || work.stream || rows < work.rows) continue;
      this.#window.note(now - work.arrivedAt + work.decodeUs / 1_000);
      this.#requests += 1;
    }
    this.#batches += 1;
    this.#noteLeftBehind(now, slices);
    if (batchRows >= this.rows) this.#fullBatches += 1;
    const ageMs = now - this.#windowAt;
    const { size } = this.#window;
    const isOver = [windowFull, windowSlow].some(
      ({ answers, ms }) => size >= answers && ageMs >= ms,
    );
    if (isOver) this.#learnFromWindow(now);
  }

  #learnFromWindow(now: Millis): void {
    const { p99Ms } = this.#window;
    this.#observedP99Ms = p99Ms;
    this.#remedy = "none-yet";
    if (this.#choice.type === "within" && !this.#isMixed) {
      const isFull = this.#fullBatches >= fullShare * this.#batches;
      const hasWaited = this.delayMs > 0;
      const requestsPerBatch = this.#requests / this.#batches;
      const measured = { p99Ms, isFull, hasWaited, rows: this.rows, requestsPerBatch };
      const before = this.#room;
      this.#room = adjustRoom(this.#factsAt(now), measured);
      this.#remedy = this.#room < before ? "shorter" : "none";
    }
    this.#beginWindow(now);
  }

  #beginWindow(now: Millis): void {
    this.#window.clear();
    this.#windowAt = now;
    this.#batches = 0;
    this.#fullBatches = 0;
    this.#requests = 0;
    this.#isMixed = false;
  }

  #noteArrivals(elapsedMs: Millis): void {
    const { rowsCome } = this.#parts.figures;
    const rate = (rowsCome - this.#rowsCome) / elapsedMs;
    this.#rowsCome = rowsCome;
    this.#rowsPerMs += (rate - this.#rowsPerMs) * (1 - Math.exp(-elapsedMs / rateMs));
  }

  /** The next batch has been cut. */
  #noteLeftBehind(now: Millis, slices: readonly WorkSlice[]): void {
    const left = this.#parts.queue.where(() => true);
    this.#requests += left.filter(({ rows }) => rows <= this.rows).length;
    const isBehind = this.#isBehind(now, left, slices);
    this.#behindInRow = isBehind ? this.#behindInRow + 1 : 0;
    if (isBehind) this.#behindAt = now;
  }

  #isBehind(now: Millis, left: readonly Work[], slices: readonly WorkSlice[]): boolean {
    const { figures, p99Ms } = this.#parts;
    const choice = this.#choice;
    // Larger batches than would keep the objective leave less behind than those.
    const isLarger = choice.type === "overloaded";
    const most = isLarger ? choice.rowsWithin : choice.rows;
    const works = isLarger ? [...slices.map(({ work }) => work), ...left] : left;
    const fitting = works.filter(({ rows }) => rows <= most);
    const runMs = figures.fittedMs(most);
    const [first] = fitting;
    const isLate = first !== undefined && now - first.arrivedAt + runMs > p99Ms;
    // What is larger than a batch takes a run from the others each time, and has waited for itself.
    const runs = works.length - fitting.length + fitting.length / most;
    return (isLate && fitting.length >= most) || runs * runMs > longBacklog * p99Ms;
  }
}
