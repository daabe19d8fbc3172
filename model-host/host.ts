/*
 * The host's actor: it decides when the engine runs what, and which requests and sequences are given up. How they arrive
 * is the intake's, a run and its answers the runner's, sockets are the door server's.
 */
import { TroupeError, toFailure } from "../src/protocol/errors.ts";
import type { CancelReason, RequestFrame } from "../src/protocol/frames.ts";
import type { Pressure } from "../src/protocol/pressure.ts";
import type { EndReason } from "../src/protocol/sequences.ts";
import type { HostLoad } from "../src/protocol/views.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { Answers } from "./answers.ts";
import { decideBatch } from "./batch-decision.ts";
import { Breaker } from "./breaker.ts";
import type { HostParts } from "./host-parts.ts";
import { loadOf, pressureOf, type Reported } from "./host-report.ts";
import { Intake } from "./intake.ts";
import { hasExpired, takeFutile } from "./lateness.ts";
import { LoadFigures } from "./load-figures.ts";
import { takesNextBatch } from "./next-batch.ts";
import { type Pace, paceOf } from "./pace.ts";
import { breakerOpen, hostDraining, sequenceBroken } from "./refusals.ts";
import { Runner } from "./runner.ts";
import { firstOfEach, type Sequence, signalsOf } from "./sequence.ts";
import { Sequences } from "./sequences.ts";
import { standInsOf } from "./stand-ins.ts";
import type { Door, Work, WorkSlice } from "./work.ts";
import { WorkQueue } from "./work-queue.ts";

export class Host {
  readonly model: ServedModel;
  readonly #parts: HostParts;
  readonly #queue: WorkQueue<Work>;
  readonly #breaker: Breaker;
  readonly #pace: Pace;
  readonly #sequences: Sequences;
  readonly #answers: Answers;
  readonly #intake: Intake;
  readonly #runner: Runner;
  readonly #doors = new Set<Door>();
  readonly #figures = new LoadFigures();
  readonly #reported: Reported;
  #onDrained: (() => void) | undefined;
  #disarmDelay: (() => void) | undefined;

  /** Throws `invalid-model` where the configuration has values that the model's inputs do not take. */
  constructor(parts: HostParts) {
    const { spec, metadata, clock, metrics } = parts;
    this.#parts = parts;
    const { model: name, version, labels, queue, sequenceIdleMs: idleMs } = spec;
    this.model = { name, version, metadata, labels, standIns: standInsOf(metadata, spec) };
    this.#answers = new Answers({ ...parts, model: this.model });
    this.#sequences = new Sequences({
      clock,
      metrics,
      log: parts.log,
      most: queue.maxSequences,
      mostBytes: queue.maxStateBytes,
      idleMs,
      onRoom: () => parts.onPressure(),
      newSignal: signalsOf(metadata),
    });
    this.#queue = new WorkQueue(queue);
    const shared = {
      ...parts,
      model: this.model,
      queue: this.#queue,
      sequences: this.#sequences,
      answers: this.#answers,
      figures: this.#figures,
    };
    this.#intake = new Intake({ ...shared, pressure: () => this.pressure });
    this.#pace = paceOf(shared);
    this.#breaker = new Breaker({
      settings: spec.breaker,
      runMs: spec.runMs,
      now: () => clock.now(),
      onChange: () => this.#onBreakerChange(),
    });
    this.#runner = new Runner({
      ...shared,
      breaker: this.#breaker,
      pace: this.#pace,
      onFree: () => this.#feed(),
      onBroken: (work) => this.#break(work, "failed"),
      onAnswered: () => this.#leaveIfDrained(),
    });
    const own = { runner: this.#runner, pace: this.#pace, breaker: this.#breaker };
    this.#reported = { ...shared, ...own };
  }

  get pressure(): Pressure {
    return pressureOf(this.#reported, this.#onDrained !== undefined);
  }

  get load(): HostLoad {
    return loadOf(this.#reported);
  }

  get hasWork(): boolean {
    return this.#runner.isBusy || this.#queue.size > 0 || this.#sequences.size > 0;
  }

  greet(door: Door): void {
    this.#doors.add(door);
  }

  /** Takes a request; what cannot be taken is answered at once. `pump` runs it. */
  accept(frame: RequestFrame, door: Door): Work | undefined {
    this.#parts.onWork();
    try {
      const mayStay = frame.sequence !== null && !frame.sequence.start;
      if (this.#onDrained !== undefined && !mayStay) throw hostDraining;
      return this.#intake.take(frame, door);
    } catch (thrown) {
      if (!(thrown instanceof TroupeError)) this.#parts.log.error({ err: thrown }, "cannot decode");
      door.failed({ id: frame.id, failure: toFailure(thrown) });
      this.#noteGap(frame);
      return undefined;
    }
  }

  /** Where a piece of a signal was refused, those behind it would be out of place. */
  #noteGap({ sequence: claim, stream }: RequestFrame): void {
    if (claim === null || !stream || this.#parts.metadata.stream === null) return;
    const sequence = this.#sequences.get(claim.key);
    if (sequence !== undefined) this.#drop(sequence, "failed", []);
  }

  cancel(work: Work, reason: CancelReason): void {
    this.#giveUp(work, reason === "expired" ? "expired" : "cancelled");
  }

  /** Its client wants no more of it; what has been sent still runs. */
  endSequence(key: string): void {
    const sequence = this.#sequences.get(key);
    if (sequence !== undefined) this.#sequences.end(sequence);
    this.#leaveIfDrained();
  }

  /** Nobody waits for it any more. */
  #giveUp(work: Work, why: "expired" | "cancelled"): void {
    if (!work.settled) this.#cut(work, why, () => this.#answers.drop(work, why));
  }

  /** Takes it out, and those behind it in its sequence; `onQueued` is called where it was still queued. */
  #cut(work: Work, why: "expired" | "cancelled", onQueued: () => void = () => undefined): void {
    const { lane, sequence } = work;
    const tail = lane === null ? [] : this.#queue.removeTail(work, lane);
    if (tail.includes(work) || this.#queue.remove(work)) onQueued();
    if (sequence !== null) this.#drop(sequence, why, tail);
  }

  /** It is the first of its sequence, was taken, and is not run to its end. */
  #break({ sequence }: Work, reason: EndReason): void {
    if (sequence !== null) this.#drop(sequence, reason, this.#queue.removeLane(sequence.lane));
  }

  /**
   * A frame that is not run ends its sequence: those behind it would meet a state that is wrong, and fail. Those before
   * it are run.
   */
  #drop(sequence: Sequence, reason: EndReason, frames: readonly Work[]): void {
    this.#sequences.drop(sequence, reason);
    const failure = sequenceBroken(reason);
    for (const work of frames) this.#answers.fail(work, failure);
  }

  credit(work: Work, chunks: number): void {
    work.credit += chunks;
    this.pump();
  }

  /** A front door is gone: nobody waits for its requests here any more. */
  forget(door: Door): void {
    this.#doors.delete(door);
    this.#runner.forget(door);
    this.#sequences.forget(door);
    const isOfDoor = (work: Work) => work.door === door;
    const queued = this.#queue.where(isOfDoor);
    if (queued.length > 0) this.#parts.metrics.dropped("door-lost").add(queued.length);
    const gone = [...this.#runner.works.filter(isOfDoor), ...queued];
    // All of them first: what ends a sequence fails its other frames, and nobody is there to hear of these.
    for (const work of gone) work.settled = true;
    for (const work of firstOfEach(gone)) this.#cut(work, "cancelled");
    this.#leaveIfDrained();
  }

  addPoison(fingerprint: string): void {
    this.#intake.addPoison(fingerprint);
  }

  /** Its sequences may go on for a while; then they are told. */
  drain(onDrained: () => void): void {
    this.#onDrained = onDrained;
    this.#parts.onPressure();
    const patienceMs = this.#doors.size === 0 ? 0 : this.#parts.spec.drainSequencesMs;
    this.#parts.clock.after(patienceMs, () => {
      for (const sequence of this.#sequences.all) {
        this.#drop(sequence, "draining", this.#queue.removeLane(sequence.lane));
      }
      this.pump();
    });
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
    this.#pace.renew();
    if (this.#runner.isBusy) this.#feedAhead();
    else this.#feedIdle();
  }

  #feedIdle(): void {
    this.#disarmDelay?.();
    this.#disarmDelay = undefined;
    this.#dropLate();
    if (this.#breaker.state === "open") this.#failQueued();
    const decision = decideBatch({
      oldestAt: this.#queue.oldest?.arrivedAt,
      rowsReady: this.#queue.rowsReady(this.#pace.rows),
      maxRows: this.#pace.rows,
      delayMs: this.#delayMs,
      now: this.#parts.clock.now(),
      draining: this.#onDrained !== undefined,
    });
    if (decision.type === "run") this.#begin();
    else if (decision.type === "wait") {
      this.#disarmDelay = this.#parts.clock.after(decision.delayMs, () => this.pump());
    }
  }

  /** Gives a busy engine its next batch. */
  #feedAhead(): void {
    const facts = {
      fewestRows: this.#pace.mayRunAhead ? this.#runner.rowsForNext : undefined,
      rowsReady: () => this.#queue.rowsReady(this.#pace.rows),
      runMs: (rows: number) => this.#figures.batchMs(rows),
      breaker: this.#breaker.state,
    };
    if (!takesNextBatch(facts)) return;
    this.#dropLate();
    if (this.#queue.first?.alone === false) this.#runner.beginNext(this.#take());
  }

  /** How long an idle engine waits for company. */
  get #delayMs(): number {
    const { delayMs } = this.#pace;
    if (delayMs === 0) return 0;
    return this.#queue.where(({ hurried }) => hurried).length > 0 ? 0 : delayMs;
  }

  #leaveIfDrained(): void {
    if (!this.hasWork) this.#onDrained?.();
  }

  #dropLate(): void {
    const now = this.#parts.clock.now();
    for (const work of this.#queue.where(hasExpired(now))) this.#giveUp(work, "expired");
    const { rows: maxRows } = this.#pace;
    const next = { endsAt: now + this.#runner.nextRunMs(maxRows), maxRows };
    for (const work of takeFutile(this.#queue, next)) this.#answers.drop(work, "futile");
  }

  #failQueued(): void {
    const failure = breakerOpen(this.#breaker.retryMs);
    for (const work of this.#queue.removeWhere(() => true)) {
      this.#answers.fail(work, failure);
      this.#break(work, "failed");
    }
  }

  #begin(): void {
    const slices = this.#take();
    if (slices.length > 0) this.#runner.begin(slices);
  }

  /** A half-open breaker admits one request as its probe. */
  #take(): readonly WorkSlice[] {
    const { rows, company } = this.#pace;
    return this.#queue.take(rows, this.#breaker.state === "half-open" ? "first-only" : company);
  }

  #onBreakerChange(): void {
    this.#parts.log.warn({ breaker: this.#breaker.state }, "circuit breaker changed");
    this.#parts.onPressure();
    if (this.#breaker.state !== "closed") this.pump();
  }
}
