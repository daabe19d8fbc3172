import type { Failure } from "../protocol/errors.ts";
import type { EndReason } from "../protocol/sequences.ts";
import type { HostLink } from "./host-link.ts";

/** Why a sequence is over: as its host says, or because its host is gone. */
export type SeatEnd = EndReason | "lost";

export interface SeatOptions {
  readonly key: string;
  readonly model: string;
  /** Every front door may ask for it. */
  readonly isShared: boolean;
  /** What came before it on the same socket killed its host: its frames run alone. */
  readonly isSuspect: boolean;
  /** Comes once, unless the client ends it. */
  readonly onEnded: (reason: SeatEnd) => void;
}

/** A sequence as a front door knows it: which host keeps it, and what is under way. The dispatcher's, once begun. */
export class Seat {
  readonly options: SeatOptions;
  /** Undefined where its first frame waits for a host, or where nobody here knows who keeps it. */
  link: HostLink | undefined;
  /** Its first frame was sent from here. */
  isBegun = false;
  /** Something of it has been answered: from then on it can begin nowhere else. */
  hasAnswered = false;
  /** The model died of a frame of it. */
  isStruck = false;
  isOver = false;
  /** A frame of it was not run, or its host has dropped it: what still comes of it is not to be trusted. */
  broken: SeatEnd | undefined;
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
  draining: "the server is stopping",
  lost: "the host that kept it died",
};

export function endWords(reason: SeatEnd): string {
  return words[reason];
}

export function sequenceLost(reason: SeatEnd): Failure {
  const message = `Cannot run frame: its sequence has ended, ${endWords(reason)}`;
  return { code: "sequence-lost", message };
}
