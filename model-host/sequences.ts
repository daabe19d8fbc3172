/* Owns the sequences of a host: which there are, how many there may be, and when one has been idle for too long. */
import type { Clock } from "../src/platform/clock.ts";
import { Deadlines } from "../src/platform/deadlines.ts";
import type { HostLog } from "../src/platform/late-log.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { EndReason, SequenceClaim } from "../src/protocol/sequences.ts";
import type { Tensor, TensorData } from "../src/tensors/tensor.ts";
import type { Signal } from "../src/tensors/windows.ts";
import type { HostMetrics } from "./host-metrics.ts";
import { Sequence } from "./sequence.ts";
import type { Door } from "./work.ts";

export interface SequencesParts {
  readonly clock: Clock;
  readonly metrics: Pick<HostMetrics, "sequencesStarted" | "sequencesEnded">;
  readonly log: HostLog;
  readonly most: number;
  readonly mostBytes: number;
  readonly idleMs: number;
  /** What a new one begins its signal with. */
  readonly newSignal: () => Signal | null;
  /** There was room for none, and is for one: front doors that shed because of it should hear. */
  readonly onRoom: () => void;
}

/** What one sequence may remember of what all may: a state that grows must not shut out the others. */
const ownShare = 0.25;
/** When one of many ends cannot be known; clients of sequences may well wait as long. */
const fullRetryMs = 1_000;

export class Sequences {
  readonly #parts: SequencesParts;
  readonly #byKey = new Map<string, Sequence>();
  readonly #idle: Deadlines<Sequence>;
  #bytes = 0;

  constructor(parts: SequencesParts) {
    this.#parts = parts;
    this.#idle = new Deadlines(parts.clock, (sequence) => this.#judgeIdle(sequence));
  }

  get size(): number {
    return this.#byKey.size;
  }

  get all(): readonly Sequence[] {
    return [...this.#byKey.values()];
  }

  /**
   * The one that a frame belongs to. Throws `sequence-lost` where it is not here, `overloaded` where there is no room. A
   * new one of a key that others share is `kept` only when its first frame is taken; a key that is nobody else's is new,
   * and frames that follow find it though the first may be refused.
   */
  claim({ key, start, shared }: SequenceClaim, door: Door): Sequence {
    const known = this.#byKey.get(key);
    if (!start) return this.#use(known, door);
    const { clock, newSignal } = this.#parts;
    if (known === undefined) this.#checkRoom();
    const options = { isShared: shared, signal: newSignal(), now: clock.now() };
    const sequence = new Sequence(key, door, options);
    if (!shared) this.keep(sequence);
    return sequence;
  }

  #checkRoom(): void {
    const { most, mostBytes } = this.#parts;
    if (this.size >= most) throw noRoom(`the host keeps ${most} of ${most}`);
    if (this.#bytes < mostBytes) return;
    throw noRoom(`the host remembers ${this.#bytes} of ${mostBytes} bytes`);
  }

  /** False where it is more than one sequence may remember. */
  remember(sequence: Sequence, state: readonly Tensor[]): boolean {
    const bytes = state.reduce((sum, { data }) => sum + bytesOf(data), 0);
    if (this.#byKey.get(sequence.key) === sequence) this.#bytes += bytes - sequence.bytes;
    sequence.state = state;
    sequence.bytes = bytes;
    return bytes <= this.#parts.mostBytes * ownShare;
  }

  /** In the place of the one before it of the same key. */
  keep(sequence: Sequence): void {
    const known = this.#byKey.get(sequence.key);
    if (known === sequence) return;
    // Its place is taken at once: there is no room that anybody should hear of.
    if (known !== undefined && this.#forget(known)) this.#parts.metrics.sequencesEnded("end").add();
    this.#byKey.set(sequence.key, sequence);
    this.#watch(sequence);
    this.#parts.metrics.sequencesStarted().add();
  }

  #use(sequence: Sequence | undefined, door: Door): Sequence {
    if (sequence === undefined) throw notHere();
    sequence.usedAt = this.#parts.clock.now();
    sequence.door = door;
    return sequence;
  }

  get(key: string): Sequence | undefined {
    return this.#byKey.get(key);
  }

  /** No frame comes any more; those that have come still run. */
  end(sequence: Sequence): void {
    if (this.#remove(sequence)) this.#parts.metrics.sequencesEnded("end").add();
  }

  /** No frame can join it any more, and its front door is told why. Nothing where that was so before. */
  drop(sequence: Sequence, reason: EndReason): void {
    if (!this.#remove(sequence)) return;
    const { metrics, log } = this.#parts;
    const { key, door } = sequence;
    metrics.sequencesEnded(reason).add();
    log.info({ sequence: key, reason }, "sequence ended");
    door.ended(key, reason);
  }

  /** A front door is gone, and with it the sockets whose sequences these were. */
  forget(door: Door): void {
    for (const sequence of this.all) {
      if (sequence.isShared || sequence.door !== door) continue;
      this.#remove(sequence);
      this.#parts.metrics.sequencesEnded("door-lost").add();
    }
  }

  #remove(sequence: Sequence): boolean {
    if (!this.#forget(sequence)) return false;
    if (this.size === this.#parts.most - 1) this.#parts.onRoom();
    return true;
  }

  /** False where it is not kept any more. */
  #forget(sequence: Sequence): boolean {
    if (this.#byKey.get(sequence.key) !== sequence) return false;
    this.#byKey.delete(sequence.key);
    this.#bytes -= sequence.bytes;
    this.#idle.remove(sequence);
    return true;
  }

  /** Looked at when it may be due, not moved with every frame. */
  #judgeIdle(sequence: Sequence): void {
    const { clock, idleMs } = this.#parts;
    if (sequence.lane.isTaken) sequence.usedAt = clock.now();
    if (sequence.usedAt + idleMs <= clock.now()) this.drop(sequence, "idle");
    else this.#watch(sequence);
  }

  #watch(sequence: Sequence): void {
    sequence.deadlineAt = sequence.usedAt + this.#parts.idleMs;
    this.#idle.add(sequence);
  }
}

function noRoom(why: string): TroupeError {
  const words = `Cannot begin sequence: ${why}`;
  return new TroupeError("overloaded", words, { retryAfterMs: fullRetryMs });
}

/** Texts are counted as the characters that they are. */
function bytesOf(data: TensorData): number {
  if (ArrayBuffer.isView(data)) return data.byteLength;
  return data.reduce((sum, text) => sum + 2 * text.length, 0);
}

function notHere(): TroupeError {
  return new TroupeError(
    "sequence-lost",
    "Cannot go on: no such sequence is kept here, it was never begun, was dropped, or its host was restarted",
  );
}
