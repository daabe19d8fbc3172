/*
 * How slowly an upload may come: each byte buys the time in which the slowest sender would send it. Silence alone is no
 * measure, as a byte every few seconds would hold one of the few places for good.
 */
import type { Millis } from "../platform/clock.ts";
import { TroupeError } from "../protocol/errors.ts";

export interface PaceLimits {
  readonly minBytesPerSecond: number;
  /** How far it may fall behind; being ahead buys no more, so that a fast beginning pays for no slow end. */
  readonly slackMs: number;
}

/** When it is too late for the first byte. */
export function beginPace(now: Millis, { slackMs }: PaceLimits): Millis {
  return now + slackMs;
}

/** When it is too late for the next byte, where it was `lateAt` for these. */
export function notePace(
  lateAt: Millis,
  { now, bytes }: { readonly now: Millis; readonly bytes: number },
  { minBytesPerSecond, slackMs }: PaceLimits,
): Millis {
  return Math.min(lateAt + (bytes / minBytesPerSecond) * 1_000, now + slackMs);
}

export function paceFailure(
  { bytes, tookMs }: { readonly bytes: number; readonly tookMs: number },
  { minBytesPerSecond, slackMs }: PaceLimits,
): TroupeError {
  const expected = `an upload must not fall more than ${slackMs} ms behind ${minBytesPerSecond} bytes a second`;
  const came = `it did, with ${bytes} bytes after ${Math.round(tookMs)} ms`;
  return new TroupeError("request-timeout", `${expected}; ${came}`);
}
