import type { Failure } from "../src/protocol/errors.ts";

/** What is said of a request that nobody waits for any more. */
export const dropFailure = {
  expired: {
    code: "deadline-exceeded",
    message: "Cannot answer: the deadline passed in the queue",
  },
  cancelled: { code: "cancelled", message: "the client left" },
} as const satisfies Readonly<Record<string, Failure>>;

export function breakerOpen(retryAfterMs: number): Failure {
  const message = "Cannot run model: its circuit breaker is open";
  return { code: "model-unavailable", message, retryAfterMs };
}
