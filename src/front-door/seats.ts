/* What becomes of sequences as their frames are sent, answered and lost. The frames themselves are the dispatcher's. */
import type { Failure } from "../protocol/errors.ts";
import type { EndReason } from "../protocol/sequences.ts";
import type { Flight } from "./flight.ts";
import type { HostLink } from "./host-link.ts";
import { type Seat, type SeatEnd, sequenceLost, sequenceUnknown } from "./seat.ts";
import { type Seating, seatFrame } from "./seating.ts";

export interface SeatsParts {
  /** Hosts that may keep the sequence of the frame, those included that take no new ones. */
  readonly keepers: (flight: Flight) => readonly HostLink[];
  /** Frames of the sequence that wait for a host have none to wait for any more. */
  readonly failWaiting: (seat: Seat, failure: Failure) => void;
  readonly onLost: (seat: Seat) => void;
}

export class Seats {
  readonly #parts: SeatsParts;

  constructor(parts: SeatsParts) {
    this.#parts = parts;
  }

  noteSubmitted(flight: Flight): void {
    const { sequence } = flight.call;
    if (sequence === null) return;
    const { seat, start } = sequence;
    seat.inFlight += 1;
    if (start) seat.isBegun = true;
  }

  /** Undefined where the request stands for itself. */
  choose(flight: Flight, open: readonly HostLink[]): Seating | undefined {
    const { sequence } = flight.call;
    if (sequence === null) return undefined;
    const { seat, start } = sequence;
    const keepers = start || isKnown(seat) ? [] : this.#parts.keepers(flight);
    const seating = seatFrame({ seat, start, open, keepers, tried: flight.tried });
    if (start && seating.type === "send") {
      seating.link.seat(seat);
      if (seat.options.isShared) forgetElsewhere(seat, seating.link, open);
    }
    // A host that is being drained has given it back: what comes behind it waits too.
    if (start && seating.type === "wait") seat.link?.unseat(seat);
    return seating;
  }

  /** From here on the sequence can begin nowhere else. */
  noteAnswer({ call, link }: Flight): void {
    const seat = call.sequence?.seat;
    if (seat === undefined) return;
    seat.hasAnswered = true;
    // Whoever answers keeps it.
    if (seat.link === undefined && !seat.isOver) link?.seat(seat);
  }

  /** What a frame gets that was answered by its host, but only after one before it had been given up. */
  judgeLate({ call, order }: Flight): Failure | undefined {
    const seat = call.sequence?.seat;
    if (seat?.broken === undefined || order <= seat.brokenAt) return undefined;
    return sequenceLost(seat.broken);
  }

  /** What a frame gets whose sequence nobody keeps. */
  lossOf({ call }: Flight): Failure {
    const seat = call.sequence?.seat;
    if (seat?.broken !== undefined) return sequenceLost(seat.broken);
    return seat?.isBegun === true ? sequenceLost("gone") : sequenceUnknown;
  }

  noteDone(flight: Flight): void {
    this.noteAnswer(flight);
    this.#leaveAfter(flight);
  }

  noteFailed(flight: Flight, failure: Failure): void {
    const seat = flight.call.sequence?.seat;
    if (seat === undefined) return;
    seat.hasAnswered = true;
    if (failure.code === "sequence-lost") this.#break(seat, "gone");
    this.#leaveAfter(flight);
  }

  /** Behind its last frame nobody here asks for it; where that was refused, whoever does will find it. */
  #leaveAfter({ call: { sequence } }: Flight): void {
    if (sequence?.end !== true) return;
    sequence.seat.isOver = true;
    sequence.seat.link?.unseat(sequence.seat);
  }

  noteSettled({ call }: Flight): void {
    if (call.sequence !== null) call.sequence.seat.inFlight -= 1;
  }

  /** The host does not keep the sequence of the frame, but another one does, or may. */
  isElsewhere(flight: Flight, { code }: Failure): boolean {
    const { call, link, hasChunks } = flight;
    const seat = call.sequence?.seat;
    if (code !== "sequence-lost" || seat === undefined || link === undefined) return false;
    if (seat.isOver || seat.link === link || hasChunks) return false;
    flight.tried = [...flight.tried, link];
    return true;
  }

  /**
   * What a frame gets whose host has died: what was remembered is gone. Undefined where nothing was, as no frame had
   * been answered: then all of them begin again elsewhere.
   */
  judgeLoss(flight: Flight): Failure | undefined {
    const seat = flight.call.sequence?.seat;
    // What has a host again has it elsewhere: this frame was on its way back from where it had been sent first.
    if (seat === undefined || seat.link !== undefined || isStartingAnew(seat)) return undefined;
    if (!isAsking(flight, seat)) return sequenceLost("lost");
    if (flight.link !== undefined) flight.tried = [...flight.tried, flight.link];
    return undefined;
  }

  /** These were kept by a host that has died. */
  lose(seats: readonly Seat[]): void {
    for (const seat of seats) {
      if (!isStartingAnew(seat)) this.#break(seat, "lost");
    }
  }

  end(seat: Seat): void {
    if (seat.isOver) return;
    seat.isOver = true;
    seat.link?.endSequence(seat);
  }

  /** It cannot go on; frames that are under way are still answered. */
  giveUp(seat: Seat, reason: SeatEnd): void {
    if (seat.isOver) return;
    seat.link?.endSequence(seat);
    this.#break(seat, reason);
  }

  /** A frame of the sequence was not run: those behind it would meet a state that is wrong. */
  breakOf({ call, order }: Flight, reason: SeatEnd): void {
    const seat = call.sequence?.seat;
    if (seat === undefined) return;
    seat.brokenAt = Math.min(seat.brokenAt, order);
    if (seat.isOver) return;
    // A host that had answered the frame before it heard of this would keep the sequence for nobody; but what is shared
    // may be somebody else's by now.
    if (!seat.options.isShared) seat.link?.endSequence(seat);
    this.#break(seat, reason);
  }

  /** Its host keeps it no longer. */
  noteEnded(seat: Seat, reason: EndReason): void {
    // Only a drain ends what was never answered; this was said of the one before it of the same key.
    if (!seat.hasAnswered && reason !== "draining") return;
    this.#break(seat, reason);
  }

  #break(seat: Seat, reason: SeatEnd): void {
    if (seat.isOver) return;
    seat.isOver = true;
    seat.broken = reason;
    seat.link?.unseat(seat);
    if (seat.inFlight > 0) this.#parts.failWaiting(seat, sequenceLost(reason));
    if (reason === "lost") this.#parts.onLost(seat);
    seat.options.onEnded(reason);
  }
}

/** One of the same key may have been begun at another host, when this one was not there. */
function forgetElsewhere({ options }: Seat, link: HostLink, open: readonly HostLink[]): void {
  for (const other of open) if (other !== link) other.forget(options.key);
}

/** Nothing of it has been answered, so that its first frame is under way. */
function isStartingAnew(seat: Seat): boolean {
  return seat.isBegun && !seat.hasAnswered && !seat.isOver;
}

/** Where the sequence is, or that it is nowhere yet. */
function isKnown({ link, isBegun, isOver }: Seat): boolean {
  return link !== undefined || isBegun || isOver;
}

/** Whether the host has the sequence at all is not known here. */
function isAsking({ isRunning }: Flight, seat: Seat): boolean {
  return !seat.isBegun && !seat.hasAnswered && !isRunning;
}
