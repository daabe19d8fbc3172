/* A failure as the status of a call, and what a call's metadata says of it. */
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import type { Failure } from "../../protocol/errors.ts";
import type { Priority } from "../../protocol/frames.ts";
import { newRequestId, priorityOf, requestIdOf, timeoutOf } from "../request-head.ts";
import { grpcCode, grpcCodeOf, retryHeaders } from "../statuses.ts";

/** Clients refuse trailers that are too large, and with them the status. */
const mostDetails = 1_000;

export function statusOf(failure: Failure, requestId: string): Error & StatusObject {
  const metadata = new Metadata();
  metadata.set("x-request-id", requestId);
  metadata.set("x-error-code", failure.code);
  for (const [name, value] of retryHeaders(failure.code, failure.retryAfterMs)) {
    metadata.set(name, value);
    // The one that retry policies of gRPC clients heed.
    if (name === "retry-after-ms") metadata.set("grpc-retry-pushback-ms", value);
  }
  // grpc-js encodes the text as a URI, which half a surrogate pair is not fit for.
  const details = failure.message.slice(0, mostDetails).replace(/\p{Surrogate}/gu, "\ufffd");
  return {
    name: failure.code,
    message: details,
    code: grpcCode[grpcCodeOf(failure)],
    details,
    metadata,
  };
}

/** A header of the call; undefined where it is not there. */
export function headerOf(metadata: Metadata, name: string): string | undefined {
  const [value] = metadata.get(name);
  return value === undefined ? undefined : String(value);
}

export function requestIdIn(metadata: Metadata): string {
  const id = headerOf(metadata, "x-request-id");
  return id === undefined ? newRequestId() : requestIdOf({ "x-request-id": id });
}

interface LimitedCall {
  readonly metadata: Metadata;
  getDeadline(): Date | number;
}

interface CallLimits {
  readonly timeoutMs: number | null;
  readonly priority: Priority;
}

/** The nearer of the call's deadline and of `x-request-timeout-ms`; priority as over HTTP. Throws as these do there. */
export function limitsOf(call: LimitedCall, wall: number): CallLimits {
  const { metadata } = call;
  const asked = timeoutOf(headerOf(metadata, "x-request-timeout-ms"));
  const left = timeLeftOf(call.getDeadline(), wall);
  const timeoutMs = asked === null || left === null ? (asked ?? left) : Math.min(asked, left);
  return { timeoutMs, priority: priorityOf(headerOf(metadata, "x-priority")) };
}

/** Milliseconds until the call's deadline, at least 1; null where it has none. */
export function timeLeftOf(deadline: Date | number, wall: number): number | null {
  const at = Number(deadline);
  return Number.isFinite(at) ? Math.max(1, Math.ceil(at - wall)) : null;
}
