/* What becomes of a request when it arrives: which sequence it belongs to, what it brings, and whether there is room. */
import type { Clock } from "../src/platform/clock.ts";
import type { HostSpec } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { RequestFrame } from "../src/protocol/frames.ts";
import type { Pressure } from "../src/protocol/pressure.ts";
import type { SequenceClaim } from "../src/protocol/sequences.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import type { Answers } from "./answers.ts";
import { decodeWork } from "./decoding.ts";
import { fingerprint } from "./fingerprint.ts";
import type { HostMetrics } from "./host-metrics.ts";
import type { LoadFigures } from "./load-figures.ts";
import { queueFull } from "./refusals.ts";
import { RefusedInputs } from "./refused-inputs.ts";
import type { Sequence } from "./sequence.ts";
import type { Sequences } from "./sequences.ts";
import type { Door, Work } from "./work.ts";
import type { WorkQueue } from "./work-queue.ts";

export interface IntakeParts {
  readonly spec: Pick<HostSpec, "poison">;
  readonly model: ServedModel;
  readonly clock: Clock;
  readonly metrics: HostMetrics;
  readonly queue: WorkQueue<Work>;
  readonly sequences: Sequences;
  readonly answers: Answers;
  readonly figures: LoadFigures;
  readonly pressure: () => Pressure;
}

export class Intake {
  readonly #parts: IntakeParts;
  readonly #poison: RefusedInputs;

  constructor(parts: IntakeParts) {
    this.#parts = parts;
    this.#poison = new RefusedInputs(parts.clock, parts.spec.poison);
  }

  addPoison(fingerprint: string): void {
    this.#poison.add(fingerprint);
  }

  /**
   * The request, queued; undefined where it is answered already, as its samples make no window whole. Throws the
   * TroupeError that its caller gets.
   */
  take(frame: RequestFrame, door: Door): Work | undefined {
    const { sequence: claim } = frame;
    const { sequences, answers } = this.#parts;
    const sequence = claim && sequences.claim(claim, door);
    const work = this.#decode(frame, door, sequence);
    // One without rows waits for those before it, and for nothing else.
    const isQueued = work.rows > 0 || sequence?.lane.isTaken === true;
    if (isQueued) this.#enqueue(work);
    if (sequence !== null && claim !== null) this.#join(work, sequence, claim);
    if (isQueued) return work;
    answers.answerNothing(work);
    return undefined;
  }

  /** What is refused was never part of its sequence, so only now. */
  #join(work: Work, sequence: Sequence, { start, end }: SequenceClaim): void {
    const { sequences } = this.#parts;
    if (start) sequences.keep(sequence);
    if (work.signal !== null) sequence.signal = work.signal.signal;
    if (end) sequences.end(sequence);
  }

  #decode(frame: RequestFrame, door: Door, sequence: Sequence | null): Work {
    const { model, clock, metrics } = this.#parts;
    // The same inputs mean something else where something is remembered: only what comes first is known by them.
    const isFirst = frame.sequence === null || frame.sequence.start;
    const isWatched = frame.alone || !this.#poison.isEmpty;
    const hashed = isFirst && isWatched ? fingerprint : undefined;
    const work = decodeWork(frame, door, { model, clock, sequence, fingerprint: hashed });
    metrics.decode.observe(work.decodeUs / 1e6);
    if (work.fingerprint === null || !this.#poison.has(work.fingerprint)) return work;
    throw new TroupeError("poison-request", "Cannot run request: its inputs have killed a host");
  }

  #enqueue(work: Work): void {
    const { queue, figures, pressure } = this.#parts;
    const offer = queue.offer(work);
    if (offer.type === "full") throw queueFull(offer.what, pressure());
    figures.noteRequest(work.stream ? Math.min(work.rows, this.#mostRows) : work.rows);
  }

  /** More of a stream never stands before another request, however long it is. */
  get #mostRows(): number {
    const { batching } = this.#parts.model.metadata;
    return batching.type === "batched" ? batching.maxBatchSize : 1;
  }
}
