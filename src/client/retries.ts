import type { ClientErrorCode, TroupeClientError } from "./client-error.ts";

/**
 * What may be done twice. `anything` may: a plain prediction, or reading. Of the rest, changes and frames of a sequence,
 * only what the server surely has not begun.
 */
export type Repeatable = "anything" | "refusals" | "nothing";

export interface Attempt {
  /** How many retries there have been. */
  readonly retries: number;
  readonly repeatable: Repeatable;
  /** What is left of the caller's patience. */
  readonly remainingMs: number;
}

export type RetryVerdict =
  | { readonly type: "retry"; readonly delayMs: number }
  | { readonly type: "give-up" };

const refusals: ReadonlySet<ClientErrorCode> = new Set(["overloaded", "rate-limited", "conflict"]);
const passing: ReadonlySet<ClientErrorCode> = new Set([
  ...refusals,
  "model-unavailable",
  "host-crashed",
  "draining",
]);
const maxRetries = 4;
const firstDelayMs = 100;
const longestDelayMs = 3_000;

/** Waits at least as long as the server asks, and longer each time; gives up where that is past the deadline. */
export function judgeRetry(
  error: Pick<TroupeClientError, "code" | "retryAfterMs">,
  { retries, repeatable, remainingMs }: Attempt,
  random: () => number,
): RetryVerdict {
  if (retries >= maxRetries || !mayRepeat(error, repeatable)) return { type: "give-up" };
  const grown = Math.min(longestDelayMs, firstDelayMs * 2 ** retries);
  // Half of it by chance, so that clients that were refused together do not come back together.
  const delayMs = (error.retryAfterMs ?? 0) + grown * (0.5 + random() / 2);
  return delayMs < remainingMs ? { type: "retry", delayMs } : { type: "give-up" };
}

/** What the server has answered is repeated only where it says when. */
function mayRepeat(
  { code, retryAfterMs }: Pick<TroupeClientError, "code" | "retryAfterMs">,
  repeatable: Repeatable,
): boolean {
  switch (repeatable) {
    case "nothing":
      return false;
    case "refusals":
      return refusals.has(code) && retryAfterMs !== undefined;
    case "anything":
      return code === "unreachable" || (passing.has(code) && retryAfterMs !== undefined);
  }
}

const mostTokens = 10;
const tokensOfSuccess = 0.1;

/**
 * What a client spends on retries, over all its calls: ten at once, and later one for ten that succeeded. A server that
 * is in trouble so gets a tenth more requests from its clients, and not several times as many.
 */
export class RetryBudget {
  #tokens = mostTokens;

  /** False where nothing is left. */
  spend(): boolean {
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }

  earn(): void {
    this.#tokens = Math.min(mostTokens, this.#tokens + tokensOfSuccess);
  }
}
