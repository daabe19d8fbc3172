/*
 * One prediction from its admission to its answer: what becomes of it is the same whatever route it came by. How its
 * body is read and its answer is written is the route's.
 */
import type { Clock, Millis } from "../platform/clock.ts";
import type { Failure } from "../protocol/errors.ts";
import type { AnswerBytes, DoneFrame, Priority } from "../protocol/frames.ts";
import { hasMemory } from "../protocol/model-metadata.ts";
import { joined, type Pieces } from "../protocol/pieces.ts";
import type { AccessLog } from "./access-log.ts";
import type { Target } from "./directory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Admitted, Entrance, Room } from "./entrance.ts";
import type { Flight, SequenceCall } from "./flight.ts";
import type { Permit } from "./permits.ts";
import type { RequestContent } from "./request-content.ts";
import type { SharedSeats } from "./shared-seats.ts";
import type { RequestTrace, Tracer } from "./tracer.ts";
import { claimV2 } from "./v2-claim.ts";
import { refuseSequence } from "./v2-sequence.ts";

export interface PredictionParts {
  readonly clock: Clock;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly accessLog: AccessLog;
  readonly sharedSeats: SharedSeats;
  readonly tracer: Tracer;
}

export interface PredictionAsk {
  /** The route's template. */
  readonly endpoint: string;
  readonly hurried?: boolean;
  readonly model: string;
  readonly version: string | undefined;
  readonly requestId: string;
  readonly beganAt: Millis;
}

/** What is known of a body that is there. */
export type BodyLayout = Omit<RequestContent, "coding">;

/** What the head of a request says, whatever it is that it asks for. */
export interface RequestWishes {
  /** Of the body, as far as it is declared. */
  readonly bytes: number;
  readonly timeoutMs: number | null;
  readonly priority: Priority;
}

/** What one HTTP request asks for: a prediction, or several in one body. */
export interface Asked {
  /** Before the body is read: what the caller gets instead, if it is refused. Throws where there is no such model. */
  admit(wishes: RequestWishes): Failure | undefined;
  /** What holds the body's bytes; undefined until it is admitted. */
  readonly permit: Permit | undefined;
  readonly deadlineAt: Millis | undefined;
  /** Empty where the body names it. */
  readonly model: string;
  /** Once it is admitted. Throws the TroupeError that the caller gets. */
  submit(content: RequestContent, body: Pieces): void;
  /** The caller has left. */
  cancel(): void;
  /** Counts and logs what the caller got; once. */
  note(outcome: PredictionOutcome): void;
}

/** One of these two is told, once, unless the caller leaves before. */
export interface AskedListener {
  /** The bytes may be gone when this returns. The frame is there where one host has answered all. */
  onDone(answer: AnswerBytes, frame: DoneFrame | undefined): void;
  onFailed(failure: Failure): void;
}

export interface PredictionOutcome {
  readonly status: number;
  readonly failure: Failure | null;
  readonly frame?: DoneFrame | undefined;
}

export class Prediction implements Asked {
  readonly #ask: PredictionAsk;
  readonly #parts: PredictionParts;
  readonly #listener: AskedListener;
  #priority: Priority = "normal";
  #admitted: Admitted | undefined;
  #admittedAt: Millis;
  /** The version that has no room for it. */
  #refusedBy: string | undefined;
  #flight: Flight | undefined;
  #trace: RequestTrace | undefined;
  #isNoted = false;

  constructor(parts: PredictionParts, ask: PredictionAsk, listener: AskedListener) {
    this.#ask = ask;
    this.#parts = parts;
    this.#listener = listener;
    this.#admittedAt = ask.beganAt;
  }

  /** A draining server still answers whoever has a connection. `room` is what its body was given before. */
  admit(wishes: RequestWishes, room?: Room): Failure | undefined {
    this.#priority = wishes.priority;
    const { model, version } = this.#ask;
    const { bytes, timeoutMs, priority } = wishes;
    const ask = { model, version, bytes, timeoutMs, priority, room };
    const judged = this.#parts.entrance.judge(ask);
    if (judged.type === "refused") {
      this.#refusedBy = judged.version;
      return judged.failure;
    }
    this.#admitted = judged;
    this.#admittedAt = this.#parts.clock.now();
    this.#trace = this.#parts.tracer.begin(judged.target.model.name);
    return undefined;
  }

  get permit(): Permit | undefined {
    return this.#admitted?.permit;
  }

  get deadlineAt(): Millis | undefined {
    return this.#admitted?.deadlineAt;
  }

  get model(): string {
    return this.#ask.model;
  }

  /** The one that has answered, as far as any has. */
  get version(): string {
    const { version } = this.#flight ?? this.#admitted?.target.version ?? this.#ask;
    return version ?? this.#refusedBy ?? "";
  }

  submit(content: BodyLayout, body: Pieces): void {
    if (this.#admitted === undefined) return;
    const { target, deadlineAt } = this.#admitted;
    const sequence = this.#sequenceOf(content, body, target);
    this.#flight = this.#parts.dispatcher.submit({
      model: target.model.name,
      version: sequence?.seat.version ?? target.version.version,
      pinned: this.#ask.version !== undefined || sequence?.start === false,
      codec: content.codec,
      body,
      deadlineAt,
      priority: this.#priority,
      requestId: this.#ask.requestId,
      stream: false,
      hurried: this.#ask.hurried === true,
      sequence,
      trace: this.#trace,
      onChunk: () => undefined,
      onDone: (frame) => this.#listener.onDone(frame, frame),
      onFailed: (failure) => this.#listener.onFailed(failure),
    });
  }

  cancel(): void {
    if (this.#flight !== undefined) this.#parts.dispatcher.cancel(this.#flight);
  }

  note({ status, failure, frame }: PredictionOutcome): void {
    if (this.#isNoted) return;
    this.#isNoted = true;
    const { clock, accessLog } = this.#parts;
    const { requestId, endpoint: route, model, beganAt } = this.#ask;
    const writtenAt = clock.now();
    const totalMs = writtenAt - beganAt;
    if (this.#trace !== undefined) this.#noteTrace(this.#trace, status, writtenAt);
    const admissionMs = this.#admittedAt - beganAt;
    if (this.#admitted !== undefined) {
      const { series } = this.#admitted;
      series.predictions(failure?.code ?? "ok").add();
      series.admission.observe(admissionMs / 1e3);
      series.total.observe(totalMs / 1e3);
    }
    accessLog.note({
      requestId,
      route,
      model,
      version: this.version,
      status,
      code: failure?.code ?? null,
      error: failure?.message ?? null,
      admissionMs,
      totalMs,
      stages: frame?.stages,
    });
  }

  #noteTrace(trace: RequestTrace, status: number, writtenAt: Millis): void {
    const { requestId, model, beganAt } = this.#ask;
    this.#parts.tracer.finish(trace, {
      requestId,
      model,
      version: this.version,
      status,
      receivedAt: beganAt,
      admittedAt: this.#admittedAt,
      writtenAt,
    });
  }

  /** Null where the request stands for itself. Only models that remember pay for the look into the body. */
  #sequenceOf(content: BodyLayout, pieces: Pieces, target: Target): SequenceCall | null {
    const { metadata } = target.version;
    if (metadata === null || !hasMemory(metadata)) return null;
    const body = joined(pieces);
    if (!content.codec.startsWith("v2")) {
      refuseSequence(body);
      return null;
    }
    const isNamed = this.#ask.version !== undefined;
    return claimV2(this.#parts.sharedSeats, jsonIn(content, body), target, isNamed);
  }
}

/** Undefined where there is none. */
function jsonIn({ prefix, jsonBytes }: BodyLayout, body: Buffer): Buffer | undefined {
  if (jsonBytes === 0) return undefined;
  if (prefix === null || jsonBytes === null) return body;
  return body.subarray(prefix.length, prefix.length + jsonBytes);
}
