/*
 * Predictions over HTTP, on plain node:http in front of Fastify: the hot road.
 * It reads heads and sizes; the body goes to the host as it came, and the answer's bytes go back untouched.
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Millis } from "../platform/clock.ts";
import { type Failure, type TroupeError, toFailure } from "../protocol/errors.ts";
import type { DoneFrame, Priority } from "../protocol/frames.ts";
import { hasMemory } from "../protocol/model-metadata.ts";
import type { AccessLog } from "./access-log.ts";
import { answerCoding, type Coding, codings, knownCoding, pack } from "./content-coding.ts";
import type { Target } from "./directory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import type { Admitted, Entrance } from "./entrance.ts";
import type { Flight, SequenceCall } from "./flight.ts";
import { sendAnswer, sendEarlyFailure, sendFailure } from "./http-answer.ts";
import { matchPredictPath, type PredictPath } from "./predict-path.ts";
import { declaredLength, readBody } from "./request-body.ts";
import { contentOf, type RequestContent } from "./request-content.ts";
import { priorityOf, requestIdOf, timeoutOf } from "./request-head.ts";
import type { SharedSeats } from "./shared-seats.ts";
import type { RequestTrace, Tracer } from "./tracer.ts";
import { endIfUntaken } from "./untaken-answer.ts";
import { claimV2 } from "./v2-claim.ts";
import { refuseSequence } from "./v2-sequence.ts";

export interface PredictRouteParts {
  readonly clock: Clock;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly metrics: DoorMetrics;
  readonly accessLog: AccessLog;
  readonly sharedSeats: SharedSeats;
  readonly tracer: Tracer;
  readonly maxBodyBytes: number;
  /** Whether every answer ends its connection. */
  readonly isDraining: () => boolean;
}

export type PlainHandler = (request: IncomingMessage, response: ServerResponse) => boolean;

/** False where the request is none of ours. */
export function predictRoute(parts: PredictRouteParts): PlainHandler {
  return (request, response) => {
    if (request.method !== "POST" || request.url === undefined) return false;
    const path = matchPredictPath(request.url);
    if (path === undefined) return false;
    new Exchange(parts, path, request, response).begin();
    return true;
  };
}

/** One request and its answer. */
class Exchange {
  readonly #parts: PredictRouteParts;
  readonly #path: PredictPath;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #requestId: string;
  readonly #beganAt: Millis;
  #admittedAt: Millis;
  #admitted: Admitted | undefined;
  #content: RequestContent | undefined;
  #priority: Priority = "normal";
  #flight: Flight | undefined;
  #trace: RequestTrace | undefined;
  #isAnswered = false;
  #disarmUpload: (() => void) | undefined;

  constructor(
    parts: PredictRouteParts,
    path: PredictPath,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    this.#parts = parts;
    this.#path = path;
    this.#request = request;
    this.#response = response;
    this.#requestId = requestIdOf(request.headers);
    this.#beganAt = parts.clock.now();
    this.#admittedAt = this.#beganAt;
  }

  begin(): void {
    try {
      this.#admit();
    } catch (thrown) {
      this.#fail(toFailure(thrown), isSmall(this.#request));
      return;
    }
    this.#response.on("close", () => this.#close());
    if (this.#request.headers.expect !== undefined) this.#response.writeContinue();
    const { entrance, maxBodyBytes: maxBytes } = this.#parts;
    const limits = {
      maxBytes,
      onBytes: (bytes: number) => this.#admitted && entrance.grow(this.#admitted, bytes),
    };
    const onBody = (error: TroupeError | undefined, body: Buffer) => {
      if (error === undefined) this.#submit(body);
      else this.#fail(toFailure(error), this.#request.complete);
    };
    readBody(this.#request, limits, onBody, this.#content);
    // A body that came with its head is complete by then, and costs no timer.
    process.nextTick(() => this.#watchUpload());
  }

  /** From its submission on the dispatcher watches the deadline. */
  #watchUpload(): void {
    if (this.#request.complete || this.#isAnswered || this.#admitted === undefined) return;
    const { clock } = this.#parts;
    const message = "Cannot answer: the deadline passed while the body was on its way";
    this.#disarmUpload = clock.after(this.#admitted.deadlineAt - clock.now(), () =>
      this.#fail({ code: "deadline-exceeded", message }, false),
    );
  }

  /** Everything that can be refused before the body is read. */
  #admit(): void {
    const { entrance, clock, maxBodyBytes, tracer } = this.#parts;
    const { headers } = this.#request;
    const bytes = declaredLength(this.#request, maxBodyBytes);
    // Only this tells a client that it was the coding, and not the type (RFC 9110, section 12.5.3).
    if (knownCoding(headers["content-encoding"]) === undefined) {
      this.#response.setHeader("accept-encoding", codings.join(", "));
    }
    this.#content = contentOf(headers, this.#path.codec);
    const timeoutMs = timeoutOf(headers["x-request-timeout-ms"]);
    const priority = priorityOf(headers["x-priority"]);
    this.#priority = priority;
    const { model, version } = this.#path;
    // A draining server still answers whoever has a connection, and closes it with the answer.
    this.#admitted = entrance.admit({ model, version, bytes, timeoutMs, priority });
    this.#admittedAt = clock.now();
    this.#trace = tracer.begin(this.#admitted.target.model.name);
  }

  #submit(body: Buffer): void {
    if (this.#admitted === undefined || this.#content === undefined || this.#isAnswered) return;
    this.#disarmUpload?.();
    const { target, deadlineAt } = this.#admitted;
    let sequence: SequenceCall | null;
    try {
      sequence = this.#sequenceOf(body, target);
    } catch (thrown) {
      this.#fail(toFailure(thrown), true);
      return;
    }
    this.#flight = this.#parts.dispatcher.submit({
      model: target.model.name,
      version: sequence?.seat.version ?? target.version.version,
      pinned: this.#path.version !== undefined || sequence?.start === false,
      codec: this.#content.codec,
      body,
      deadlineAt,
      priority: this.#priority,
      requestId: this.#requestId,
      stream: false,
      sequence,
      trace: this.#trace,
      onChunk: () => undefined,
      onDone: (frame) => this.#done(frame),
      onFailed: (failure) => this.#fail(failure, true),
    });
  }

  /** Null where the request stands for itself. Only models that remember pay for the look into the body. */
  #sequenceOf(body: Buffer, target: Target): SequenceCall | null {
    const { metadata } = target.version;
    if (metadata === null || !hasMemory(metadata)) return null;
    if (this.#path.codec !== "v2") {
      refuseSequence(body);
      return null;
    }
    const isNamed = this.#path.version !== undefined;
    return claimV2(this.#parts.sharedSeats, this.#jsonIn(body), target, isNamed);
  }

  /** Undefined where there is none. */
  #jsonIn(body: Buffer): Buffer | undefined {
    const { prefix = null, jsonBytes = null } = this.#content ?? {};
    if (jsonBytes === 0) return undefined;
    if (prefix === null || jsonBytes === null) return body;
    return body.subarray(prefix.length, prefix.length + jsonBytes);
  }

  #done(frame: DoneFrame): void {
    const accepted = this.#request.headers["accept-encoding"];
    const coding = answerCoding(accepted, frame.body.length);
    if (coding === null) {
      this.#answer(frame, frame.body, null);
      return;
    }
    // The frame's bytes are gone when this returns.
    const body = Buffer.from(frame.body);
    pack(coding, body, (packed) => this.#answer(frame, packed ?? body, packed ? coding : null));
  }

  #answer(frame: DoneFrame, body: Buffer, coding: Coding | null): void {
    // The caller may have left while it was packed.
    if (this.#isAnswered) return;
    const requestId = this.#requestId;
    const keepAlive = !this.#parts.isDraining();
    const { jsonBytes } = frame;
    sendAnswer(this.#response, { body, jsonBytes, requestId, keepAlive, coding });
    endIfUntaken(this.#response, this.#parts.clock);
    this.#note(200, null, frame);
  }

  /** A body that was not read to its end ends the connection. */
  #fail(failure: Failure, isBodyRead: boolean): void {
    if (this.#isAnswered) return;
    const { isDraining, clock } = this.#parts;
    const status = isBodyRead
      ? sendFailure(this.#response, failure, this.#requestId, !isDraining())
      : sendEarlyFailure(this.#response, failure, this.#requestId, clock);
    this.#note(status, failure, undefined);
  }

  /** Comes after every answer, and before it when the caller has left. */
  #close(): void {
    this.#admitted?.permit.release();
    if (this.#isAnswered) return;
    if (this.#flight !== undefined) this.#parts.dispatcher.cancel(this.#flight);
    this.#note(499, { code: "cancelled", message: "the client left" }, undefined);
  }

  /** The one that has answered, as far as any has. */
  get #version(): string {
    const { version } = this.#flight ?? this.#admitted?.target.version ?? this.#path;
    return version ?? "";
  }

  #noteTrace(trace: RequestTrace, status: number, writtenAt: Millis): void {
    this.#parts.tracer.finish(trace, {
      requestId: this.#requestId,
      model: this.#path.model,
      version: this.#version,
      status,
      receivedAt: this.#beganAt,
      admittedAt: this.#admittedAt,
      writtenAt,
    });
  }

  #note(status: number, failure: Failure | null, frame: DoneFrame | undefined): void {
    this.#isAnswered = true;
    this.#disarmUpload?.();
    const { clock, metrics, accessLog } = this.#parts;
    const writtenAt = clock.now();
    const totalMs = writtenAt - this.#beganAt;
    if (this.#trace !== undefined) this.#noteTrace(this.#trace, status, writtenAt);
    const admissionMs = this.#admittedAt - this.#beganAt;
    const route = metrics.route("POST", this.#path.endpoint, status);
    route.requests.add();
    route.seconds.observe(totalMs / 1e3);
    if (this.#admitted !== undefined) {
      const { series } = this.#admitted;
      series.predictions(failure?.code ?? "ok").add();
      series.admission.observe(admissionMs / 1e3);
      series.total.observe(totalMs / 1e3);
    }
    accessLog.note({
      requestId: this.#requestId,
      route: this.#path.endpoint,
      model: this.#path.model,
      version: this.#version,
      status,
      code: failure?.code ?? null,
      error: failure?.message ?? null,
      admissionMs,
      totalMs,
      stages: frame?.stages,
    });
  }
}

/** An unread body of this size is read and dropped, which is cheaper than a new connection. */
const droppedBytes = 65_536;

function isSmall(request: IncomingMessage): boolean {
  return Number(request.headers["content-length"] ?? Number.POSITIVE_INFINITY) <= droppedBytes;
}
