import type { ErrorCode, Failure } from "../protocol/errors.ts";

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

/** Status codes of gRPC, under the specification's names. */
export const grpcCode = {
  OK: 0,
  CANCELLED: 1,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcCode = keyof typeof grpcCode;

const grpcStatus: Readonly<Record<ErrorCode, GrpcCode>> = {
  "invalid-request": "INVALID_ARGUMENT",
  unauthenticated: "UNAUTHENTICATED",
  forbidden: "PERMISSION_DENIED",
  "model-not-found": "NOT_FOUND",
  "not-found": "UNIMPLEMENTED",
  "method-not-allowed": "UNIMPLEMENTED",
  "unsupported-media-type": "UNIMPLEMENTED",
  "not-implemented": "UNIMPLEMENTED",
  conflict: "ALREADY_EXISTS",
  "payload-too-large": "RESOURCE_EXHAUSTED",
  "storage-full": "RESOURCE_EXHAUSTED",
  "request-timeout": "DEADLINE_EXCEEDED",
  "invalid-model": "FAILED_PRECONDITION",
  "poison-request": "FAILED_PRECONDITION",
  "rate-limited": "RESOURCE_EXHAUSTED",
  cancelled: "CANCELLED",
  "inference-failed": "INTERNAL",
  internal: "INTERNAL",
  overloaded: "UNAVAILABLE",
  "model-unavailable": "UNAVAILABLE",
  "host-crashed": "UNAVAILABLE",
  "sequence-lost": "UNAVAILABLE",
  draining: "UNAVAILABLE",
  "deadline-exceeded": "DEADLINE_EXCEEDED",
};

export function grpcCodeOf({ code, retryAfterMs }: Failure): GrpcCode {
  return isPassing(code, retryAfterMs) ? "ABORTED" : grpcStatus[code];
}

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
  if (!retryable.has(code) && !isPassing(code, retryAfterMs)) return [];
  const ms = Math.max(1, Math.ceil(retryAfterMs ?? 1_000));
  return [
    ["retry-after", String(Math.max(1, Math.ceil(ms / 1_000)))],
    ["retry-after-ms", String(ms)],
  ];
}

/** Another change is under way, and will be over; what is there already stays there. */
function isPassing(code: ErrorCode, retryAfterMs: number | undefined): boolean {
  return code === "conflict" && retryAfterMs !== undefined;
}
