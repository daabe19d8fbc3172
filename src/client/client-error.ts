import { type ErrorCode, errorCodes } from "../protocol/errors.ts";

/** The server's codes, and two that only a client can find. */
export type ClientErrorCode =
  | ErrorCode
  /** No connection came about, or it broke before the answer. */
  | "unreachable"
  /** Something answered, but not as Troupe does. */
  | "unexpected-answer";

export interface ClientErrorOptions extends ErrorOptions {
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly retryAfterMs?: number | undefined;
}

/** Whatever goes wrong with a call is one of these. */
export class TroupeClientError extends Error {
  readonly code: ClientErrorCode;
  /** Of the answer over HTTP; undefined where there was none. */
  readonly status: number | undefined;
  /** What to look for in the server's log. */
  readonly requestId: string | undefined;
  /** When the server expects room again, in milliseconds from now. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ClientErrorCode, message: string, options: ClientErrorOptions = {}) {
    super(message, options);
    this.name = "TroupeClientError";
    this.code = code;
    this.status = options.status;
    this.requestId = options.requestId;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** For what is read by its form: where that is another one, the error is `unexpected-answer`, whatever broke. */
export function orUnexpected<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof TroupeClientError) throw cause;
    throw new TroupeClientError("unexpected-answer", "the answer has another form than expected", {
      cause,
    });
  }
}

/** An answer over HTTP, as far as it is looked at. */
export interface RawAnswer {
  readonly status: number;
  readonly body: Uint8Array;
  header(name: string): string | null;
}

/** What the server says of a failure, in the body of an answer or in a `failed` frame. */
interface FailureBody {
  readonly error?: unknown;
  readonly code?: unknown;
  readonly request_id?: unknown;
  readonly retry_after_ms?: unknown;
}

/** Of an answer that is no success. */
export function errorOfAnswer(answer: RawAnswer): TroupeClientError {
  const { status } = answer;
  const body = parseObject(textOf(answer.body));
  if (body === undefined || typeof body.error !== "string") {
    const words = `expected an answer of Troupe's, got status ${status}`;
    return new TroupeClientError("unexpected-answer", words, { status });
  }
  return errorOf(body, { status, retryAfterMs: retryAfterOf(answer) });
}

/** Of a frame of a WebSocket. */
export function errorOfFrame(frame: object): TroupeClientError {
  return errorOf(frame, { retryAfterMs: numberOf((frame as FailureBody).retry_after_ms) });
}

function errorOf(body: FailureBody, options: ClientErrorOptions): TroupeClientError {
  const requestId = typeof body.request_id === "string" ? body.request_id : undefined;
  return new TroupeClientError(codeOf(body.code), String(body.error), { ...options, requestId });
}

function codeOf(code: unknown): ClientErrorCode {
  return errorCodes.find((known) => known === code) ?? "unexpected-answer";
}

/** The header in milliseconds, or the one in seconds that proxies send too. */
function retryAfterOf(answer: RawAnswer): number | undefined {
  const ms = numberOf(answer.header("retry-after-ms"));
  if (ms !== undefined) return ms;
  const seconds = numberOf(answer.header("retry-after"));
  return seconds === undefined ? undefined : seconds * 1_000;
}

function numberOf(value: unknown): number | undefined {
  if (value === null || value === undefined || value === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) && number >= 0 ? number : undefined;
}

/** A byte order mark is a character as any other: of a BYTES element it is part. */
export function textOf(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(bytes);
}

/** Undefined where it is no object in JSON. */
export function parseObject(text: string): FailureBody | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}
