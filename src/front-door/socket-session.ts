/*
 * One WebSocket: its requests in flight, each answered once, and how far a slow reader or a fast writer may go.
 * What is taken in is the entrance's to say; the tensors pass through unread.
 */
import type { RawData, WebSocket } from "ws";
import type { Clock, Millis } from "../platform/clock.ts";
import type { DoorSettings } from "../protocol/control.ts";
import { type Failure, TroupeError, toFailure } from "../protocol/errors.ts";
import type { DoneFrame } from "../protocol/frames.ts";
import type { AccessLog } from "./access-log.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import type { Admitted, Entrance } from "./entrance.ts";
import type { Flight } from "./flight.ts";
import { type FrameId, type InferFrame, parseClientFrame } from "./socket-frame.ts";
import { SocketPulse } from "./socket-pulse.ts";
import { closeCode, httpStatus } from "./statuses.ts";

export interface SessionParts {
  readonly clock: Clock;
  readonly settings: DoorSettings;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly metrics: DoorMetrics;
  readonly accessLog: AccessLog;
}

/** The model that the path names, where it names one. */
export interface SocketTarget {
  readonly endpoint: string;
  readonly model: string | undefined;
  readonly version: string | undefined;
}

interface Open {
  readonly frame: InferFrame;
  readonly admitted: Admitted;
  readonly beganAt: Millis;
  flight: Flight | undefined;
}

/** A reader that takes nothing for this long has left. */
const stallMs = 10_000;
/** Past so many times its bound a reader is not waited for any more; one answer may always stand there. */
const hardBound = 16;

export class SocketSession {
  readonly #parts: SessionParts;
  readonly #socket: WebSocket;
  readonly #target: SocketTarget;
  readonly #open = new Map<FrameId, Open>();
  /** Frames that came while the socket was being paused. */
  #parked: Buffer[] = [];
  /** Frames refused since there was last room. */
  #refused = 0;
  /** Frames that the operating system has taken over. */
  #taken = 0;
  #isPaused = false;
  #isDraining = false;
  readonly #pulse: SocketPulse;
  #disarmStall: (() => void) | undefined;

  constructor(parts: SessionParts, socket: WebSocket, target: SocketTarget) {
    this.#parts = parts;
    this.#socket = socket;
    this.#target = target;
    const isResting = () => this.#open.size === 0;
    const isPaused = () => this.#isPaused;
    this.#pulse = new SocketPulse(socket, parts.clock, { ...parts.settings, isResting, isPaused });
    socket.on("message", (data, isBinary) => this.#hear(data, isBinary));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
  }

  /** Takes nothing more; the socket ends when its last request is answered. */
  drain(): void {
    this.#isDraining = true;
    this.#endIfDrained();
  }

  #hear(data: RawData, isBinary: boolean): void {
    this.#parts.metrics.framesIn.add();
    this.#pulse.note();
    if (isBinary) {
      this.#sendFailed(null, {
        code: "not-implemented",
        message: "frames must be JSON text: binary frames are not built yet",
      });
    } else if (this.#isPaused) this.#parked.push(data as Buffer);
    else this.#obey(data as Buffer);
  }

  #obey(bytes: Buffer): void {
    const verdict = parseClientFrame(bytes);
    if (verdict.type === "refused") this.#sendFailed(verdict.id, toFailure(verdict.error));
    else if (verdict.frame.type === "cancel") this.#cancel(verdict.frame.id);
    else this.#infer(verdict.frame, bytes);
  }

  #infer(frame: InferFrame, body: Buffer): void {
    try {
      this.#begin(frame, body);
    } catch (thrown) {
      this.#sendFailed(frame.id, toFailure(thrown), frame.requestId);
    }
  }

  #begin(frame: InferFrame, body: Buffer): void {
    const { clock, entrance, dispatcher } = this.#parts;
    this.#checkRoom(frame);
    const beganAt = clock.now();
    const { timeoutMs, priority, requestId, stream } = frame;
    const draining = this.#isDraining;
    const { model, version } = this.#modelOf(frame);
    const bytes = body.length;
    const admitted = entrance.admit({ model, version, bytes, timeoutMs, priority, draining });
    const open: Open = { frame, admitted, beganAt, flight: undefined };
    this.#open.set(frame.id, open);
    open.flight = dispatcher.submit({
      model,
      version: admitted.target.version.version,
      codec: "predict",
      body,
      deadlineAt: admitted.deadlineAt,
      priority,
      requestId,
      stream,
      onChunk: (chunk) => this.#chunk(open, chunk),
      onDone: (done) => this.#done(open, done),
      onFailed: (failure) => this.#fail(open, failure),
    });
  }

  #checkRoom({ id }: InferFrame): void {
    if (this.#open.has(id)) {
      throw new TroupeError("invalid-request", `id ${JSON.stringify(id)} is in use on this socket`);
    }
    const most = this.#parts.settings.wsMaxInFlight;
    if (this.#open.size < most) return;
    this.#refused += 1;
    if (this.#refused >= most) this.#pause();
    const words = `Cannot take request: ${this.#open.size} of ${most} are in flight on this socket`;
    throw new TroupeError("overloaded", words, { retryAfterMs: 100 });
  }

  #modelOf(frame: InferFrame): { readonly model: string; readonly version: string | undefined } {
    const { model, version } = this.#target;
    if (model === undefined) {
      if (frame.model !== undefined) return { model: frame.model, version: frame.version };
      throw new TroupeError(
        "invalid-request",
        "model must name a model on this socket, got nothing",
      );
    }
    if (frame.model !== undefined && frame.model !== model) {
      const words = `model must be '${model}' on this socket, got '${frame.model}'`;
      throw new TroupeError("invalid-request", words);
    }
    return { model, version: version ?? frame.version };
  }

  #cancel(id: FrameId): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    if (open.flight !== undefined) this.#parts.dispatcher.cancel(open.flight);
    this.#fail(open, { code: "cancelled", message: "the client cancelled the request" });
  }

  #chunk({ frame, flight }: Open, body: Uint8Array): void {
    this.#sendBody("chunk", frame.id, body, () => {
      if (flight !== undefined) this.#parts.dispatcher.credit(flight, 1);
    });
  }

  #done(open: Open, done: DoneFrame): void {
    this.#sendBody("done", open.frame.id, done.body, () => undefined);
    this.#settle(open, null, done);
  }

  #fail(open: Open, failure: Failure): void {
    this.#sendFailed(open.frame.id, failure, open.frame.requestId);
    this.#settle(open, failure, undefined);
  }

  #settle(open: Open, failure: Failure | null, done: DoneFrame | undefined): void {
    const { frame, admitted, beganAt } = open;
    this.#open.delete(frame.id);
    this.#pulse.noteUse();
    admitted.permit.release();
    const { clock, accessLog } = this.#parts;
    const totalMs = clock.now() - beganAt;
    admitted.series.predictions(failure?.code ?? "ok").add();
    admitted.series.total.observe(totalMs / 1e3);
    accessLog.note({
      requestId: frame.requestId,
      route: this.#target.endpoint,
      model: admitted.target.model.name,
      version: admitted.target.version.version,
      status: failure === null ? 200 : httpStatus[failure.code],
      code: failure?.code ?? null,
      error: failure?.message ?? null,
      admissionMs: 0,
      totalMs,
      stages: done?.stages,
    });
    this.#resumeIfRoom();
    this.#endIfDrained();
  }

  /** The host's JSON object gets the frame's type and id in front. */
  #sendBody(type: string, id: FrameId, body: Uint8Array, onSent: () => void): void {
    const head = Buffer.from(`{"type":"${type}","id":${JSON.stringify(id)},`);
    this.#send(Buffer.concat([head, body.subarray(1)]), onSent);
  }

  #sendFailed(id: FrameId | null, failure: Failure, requestId?: string): void {
    const { code, message: error, retryAfterMs } = failure;
    const retry = retryAfterMs === undefined ? {} : { retry_after_ms: Math.ceil(retryAfterMs) };
    const frame = { type: "failed", id, error, code, ...retry, request_id: requestId };
    this.#send(Buffer.from(JSON.stringify(frame)), () => undefined);
  }

  #send(bytes: Buffer, onSent: () => void): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#isPastBearing) {
      this.#socket.terminate();
      return;
    }
    this.#parts.metrics.framesOut.add();
    this.#socket.send(bytes, { binary: false }, () => {
      this.#taken += 1;
      onSent();
      this.#resumeIfRoom();
    });
    if (this.#isClogged) this.#pause();
  }

  get #isClogged(): boolean {
    return this.#socket.bufferedAmount > this.#parts.settings.wsMaxBufferedBytes;
  }

  get #isPastBearing(): boolean {
    const { wsMaxBufferedBytes } = this.#parts.settings;
    return this.#socket.bufferedAmount > hardBound * wsMaxBufferedBytes;
  }

  /** From here on TCP pushes back; neither cancel nor pong nor close is seen meanwhile. */
  #pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
    this.#watchStall();
  }

  #resumeIfRoom(): void {
    if (!this.#isPaused || this.#isClogged) return;
    if (this.#open.size >= this.#parts.settings.wsMaxInFlight) return;
    this.#isPaused = false;
    this.#refused = 0;
    this.#disarmStall?.();
    // Nobody is there any more to have an answer to what a socket parked before its end.
    const parked = this.#socket.readyState === this.#socket.OPEN ? this.#parked : [];
    this.#parked = [];
    for (const bytes of parked) {
      if (this.#isPaused) this.#parked.push(bytes);
      else this.#obey(bytes);
    }
    if (!this.#isPaused) this.#socket.resume();
  }

  /** Ends the socket when its reader has taken nothing since the last look. */
  #watchStall(): void {
    const before = this.#taken;
    this.#disarmStall = this.#parts.clock.after(stallMs, () => {
      if (this.#socket.bufferedAmount > 0 && this.#taken === before) this.#socket.terminate();
      else if (this.#isPaused) this.#watchStall();
    });
  }

  #endIfDrained(): void {
    if (this.#isDraining && this.#open.size === 0) {
      this.#socket.close(closeCode.draining, "the server is draining");
    }
  }

  #onClose(): void {
    this.#pulse.stop();
    this.#disarmStall?.();
    for (const open of [...this.#open.values()]) {
      if (open.flight !== undefined) this.#parts.dispatcher.cancel(open.flight);
      this.#settle(open, { code: "cancelled", message: "the client left" }, undefined);
    }
  }
}
