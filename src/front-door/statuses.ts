import type { ErrorCode } from "../protocol/errors.ts";

/** The one table from codes to numbers. */
export const httpStatus: Readonly<Record<ErrorCode, number>> = {
  "invalid-request": 400,
  unauthenticated: 401,
  forbidden: 403,
  "model-not-found": 404,
  "not-found": 404,
  "method-not-allowed": 405,
  "unsupported-media-type": 415,
  "not-implemented": 501,
  conflict: 409,
  "payload-too-large": 413,
  "storage-full": 507,
  "request-timeout": 408,
  "invalid-model": 422,
  "poison-request": 422,
  "rate-limited": 429,
  cancelled: 499,
  "inference-failed": 500,
  internal: 500,
  overloaded: 503,
  "model-unavailable": 503,
  "host-crashed": 503,
  "sequence-lost": 503,
  draining: 503,
  "deadline-exceeded": 504,
};

/** Close codes of WebSocket connections (RFC 6455, and 4000 and up for our own). */
export const closeCode = {
  normal: 1000,
  draining: 1001,
  tooSlow: 1013,
} as const;

const retryable: ReadonlySet<ErrorCode> = new Set([
  "rate-limited",
  "overloaded",
  "model-unavailable",
  "host-crashed",
  "sequence-lost",
  "draining",
]);

/** Whether, and when, a caller should try again: whole seconds for `Retry-After`, at least one. */
export function retryHeaders(
  code: ErrorCode,
  retryAfterMs: number | undefined,
): readonly (readonly [string, string])[] {
  // Another change is under way, and will be over; what is there already stays there.
  const isPassing = code === "conflict" && retryAfterMs !== undefined;
  if (!retryable.has(code) && !isPassing) return [];
  const ms = Math.max(1, Math.ceil(retryAfterMs ?? 1_000));
  return [
    ["retry-after", String(Math.max(1, Math.ceil(ms / 1_000)))],
    ["retry-after-ms", String(ms)],
  ];
}
