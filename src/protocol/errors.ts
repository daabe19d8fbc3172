/** Every way in which a request or a change can fail; only the front door knows what status each one has. */
export const errorCodes = [
  "invalid-request",
  "unauthenticated",
  "forbidden",
  "model-not-found",
  "not-found",
  "method-not-allowed",
  "unsupported-media-type",
  "not-implemented",
  "conflict",
  "payload-too-large",
  "storage-full",
  "request-timeout",
  "invalid-model",
  "poison-request",
  "rate-limited",
  "cancelled",
  "inference-failed",
  "internal",
  "overloaded",
  "model-unavailable",
  "host-crashed",
  "sequence-lost",
  "draining",
  "deadline-exceeded",
] as const;

export type ErrorCode = (typeof errorCodes)[number];

/** What travels between processes, and to a client, when something failed. */
export interface Failure {
  readonly code: ErrorCode;
  readonly message: string;
  /** When a retry may succeed, in milliseconds from now; absent where a retry makes no sense. */
  readonly retryAfterMs?: number;
}

export interface TroupeErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number | undefined;
}

export class TroupeError extends Error {
  readonly code: ErrorCode;
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: TroupeErrorOptions = {}) {
    super(message, options);
    this.name = "TroupeError";
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** Whatever is not a TroupeError is a bug of ours, and its words stay inside. */
export function toFailure(thrown: unknown): Failure {
  if (!(thrown instanceof TroupeError)) return { code: "internal", message: "internal error" };
  const { code, message, retryAfterMs } = thrown;
  return retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
}

export function toError(failure: Failure): TroupeError {
  return new TroupeError(failure.code, failure.message, { retryAfterMs: failure.retryAfterMs });
}
