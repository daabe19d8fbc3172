/* One ModelInferRequest on its way: let in, sent to a host, and answered once, whether it came alone or on a stream. */
import type { Clock, Millis } from "../../platform/clock.ts";
import { type Failure, toFailure } from "../../protocol/errors.ts";
import type { DoneFrame, Priority } from "../../protocol/frames.ts";
import type { AccessLog } from "../access-log.ts";
import type { Dispatcher } from "../dispatcher.ts";
import type { Admitted, Entrance } from "../entrance.ts";
import type { Flight } from "../flight.ts";
import type { SharedSeats } from "../shared-seats.ts";
import { httpStatus } from "../statuses.ts";
import type { RequestTrace, Tracer } from "../tracer.ts";
import { claimV2 } from "../v2-claim.ts";
import type { InferRequest } from "./infer-request.ts";

export interface InferenceParts {
  readonly clock: Clock;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly accessLog: AccessLog;
  readonly sharedSeats: SharedSeats;
  readonly tracer: Tracer;
}

export interface InferenceAsk {
  /** The method's path, for the log. */
  readonly route: string;
  readonly requestId: string;
  readonly timeoutMs: number | null;
  readonly priority: Priority;
  readonly draining: boolean;
  /** One of these two comes, once; the frame's bytes are gone on return. What is thrown becomes the failure. */
  readonly onDone: (frame: DoneFrame) => void;
  readonly onFailed: (failure: Failure) => void;
}

export class Inference {
  readonly #parts: InferenceParts;
  readonly #ask: InferenceAsk;
  readonly #request: InferRequest;
  readonly #beganAt: Millis;
  #admissionMs: Millis = 0;
  #admitted: Admitted | undefined;
  #flight: Flight | undefined;
  #trace: RequestTrace | undefined;
  #isSettled = false;

  constructor(parts: InferenceParts, ask: InferenceAsk, request: InferRequest) {
    this.#parts = parts;
    this.#ask = ask;
    this.#request = request;
    this.#beganAt = parts.clock.now();
  }

  begin(): void {
    try {
      this.#submit(this.#admit());
    } catch (thrown) {
      this.#fail(toFailure(thrown));
    }
  }

  /** Nobody waits for the answer any more, and nobody gets one. */
  leave(failure: Failure): void {
    if (this.#isSettled) return;
    if (this.#flight !== undefined) this.#parts.dispatcher.cancel(this.#flight);
    this.#settle(failure, undefined);
  }

  /** Its answer has left, or will not. */
  release(): void {
    this.#admitted?.permit.release();
  }

  #admit(): Admitted {
    const { clock, entrance, tracer } = this.#parts;
    const { model, version, body } = this.#request;
    const { timeoutMs, priority, draining } = this.#ask;
    this.#admitted = entrance.admit({
      model,
      version,
      bytes: body.length,
      timeoutMs,
      priority,
      draining,
    });
    this.#admissionMs = clock.now() - this.#beganAt;
    this.#trace = tracer.begin(this.#admitted.target.model.name);
    return this.#admitted;
  }

  #submit({ target, deadlineAt }: Admitted): void {
    const { json, version, codec, body } = this.#request;
    const isNamed = version !== undefined;
    const sequence = claimV2(this.#parts.sharedSeats, json, target, isNamed);
    this.#flight = this.#parts.dispatcher.submit({
      model: target.model.name,
      version: sequence?.seat.version ?? target.version.version,
      pinned: isNamed || sequence?.start === false,
      codec,
      body,
      deadlineAt,
      priority: this.#ask.priority,
      requestId: this.#ask.requestId,
      stream: false,
      sequence,
      trace: this.#trace,
      onChunk: () => undefined,
      onDone: (frame) => this.#done(frame),
      onFailed: (failure) => this.#fail(failure),
    });
  }

  #done(frame: DoneFrame): void {
    if (this.#isSettled) return;
    try {
      this.#ask.onDone(frame);
    } catch (thrown) {
      this.#fail(toFailure(thrown));
      return;
    }
    this.#settle(null, frame);
  }

  #fail(failure: Failure): void {
    if (this.#isSettled) return;
    this.#settle(failure, undefined);
    this.#ask.onFailed(failure);
  }

  #settle(failure: Failure | null, frame: DoneFrame | undefined): void {
    this.#isSettled = true;
    const { clock, accessLog } = this.#parts;
    const { route, requestId } = this.#ask;
    const writtenAt = clock.now();
    const totalMs = writtenAt - this.#beganAt;
    // What it would be over HTTP.
    const status = failure === null ? 200 : httpStatus[failure.code];
    if (this.#trace !== undefined) this.#noteTrace(this.#trace, status, writtenAt);
    if (this.#admitted !== undefined) {
      const { series } = this.#admitted;
      series.predictions(failure?.code ?? "ok").add();
      series.admission.observe(this.#admissionMs / 1e3);
      series.total.observe(totalMs / 1e3);
    }
    accessLog.note({
      requestId,
      route,
      model: this.#request.model,
      version: this.#version,
      status,
      code: failure?.code ?? null,
      error: failure?.message ?? null,
      admissionMs: this.#admissionMs,
      totalMs,
      stages: frame?.stages,
    });
  }

  #noteTrace(trace: RequestTrace, status: number, writtenAt: Millis): void {
    this.#parts.tracer.finish(trace, {
      requestId: this.#ask.requestId,
      model: this.#request.model,
      version: this.#version,
      status,
      receivedAt: this.#beganAt,
      admittedAt: this.#beganAt + this.#admissionMs,
      writtenAt,
    });
  }

  /** The one that has answered, as far as any has. */
  get #version(): string {
    return (
      this.#flight?.version ?? this.#admitted?.target.version.version ?? this.#request.version ?? ""
    );
  }
}
