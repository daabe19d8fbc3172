/*
 * The host's actor: it owns the requests of one model from arrival to answer, and decides when the engine runs what.
 * Sockets are the door server's, the end of a run that hangs is the supervisor's.
 */

import type { Clock } from "../src/platform/clock.ts";
import type { Log } from "../src/platform/log.ts";
import type { HostEvent, HostSpec } from "../src/protocol/control.ts";
import { type Failure, TroupeError, toFailure } from "../src/protocol/errors.ts";
import type { CancelReason, RequestFrame } from "../src/protocol/frames.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Pressure } from "../src/protocol/pressure.ts";
import type { HostLoad } from "../src/protocol/views.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { answerWork } from "./answering.ts";
import { decideBatch } from "./batch-decision.ts";
import type { SliceResult } from "./batch-run.ts";
import { Breaker } from "./breaker.ts";
import { decodeWork } from "./decoding.ts";
import type { Engine } from "./engine.ts";
import { fingerprint } from "./fingerprint.ts";
import { type GuardedRun, runGuarded } from "./guarded-run.ts";
import type { HostMetrics } from "./host-metrics.ts";
import { LoadFigures } from "./load-figures.ts";
import { breakerOpen, dropFailure, queueFull } from "./refusals.ts";
import { RefusedInputs } from "./refused-inputs.ts";
import { RunningNotice } from "./running-notice.ts";
import type { Door, Work, WorkSlice } from "./work.ts";
import { WorkQueue } from "./work-queue.ts";

export interface HostParts {
  readonly spec: HostSpec;
  readonly metadata: ModelMetadata;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly metrics: HostMetrics;
  readonly log: Log;
  /** Resolves when the supervisor's side of the channel has it. */
  readonly tell: (event: HostEvent) => Promise<void>;
  /** Pressure changed in a way that front doors should hear at once. */
  readonly onPressure: () => void;
}

export class Host {
  readonly model: ServedModel;
  readonly #parts: HostParts;
  readonly #queue: WorkQueue<Work>;
  readonly #breaker: Breaker;
  readonly #poison: RefusedInputs;
  readonly #maxRows: number;
  #running: readonly WorkSlice[] = [];
  #runningRows = 0;
  readonly #figures = new LoadFigures();
  readonly #notice = new RunningNotice();
  #hasAnswered = false;
  #onDrained: (() => void) | undefined;
  #disarmDelay: (() => void) | undefined;

  constructor(parts: HostParts) {
    const { spec, metadata, clock } = parts;
    this.#parts = parts;
    this.model = { name: spec.model, version: spec.version, metadata, labels: spec.labels };
    this.#queue = new WorkQueue(spec.queue);
    this.#poison = new RefusedInputs(clock, spec.poison);
    this.#maxRows = metadata.batching.type === "batched" ? metadata.batching.maxBatchSize : 1;
    this.#breaker = new Breaker({
      settings: spec.breaker,
      runMs: spec.runMs,
      now: () => clock.now(),
      onChange: () => this.#onBreakerChange(),
    });
  }

  get pressure(): Pressure {
    const queuedRows = this.#queue.rows;
    return {
      queuedRows,
      runningRows: this.#runningRows,
      rowCostMs: this.#figures.rowCostMs(Math.min(this.#maxRows, queuedRows)),
      rowsPerRequest: this.#figures.rowsPerRequest,
      breaker: this.#breaker.state,
      draining: this.#onDrained !== undefined,
      breakerRetryMs: this.#breaker.retryMs,
    };
  }

  get load(): HostLoad {
    return {
      queueRows: this.#queue.rows,
      inFlight: this.#queue.size + this.#running.length,
      breaker: this.#breaker.state,
    };
  }

  /** Takes a request; what cannot be taken is answered at once. `pump` runs it. */
  accept(frame: RequestFrame, door: Door): Work | undefined {
    try {
      return this.#admit(frame, door);
    } catch (thrown) {
      if (!(thrown instanceof TroupeError)) this.#parts.log.error({ err: thrown }, "cannot decode");
      door.failed({ id: frame.id, failure: toFailure(thrown) });
      return undefined;
    }
  }

  #admit(frame: RequestFrame, door: Door): Work {
    if (this.#onDrained !== undefined) {
      throw new TroupeError("draining", "Cannot take request: the host is draining");
    }
    const { clock, metrics } = this.#parts;
    const hashed = frame.alone || !this.#poison.isEmpty;
    const work = decodeWork(frame, door, this.model, clock, hashed ? fingerprint : undefined);
    metrics.decode.observe(work.decodeUs / 1e6);
    if (work.fingerprint !== null && this.#poison.has(work.fingerprint)) {
      throw new TroupeError("poison-request", "Cannot run request: its inputs have killed a host");
    }
    const offer = this.#queue.offer(work);
    if (offer.type === "full") throw queueFull(offer.what, this.pressure);
    this.#figures.noteRequest(work.rows);
    return work;
  }

  cancel(work: Work, reason: CancelReason): void {
    const isQueued = this.#queue.remove(work);
    if (isQueued) this.#drop(work, reason === "expired" ? "expired" : "cancelled");
  }

  credit(work: Work, chunks: number): void {
    work.credit += chunks;
    this.pump();
  }

  /** A front door is gone: nobody waits for its requests here any more. */
  forget(door: Door): void {
    this.#notice.forget(door);
    for (const work of this.#queue.removeWhere((work) => work.door === door)) {
      this.#parts.metrics.dropped("door-lost").add();
      work.settled = true;
    }
    for (const { work } of this.#running) if (work.door === door) work.settled = true;
  }

  addPoison(fingerprint: string): void {
    this.#poison.add(fingerprint);
  }

  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#parts.onPressure();
    this.pump();
  }

  close(): void {
    this.#breaker.close();
  }

  /** Gives the engine its next batch, if it is idle and there is one. */
  pump(): void {
    this.#feed();
    this.#leaveIfDrained();
  }

  #feed(): void {
    if (this.#running.length > 0) return;
    this.#disarmDelay?.();
    this.#disarmDelay = undefined;
    this.#dropExpired();
    if (this.#breaker.state === "open") this.#failQueued();
    const decision = decideBatch({
      oldestAt: this.#queue.oldest?.arrivedAt,
      rowsReady: this.#queue.rowsReady(this.#maxRows),
      maxRows: this.#maxRows,
      delayMs: this.#parts.spec.batching.maxQueueDelayMs,
      now: this.#parts.clock.now(),
      draining: this.#onDrained !== undefined,
    });
    if (decision.type === "run") this.#begin();
    else if (decision.type === "wait") {
      this.#disarmDelay = this.#parts.clock.after(decision.delayMs, () => this.pump());
    }
  }

  #leaveIfDrained(): void {
    if (this.#running.length === 0 && this.#queue.size === 0) this.#onDrained?.();
  }

  #dropExpired(): void {
    const now = this.#parts.clock.now();
    for (const work of this.#queue.removeWhere((work) => work.deadlineAt <= now)) {
      this.#drop(work, "expired");
    }
  }

  #drop(work: Work, reason: keyof typeof dropFailure): void {
    // Only a stream can have begun: the rest of it is cut off, but it is no request that was never run.
    if (work.nextRow === 0) this.#parts.metrics.dropped(reason).add();
    this.#fail(work, dropFailure[reason]);
  }

  #failQueued(): void {
    const failure = breakerOpen(this.#breaker.retryMs);
    for (const work of this.#queue.removeWhere(() => true)) this.#fail(work, failure);
  }

  #fail(work: Work, failure: Failure): void {
    if (work.settled) return;
    work.settled = true;
    work.door.failed({ id: work.id, failure });
  }

  /** A half-open breaker admits one request as its probe. */
  #begin(): void {
    const isProbe = this.#breaker.state === "half-open";
    const slices = this.#queue.take(this.#maxRows, isProbe ? "first-only" : "all");
    if (slices.length === 0) return;
    this.#running = slices;
    this.#runningRows = slices.reduce((sum, slice) => sum + slice.rows, 0);
    this.#noteBegun(slices);
    this.#notice.say(slices);
    void this.#run(slices);
  }

  #noteBegun(slices: readonly WorkSlice[]): void {
    const { clock, metrics } = this.#parts;
    const now = clock.now();
    for (const { work, fromRow } of slices) {
      if (fromRow > 0) continue;
      work.queueUs = (now - work.arrivedAt) * 1_000;
      metrics.queue.observe(work.queueUs / 1e6);
      metrics.requestsRun.add();
    }
  }

  async #run(slices: readonly WorkSlice[]): Promise<void> {
    this.#finish(slices, await runGuarded(slices, this.#breaker, this.#parts));
  }

  /**
   * The engine gets its next batch before the answers of this one are written; only a suspect's is written first, since
   * that may kill the host too.
   */
  #finish(slices: readonly WorkSlice[], { results, tookMs, suspect }: GuardedRun): void {
    this.#noteRun(results, tookMs);
    this.#running = [];
    this.#runningRows = 0;
    if (suspect === undefined) this.#feed();
    for (const [at, slice] of slices.entries()) {
      slice.work.runUs += tookMs * 1_000;
      this.#settle(slice, results[at]);
    }
    for (const door of new Set(slices.map(({ work }) => work.door))) door.flush();
    if (suspect !== undefined) {
      void this.#parts.tell({ type: "cleared", fingerprint: suspect });
      this.#feed();
    }
    if (this.#running.length === 0 && this.#queue.size > 0) this.#notice.say([]);
    this.#leaveIfDrained();
  }

  #noteRun(results: readonly SliceResult[], tookMs: number): void {
    const { metrics } = this.#parts;
    this.#figures.noteBatch(this.#runningRows, tookMs);
    metrics.batchRows.observe(this.#runningRows);
    metrics.inference.observe(tookMs / 1_000);
    metrics.batches(results.some(({ type }) => type === "ran") ? "ran" : "failed").add();
  }

  #settle(slice: WorkSlice, result: SliceResult | undefined): void {
    const { work } = slice;
    if (work.settled || result === undefined) return;
    if (result.type === "failed") {
      this.#failRun(work, result.error);
      return;
    }
    const { metrics, metadata, tell } = this.#parts;
    try {
      if (!answerWork(slice, result.outputs, this.model, metadata, metrics)) return;
    } catch (thrown) {
      this.#failRun(work, thrown);
      return;
    }
    work.settled = true;
    if (!this.#hasAnswered) void tell({ type: "answered" });
    this.#hasAnswered = true;
  }

  /** Its run failed, or its answer cannot be written, as one past the longest string. */
  #failRun(work: Work, thrown: unknown): void {
    const failure = toFailure(thrown);
    const cause = thrown instanceof TroupeError ? thrown.cause : thrown;
    const reason = cause instanceof Error ? cause.message : cause;
    const fields = { request_id: work.requestId, code: failure.code, reason };
    this.#parts.log.warn(fields, "run failed");
    this.#queue.remove(work);
    this.#fail(work, failure);
  }

  #onBreakerChange(): void {
    this.#parts.log.warn({ breaker: this.#breaker.state }, "circuit breaker changed");
    this.#parts.onPressure();
    if (this.#breaker.state !== "closed") this.pump();
  }
}
