import type { ServerResponse } from "node:http";
import type { Clock } from "../platform/clock.ts";
import type { Failure } from "../protocol/errors.ts";
import type { AnswerBytes } from "../protocol/frames.ts";
import type { Coding } from "./content-coding.ts";
import { type FailureForm, troupeForm } from "./failure-form.ts";
import { retryHeaders } from "./statuses.ts";

/** A failure, and what its answer must say beside it. */
export interface HttpFailure {
  readonly failure: Failure;
  readonly requestId: string;
  readonly keepAlive: boolean;
  /** By default Troupe's own. */
  readonly form?: FailureForm | undefined;
}

/** The whole answer, for a socket on which no response stands; it ends the connection. */
export function rawFailure(
  failure: Failure,
  requestId: string,
  form: FailureForm = troupeForm,
): string {
  const { status, body } = form(failure, requestId);
  const headers = [
    ["content-type", "application/json"],
    ["content-length", Buffer.byteLength(body)],
    ["x-request-id", requestId],
    ...retryHeaders(failure.code, failure.retryAfterMs),
    ["connection", "close"],
  ];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} ${failure.code}\r\n${lines.join("")}\r\n${body}`;
}

export function sendFailure(response: ServerResponse, failure: HttpFailure): number {
  response.end(beginFailure(response, failure));
  return response.statusCode;
}

/** How long the rest of a body that is refused is read and dropped. */
const lingerMs = 1_000;

/**
 * Answers a request whose body was not read to its end. To close at once would reset the connection, and the caller,
 * still sending, would never see why.
 */
export function sendEarlyFailure(
  response: ServerResponse,
  failure: Omit<HttpFailure, "keepAlive">,
  clock: Clock,
): number {
  response.write(beginFailure(response, { ...failure, keepAlive: false }));
  const disarm = clock.after(lingerMs, () => response.end());
  response.on("close", disarm);
  response.req.on("end", () => response.end());
  response.req.resume();
  return response.statusCode;
}

/** Writes the head and gives the body. */
function beginFailure(
  response: ServerResponse,
  { failure, requestId, keepAlive, form = troupeForm }: HttpFailure,
): string {
  const { status, body } = form(failure, requestId);
  const headers = headersOf(json, Buffer.byteLength(body), requestId, keepAlive);
  headers.push(...retryHeaders(failure.code, failure.retryAfterMs).flat());
  response.writeHead(status, headers);
  return body;
}

const json = "application/json";

/** Names and values in turn, of every answer on the hot road. */
function headersOf(type: string, bytes: number, requestId: string, keepAlive: boolean): string[] {
  const headers = ["content-type", type, "content-length", String(bytes)];
  headers.push("x-request-id", requestId);
  if (!keepAlive) headers.push("connection", "close");
  return headers;
}

/**
 * Up to this size the body joins its head in one string and one write; `latin1` leaves every byte as it is.
 */
const joinUpToBytes = 16_384;

export interface HttpAnswer extends AnswerBytes {
  readonly requestId: string;
  readonly keepAlive: boolean;
  /** What the body is packed in; null where it is as it came from its host. */
  readonly coding: Coding | null;
}

/** The body may be overwritten as soon as this returns. */
export function sendAnswer(response: ServerResponse, answer: HttpAnswer): void {
  const { body, jsonBytes, requestId, keepAlive, coding } = answer;
  const isBinary = jsonBytes > 0;
  const type = isBinary ? "application/octet-stream" : json;
  const headers = headersOf(type, body.length, requestId, keepAlive);
  if (isBinary) headers.push("inference-header-content-length", String(jsonBytes));
  if (coding !== null) headers.push("content-encoding", coding, "vary", "accept-encoding");
  response.writeHead(200, headers);
  if (body.length > joinUpToBytes) response.end(Buffer.from(body));
  else response.end(body.toString("latin1"), "latin1");
}
