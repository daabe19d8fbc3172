import { type Failure, TroupeError } from "../src/protocol/errors.ts";
import type { Pressure } from "../src/protocol/pressure.ts";
import type { EndReason } from "../src/protocol/sequences.ts";

/** What is said of a request that nobody waits for any more. */
export const dropFailure = {
  expired: {
    code: "deadline-exceeded",
    message: "Cannot answer: the deadline passed in the queue",
  },
  futile: {
    code: "deadline-exceeded",
    message:
      "Cannot answer: it waited so long in the queue that its run would end past its deadline",
  },
  cancelled: { code: "cancelled", message: "the client left" },
} as const satisfies Readonly<Record<string, Failure>>;

const brokenBy: Readonly<Record<EndReason, string>> = {
  idle: "it was idle for too long",
  expired: "the deadline of a frame before it passed",
  cancelled: "a frame before it was cancelled",
  failed: "a frame before it failed",
  draining: "its host is being stopped",
};

/** What is said of the frames behind the one that broke their sequence. */
export function sequenceBroken(reason: EndReason): Failure {
  const message = `Cannot run frame: its sequence has ended, ${brokenBy[reason]}`;
  return { code: "sequence-lost", message };
}

export function breakerOpen(retryAfterMs: number): Failure {
  const message = "Cannot run model: its circuit breaker is open";
  return { code: "model-unavailable", message, retryAfterMs };
}

/** There is room for some when half of what waits has run. */
export function queueFull(what: string, { queuedRows, rowCostMs }: Pressure): TroupeError {
  return new TroupeError("overloaded", `Cannot queue request: the queue holds ${what}`, {
    retryAfterMs: Math.max(1, (queuedRows * rowCostMs) / 2),
  });
}

export const hostDraining = new TroupeError(
  "draining",
  "Cannot take request: the host is draining",
);
