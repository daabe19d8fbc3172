/*
 * The requests in flight on one WebSocket: each is let in, sent, and answered once. Which frames are requests, and when
 * the socket is read or ended, is its session's to say; the tensors pass through unread.
 */
import type { Clock, Millis } from "../platform/clock.ts";
import type { DoorSettings } from "../protocol/control.ts";
import { type Failure, TroupeError, toFailure } from "../protocol/errors.ts";
import type { AnswerBytes, DoneFrame } from "../protocol/frames.ts";
import type { AccessLog } from "./access-log.ts";
import type { Directory } from "./directory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import type { Admitted, Entrance } from "./entrance.ts";
import type { Flight } from "./flight.ts";
import { type FrameId, frameKey, type InferFrame } from "./socket-frame.ts";
import { type FrameOutcome, noteFrame } from "./socket-log.ts";
import { noMemory, type SlotClaim, type SocketSequences } from "./socket-sequences.ts";
import { addressOf, type SocketTarget } from "./socket-target.ts";
import type { SocketWriter } from "./socket-writer.ts";
import { httpStatus } from "./statuses.ts";
import type { RequestTrace, Tracer } from "./tracer.ts";

export interface ServingParts {
  readonly clock: Clock;
  readonly settings: DoorSettings;
  readonly directory: Directory;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly metrics: DoorMetrics;
  readonly accessLog: AccessLog;
  readonly tracer: Tracer;
}

export interface RequestsParts extends ServingParts {
  readonly target: SocketTarget;
  readonly writer: SocketWriter;
  readonly sequences: SocketSequences;
  /** No sequence begins any more, nor any request outside of one. */
  readonly isDraining: () => boolean;
  /** One was refused, as so many are in flight. */
  readonly onFull: (most: number) => void;
  readonly onSettled: () => void;
}

interface Open {
  readonly frame: InferFrame;
  readonly claim: SlotClaim | null;
  readonly admitted: Admitted;
  readonly beganAt: Millis;
  readonly admittedAt: Millis;
  readonly trace: RequestTrace | undefined;
  flight: Flight | undefined;
}

export class SocketRequests {
  readonly #parts: RequestsParts;
  /** By the id of the frame; bare samples have numbers of their own, which are no client's. */
  readonly #open = new Map<FrameId | bigint, Open>();

  constructor(parts: RequestsParts) {
    this.#parts = parts;
  }

  get isEmpty(): boolean {
    return this.#open.size === 0;
  }

  get isFull(): boolean {
    return this.#open.size >= this.#parts.settings.wsMaxInFlight;
  }

  infer(frame: InferFrame, body: Buffer): void {
    try {
      this.#begin(frame, body);
    } catch (thrown) {
      this.#refuse(frame, toFailure(thrown));
    }
  }

  cancel(id: FrameId): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    const failure: Failure = { code: "cancelled", message: "the client cancelled the request" };
    const onCancelled = () => this.#fail(open, failure);
    if (open.flight === undefined) onCancelled();
    else this.#parts.dispatcher.cancel(open.flight, onCancelled);
  }

  /** The client is gone. */
  cancelAll(): void {
    for (const open of [...this.#open.values()]) {
      if (open.flight !== undefined) this.#parts.dispatcher.cancel(open.flight);
      this.#settle(open, { code: "cancelled", message: "the client left" }, undefined);
    }
  }

  #refuse(frame: InferFrame, failure: Failure): void {
    const { writer, target, directory, sequences } = this.#parts;
    writer.failed(frame.id, failure, frame.requestId);
    const { model = target.model ?? "", version = "" } = frame;
    this.#note({ frame, model, version, failure, totalMs: 0, stages: undefined });
    const isPiece = frame.isSignal && directory.takesSignals(model);
    if (isPiece) sequences.noteGap({ model, sequence: frame.sequence });
  }

  #begin(frame: InferFrame, body: Buffer): void {
    const { clock, entrance, dispatcher, sequences, tracer } = this.#parts;
    this.#checkRoom(frame);
    const beganAt = clock.now();
    const { timeoutMs, priority, requestId, stream, codec } = frame;
    const { model, version: asked } = addressOf(frame, this.#parts.target);
    const claim = this.#claim(frame, model, asked);
    const version = claim === null ? asked : claim.version;
    const draining = this.#parts.isDraining() && (claim?.call.start ?? true);
    const sequence = claim?.call ?? null;
    const bytes = body.length;
    const ask = { model, version, bytes, timeoutMs, priority, draining, sequence };
    const admitted = entrance.admit(ask);
    const trace = tracer.begin(admitted.target.model.name);
    const began = { beganAt, admittedAt: clock.now(), trace };
    const open: Open = { frame, admitted, claim, ...began, flight: undefined };
    this.#open.set(frameKey(frame), open);
    if (claim !== null) sequences.taken(claim, admitted.target.version.version);
    open.flight = dispatcher.submit({
      model,
      version: admitted.target.version.version,
      pinned: asked !== undefined || sequence?.start === false,
      codec,
      body: [body],
      deadlineAt: admitted.deadlineAt,
      priority,
      requestId,
      stream,
      sequence,
      trace,
      onChunk: (chunk) => this.#chunk(open, chunk),
      onDone: (done) => this.#done(open, done),
      onFailed: (failure) => this.#fail(open, failure),
    });
  }

  #checkRoom(frame: InferFrame): void {
    const { id } = frame;
    if (this.#open.has(frameKey(frame))) {
      throw new TroupeError("invalid-request", `id ${JSON.stringify(id)} is in use on this socket`);
    }
    if (!this.isFull) return;
    const most = this.#parts.settings.wsMaxInFlight;
    this.#parts.onFull(most);
    const words = `Cannot take request: ${this.#open.size} of ${most} are in flight on this socket`;
    throw new TroupeError("overloaded", words, { retryAfterMs: 100 });
  }

  /** Null where the model remembers nothing from one frame to the next. */
  #claim({ sequence }: InferFrame, model: string, version: string | undefined): SlotClaim | null {
    const { directory, sequences } = this.#parts;
    const name = { model, sequence };
    const remembers = directory.remembers(model, version);
    if (remembers || sequences.isOpen(name)) return sequences.claim(name, version);
    if (sequence === undefined || remembers === undefined) return null;
    throw noMemory(model, "it takes no 'sequence'");
  }

  #chunk({ frame, flight }: Open, chunk: AnswerBytes): void {
    this.#parts.writer.body("chunk", frame.id, chunk, () => {
      if (flight !== undefined) this.#parts.dispatcher.credit(flight, 1);
    });
  }

  #done(open: Open, done: DoneFrame): void {
    this.#parts.writer.body("done", open.frame.id, done, () => undefined);
    this.#settle(open, null, done);
  }

  #fail(open: Open, failure: Failure): void {
    this.#parts.writer.failed(open.frame.id, failure, open.frame.requestId);
    this.#settle(open, failure, undefined);
  }

  #settle(open: Open, failure: Failure | null, done: DoneFrame | undefined): void {
    const { frame, admitted, beganAt, flight, trace } = open;
    // The end of one frame may have been that of others of its sequence.
    if (this.#open.get(frameKey(frame)) !== open) return;
    this.#open.delete(frameKey(frame));
    admitted.permit.release();
    if (open.claim !== null) this.#parts.sequences.settled(open.claim, failure);
    const writtenAt = this.#parts.clock.now();
    const totalMs = writtenAt - beganAt;
    admitted.series.predictions(failure?.code ?? "ok").add();
    admitted.series.total.observe(totalMs / 1e3);
    const { model, version } = admitted.target;
    const place = { model: model.name, version: flight?.version ?? version.version };
    this.#note({ frame, ...place, failure, totalMs, stages: done?.stages });
    if (trace !== undefined) {
      const status = failure === null ? 200 : httpStatus[failure.code];
      const points = { receivedAt: beganAt, admittedAt: open.admittedAt, writtenAt };
      const { requestId } = frame;
      this.#parts.tracer.finish(trace, { requestId, ...place, status, ...points });
    }
    this.#parts.onSettled();
  }

  #note(outcome: FrameOutcome): void {
    noteFrame(this.#parts.accessLog, this.#parts.target.endpoint, outcome);
  }
}
