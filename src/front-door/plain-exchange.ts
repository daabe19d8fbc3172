/* What is noted of each request of the plain routes when it is over: in the metrics, and in the log where it is about models. */
import type { FastifyReply, FastifyRequest } from "fastify";
import type { Clock } from "../platform/clock.ts";
import type { Failure } from "../protocol/errors.ts";
import type { AccessLog } from "./access-log.ts";
import type { DoorMetrics } from "./door-metrics.ts";

declare module "fastify" {
  interface FastifyReply {
    /** What it was refused for; set by whoever answers so. */
    failure: Failure | null;
  }
}

export interface PlainExchangeParts {
  readonly clock: Clock;
  readonly metrics: DoorMetrics;
  readonly accessLog: AccessLog;
}

const left: Failure = { code: "cancelled", message: "the client left" };
const leftStatus = 499;
/** Whoever asks how the server is does so every few seconds. */
const logged = /^\/(?:models|v2\/(?:repository|logging))(?:\/|$)/;

/** To be called as soon as its head is there. */
export function watchExchange(
  parts: PlainExchangeParts,
  request: FastifyRequest,
  reply: FastifyReply,
): void {
  const beganAt = parts.clock.now();
  // Comes after every answer, and without one when the caller has left.
  reply.raw.once("close", () => note(parts, request, reply, parts.clock.now() - beganAt));
}

function note(
  { metrics, accessLog }: PlainExchangeParts,
  request: FastifyRequest,
  reply: FastifyReply,
  totalMs: number,
): void {
  const { method, id: requestId } = request;
  const { headersSent, statusCode } = reply.raw;
  const status = headersSent ? statusCode : leftStatus;
  const failure = headersSent ? reply.failure : left;
  const series = metrics.route(method, endpointOf(request), status);
  series.requests.add();
  series.seconds.observe(totalMs / 1e3);
  const path = request.url.split("?", 1)[0] ?? "";
  if (!logged.test(path)) return;
  const { code = null, message: error = null } = failure ?? {};
  accessLog.notePlain({ requestId, method, path, status, code, error, totalMs });
}

function endpointOf(request: FastifyRequest): string {
  const url = request.is404 ? undefined : request.routeOptions.url;
  return url?.replace(/:(\w+)/g, "{$1}") ?? "other";
}
