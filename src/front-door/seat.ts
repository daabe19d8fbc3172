import type { Failure } from "../protocol/errors.ts";
import type { EndReason } from "../protocol/sequences.ts";
import type { HostLink } from "./host-link.ts";

/**
 * Why a sequence is over: as its host says, because its host is dead, because that does not have it any more, or because
 * the whole server stops.
 */
export type SeatEnd = EndReason | "lost" | "gone" | "stopping";

export interface SeatOptions {
  readonly key: string;
  readonly model: string;
  /** Every front door may ask for it. */
  readonly isShared: boolean;
  /** Comes once, unless the client ends it. */
  readonly onEnded: (reason: SeatEnd) => void;
}

/** A sequence as a front door knows it: which host keeps it, and what is under way. The dispatcher's, once begun. */
export class Seat {
  readonly options: SeatOptions;
  /** Undefined where its first frame waits for a host, or where nobody here knows who keeps it. */
  link: HostLink | undefined;
  /** The version that has it, or is to; undefined until a frame of it is taken. */
  version: string | undefined;
  /** Its first frame was sent from here. */
  isBegun = false;
  /** Something of it has been answered: from then on it can begin nowhere else. */
  hasAnswered = false;
  isOver = false;
  /** A frame of it was not run, or its host has dropped it. */
  broken: SeatEnd | undefined;
  /** The number of the first such frame: what still comes of those behind it is not to be trusted. */
  brokenAt = Number.POSITIVE_INFINITY;
  inFlight = 0;

  constructor(options: SeatOptions) {
    this.options = options;
  }
}

const words: Readonly<Record<SeatEnd, string>> = {
  idle: "it was idle for too long",
  expired: "the deadline of a frame passed",
  cancelled: "a frame was cancelled",
  failed: "a frame failed",
  // By a rollout, an unload, or whatever else replaces hosts.
  draining: "its host is being stopped",
  stopping: "the server is stopping",
  lost: "the host that kept it died",
  gone: "its host does not keep it any more",
};

export function endWords(reason: SeatEnd): string {
  return words[reason];
}

export function sequenceLost(reason: SeatEnd): Failure {
  const message = `Cannot run frame: its sequence has ended, ${endWords(reason)}`;
  return { code: "sequence-lost", message };
}

/** What is said of one that nobody here knows of. */
export const sequenceUnknown: Failure = {
  code: "sequence-lost",
  message:
    "Cannot go on: no such sequence is kept here; it was never begun, has ended, was dropped, or died with its host",
};
