/* The sequences of one WebSocket, by the names that its client gives them: which seat each has, and how it ends. */
import { type ErrorCode, type Failure, TroupeError } from "../protocol/errors.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { SequenceCall } from "./flight.ts";
import { endWords, Seat, type SeatEnd } from "./seat.ts";

/** What names a sequence on its socket. */
export interface SlotName {
  readonly model: string;
  /** Undefined is the socket's own. */
  readonly sequence: string | undefined;
}

export interface SequenceNotice extends SlotName {
  readonly reason: SeatEnd | "end";
}

export interface SocketSequencesParts {
  readonly dispatcher: Pick<Dispatcher, "end" | "giveUp">;
  readonly notify: (notice: SequenceNotice) => void;
}

/** Names that one socket may use at once, those that wait for a reset included. */
const mostNames = 1_024;

interface Slot {
  readonly name: SlotName;
  /** Undefined where the next frame begins one. */
  seat: Seat | undefined;
  /** It ended without its client's will: until a reset its frames are refused, as some may be on their way. */
  ended: SeatEnd | undefined;
}

/** A seat that its client has left, whose last frames are still under way. */
interface Leaving {
  readonly seat: Seat;
  readonly name: SlotName;
  /** How often the client waits to hear of the end: once for each time that it has asked for it. */
  told: number;
}

const refusals: readonly ErrorCode[] = [
  "invalid-request",
  "overloaded",
  "model-unavailable",
  "draining",
  "poison-request",
];

/** No two seats of a host have the same key; processes end, and take their sequences along. */
let lastNumber = 0;

function newKey(): string {
  lastNumber += 1;
  return `${process.pid}.${lastNumber}`;
}

export interface SlotClaim {
  readonly slot: Slot;
  readonly call: SequenceCall;
  /** The version that the frame must go to. */
  readonly version: string | undefined;
}

export class SocketSequences {
  readonly #parts: SocketSequencesParts;
  readonly #slots = new Map<string, Slot>();
  #leaving: Leaving[] = [];

  constructor(parts: SocketSequencesParts) {
    this.#parts = parts;
  }

  /** Whether the server remembers something for this socket. */
  get isHeld(): boolean {
    return (
      this.#leaving.length > 0 || [...this.#slots.values()].some(({ seat }) => seat !== undefined)
    );
  }

  isOpen(name: SlotName): boolean {
    return this.#slots.size > 0 && this.#slots.get(keyOf(name))?.seat !== undefined;
  }

  /**
   * What the next frame is to its sequence; nothing has changed before it is `taken`. `version` is the one that the
   * frame asks for, if it does. Throws where the sequence cannot go on.
   */
  claim(name: SlotName, version: string | undefined): SlotClaim {
    const slot = this.#slots.get(keyOf(name)) ?? newSlot(name);
    if (slot.ended !== undefined) throw mustReset(slot.ended);
    const { seat } = slot;
    if (seat === undefined) {
      const call = { seat: this.#newSeat(slot), start: true, end: false };
      return { slot, call, version };
    }
    if (version !== undefined && version !== seat.version)
      throw otherVersion(seat.version, version);
    return { slot, call: { seat, start: false, end: false }, version: seat.version };
  }

  taken({ slot, call }: SlotClaim, version: string): void {
    if (!call.start) return;
    slot.seat = call.seat;
    call.seat.version = version;
    this.#keep(slot);
  }

  #keep(slot: Slot): void {
    const key = keyOf(slot.name);
    if (!this.#slots.has(key)) this.#makeRoom();
    this.#slots.set(key, slot);
  }

  /** Names whose sequences have ended are kept, so that late frames are refused; of too many the oldest is forgotten. */
  #makeRoom(): void {
    if (this.#slots.size < mostNames) return;
    for (const [key, { seat }] of this.#slots) {
      if (seat !== undefined) continue;
      this.#slots.delete(key);
      return;
    }
  }

  /** A frame has been answered. */
  settled({ slot, call }: SlotClaim, failure: Failure | null): void {
    const { seat, start } = call;
    if (seat.inFlight > 0) return;
    // Nothing has run and nothing is on its way, so that the next frame may as well begin.
    if (start && wasRefused(failure) && slot.seat === seat) this.#leave(slot);
    this.#letGo(seat);
  }

  /** A piece of its signal was refused: what comes behind would be out of place. */
  noteGap(name: SlotName): void {
    const slot = this.#slots.get(keyOf(name)) ?? newSlot(name);
    if (slot.ended !== undefined) return;
    if (slot.seat !== undefined) {
      this.#parts.dispatcher.giveUp(slot.seat, "failed");
      return;
    }
    slot.ended = "failed";
    this.#keep(slot);
    this.#parts.notify({ ...name, reason: "failed" });
  }

  /** What comes next begins anew. */
  reset(name: SlotName): void {
    const slot = this.#slots.get(keyOf(name));
    if (slot === undefined) return;
    slot.ended = undefined;
    this.#leave(slot);
  }

  /** Told when the last frame is answered, those before a reset included. */
  end(name: SlotName): void {
    const key = keyOf(name);
    const slot = this.#slots.get(key);
    this.#slots.delete(key);
    if (slot !== undefined) this.#leave(slot);
    this.#tellEnd(name);
  }

  /** The server waits no longer. */
  endAll(): void {
    for (const { seat, name } of this.#slots.values()) {
      if (seat === undefined) continue;
      this.#parts.dispatcher.end(seat);
      this.#parts.notify({ ...name, reason: "stopping" });
    }
    this.forget();
  }

  /** The socket is gone. */
  forget(): void {
    for (const { seat } of [...this.#slots.values(), ...this.#leaving]) {
      if (seat !== undefined) this.#parts.dispatcher.end(seat);
    }
    this.#slots.clear();
    this.#leaving = [];
  }

  #newSeat(slot: Slot): Seat {
    const { model } = slot.name;
    const seat: Seat = new Seat({
      key: newKey(),
      model,
      isShared: false,
      onEnded: (reason) => this.#onEnded(slot, seat, reason),
    });
    return seat;
  }

  #onEnded(slot: Slot, seat: Seat, reason: SeatEnd): void {
    // One that its client has left is let go when its last frame has been answered, as ever.
    if (slot.seat !== seat) return;
    slot.seat = undefined;
    slot.ended = reason;
    this.#parts.notify({ ...slot.name, reason });
  }

  #leave(slot: Slot): void {
    const { seat, name } = slot;
    slot.seat = undefined;
    if (seat === undefined) return;
    this.#leaving.push({ seat, name, told: 0 });
    this.#letGo(seat);
  }

  /** The host forgets it when its last frame has been answered. */
  #letGo(seat: Seat): void {
    const leaving = this.#leaving.find((one) => one.seat === seat);
    if (leaving === undefined || seat.inFlight > 0) return;
    this.#leaving = this.#leaving.filter((one) => one !== leaving);
    this.#parts.dispatcher.end(seat);
    for (let at = 0; at < leaving.told; at += 1) this.#tellEnd(leaving.name);
  }

  /** Frames from before a reset may still be under way. */
  #tellEnd(name: SlotName): void {
    const other = this.#leaving.findLast((leaving) => keyOf(leaving.name) === keyOf(name));
    if (other === undefined) this.#parts.notify({ ...name, reason: "end" });
    else other.told += 1;
  }
}

/** It was never part of its sequence. */
export function wasRefused(failure: Failure | null): boolean {
  return failure !== null && refusals.includes(failure.code);
}

function newSlot(name: SlotName): Slot {
  return { name, seat: undefined, ended: undefined };
}

function keyOf({ model, sequence }: SlotName): string {
  return JSON.stringify([model, sequence ?? null]);
}

function otherVersion(known: string | undefined, asked: string): TroupeError {
  const words = `version must be '${known}', which has the sequence, got '${asked}'; reset it first`;
  return new TroupeError("invalid-request", words);
}

function mustReset(ended: SeatEnd): TroupeError {
  const words = `Cannot run frame: its sequence has ended, ${endWords(ended)}; send reset to begin anew`;
  return new TroupeError("sequence-lost", words);
}

export function noMemory(model: string, consequence: string): TroupeError {
  const words = `model '${model}' keeps no state from frame to frame, so ${consequence}`;
  return new TroupeError("invalid-request", words);
}
