import { randomBytes } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { TroupeError } from "../protocol/errors.ts";
import type { Priority } from "../protocol/frames.ts";

const wellFormedId = /^[\w.:@/+=-]{1,128}$/;

/** A caller's own id is kept where it is fit for a header and a log line. */
export function requestIdOf(headers: IncomingHttpHeaders): string {
  const given = headers["x-request-id"];
  return typeof given === "string" && wellFormedId.test(given) ? given : newRequestId();
}

/** 96 random bits, of which a pool is drawn at once, which is cheaper than singly. */
const pool = { bytes: Buffer.alloc(0), at: 0 };
const idBytes = 12;

export function newRequestId(): string {
  if (pool.at + idBytes > pool.bytes.length) {
    pool.bytes = randomBytes(idBytes * 512);
    pool.at = 0;
  }
  pool.at += idBytes;
  return pool.bytes.toString("hex", pool.at - idBytes, pool.at);
}

/** Throws `invalid-request` or `forbidden`, naming the header. */
export function timeoutOf(value: string | readonly string[] | undefined): number | null {
  if (value === undefined) return null;
  const ms = typeof value === "string" && /^\d{1,9}$/.test(value) ? Number(value) : 0;
  if (ms < 1) {
    throw new TroupeError(
      "invalid-request",
      `x-request-timeout-ms must be a whole number of milliseconds from 1, got '${value}'`,
    );
  }
  return ms;
}

export function priorityOf(value: unknown, field = "x-priority"): Priority {
  if (value === undefined || value === "normal") return "normal";
  if (value === "low") return "low";
  if (value === "high") {
    throw new TroupeError("forbidden", `${field} 'high' needs a key, and this server has none`);
  }
  throw new TroupeError("invalid-request", `${field} must be 'normal' or 'low', got '${value}'`);
}

/** A timeout past the server's limit is cut to it. */
export function deadlineFor(
  askedMs: number | null,
  modelMs: number | null,
  limits: { readonly requestTimeoutMs: number; readonly maxRequestTimeoutMs: number },
  now: number,
): number {
  return now + Math.min(askedMs ?? modelMs ?? limits.requestTimeoutMs, limits.maxRequestTimeoutMs);
}
