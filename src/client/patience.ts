/* How long a caller waits: a deadline and, maybe, a signal of the caller's own. */
import { TroupeClientError } from "./client-error.ts";

export interface Patience {
  /** Zero or less where there is none left. */
  remainingMs(): number;
  /** Aborts when either the caller or the deadline says so. */
  readonly signal: AbortSignal;
  /** What has ended the wait: `cancelled` by the caller, or `deadline-exceeded`. Undefined while it lasts. */
  error(): TroupeClientError | undefined;
}

/** What a timer can wait at most, 24 days; beyond it one ends at once. */
const longestMs = 2 ** 31 - 1;

/** Throws `invalid-request` where the time is no number. */
export function patienceOf(wantedMs: number, caller: AbortSignal | undefined): Patience {
  if (Number.isNaN(wantedMs)) {
    throw new TroupeClientError("invalid-request", "timeoutMs must be a number, got NaN");
  }
  const timeoutMs = Math.ceil(Math.min(Math.max(wantedMs, 0), longestMs));
  const endsAt = performance.now() + timeoutMs;
  const deadline = AbortSignal.timeout(timeoutMs);
  const signal = caller === undefined ? deadline : AbortSignal.any([caller, deadline]);
  return {
    remainingMs: () => endsAt - performance.now(),
    signal,
    error: () => {
      if (caller?.aborted === true) return cancelled(caller);
      if (!deadline.aborted) return undefined;
      return new TroupeClientError("deadline-exceeded", `no answer within ${timeoutMs} ms`);
    },
  };
}

export function cancelled(signal: AbortSignal): TroupeClientError {
  const words = "the caller has cancelled it";
  return new TroupeClientError("cancelled", words, { cause: signal.reason });
}

/** Ends early, and without an error, when the signal aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
