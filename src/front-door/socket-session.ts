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
import type { Directory } from "./directory.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import type { Admitted, Entrance } from "./entrance.ts";
import type { Flight } from "./flight.ts";
import {
  type FrameId,
  type FrameVerdict,
  frameKey,
  type InferFrame,
  parseClientFrame,
  type SequenceFrame,
  sampleFrame,
} from "./socket-frame.ts";
import { SocketGate } from "./socket-gate.ts";
import { type FrameOutcome, noteFrame } from "./socket-log.ts";
import { SocketPulse } from "./socket-pulse.ts";
import { noMemory, type SlotClaim, SocketSequences } from "./socket-sequences.ts";
import { addressOf, type SocketTarget } from "./socket-target.ts";
import { SocketWriter } from "./socket-writer.ts";
import { closeCode } from "./statuses.ts";

export interface SessionParts {
  readonly clock: Clock;
  readonly settings: DoorSettings;
  readonly directory: Directory;
  readonly entrance: Entrance;
  readonly dispatcher: Dispatcher;
  readonly metrics: DoorMetrics;
  readonly accessLog: AccessLog;
}

interface Message {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

interface Open {
  readonly frame: InferFrame;
  readonly claim: SlotClaim | null;
  readonly admitted: Admitted;
  readonly beganAt: Millis;
  flight: Flight | undefined;
}

export class SocketSession {
  readonly #parts: SessionParts;
  readonly #socket: WebSocket;
  readonly #target: SocketTarget;
  /** By the id of the frame; bare samples have numbers of their own, which are no client's. */
  readonly #open = new Map<FrameId | bigint, Open>();
  #isDraining = false;
  readonly #pulse: SocketPulse;
  readonly #writer: SocketWriter;
  readonly #gate: SocketGate<Message>;
  readonly #sequences: SocketSequences;
  /** Frames of bare samples that have come: they have no ids of their own. */
  #sampleFrames = 0;
  #disarmDrain: (() => void) | undefined;

  constructor(parts: SessionParts, socket: WebSocket, target: SocketTarget) {
    this.#parts = parts;
    this.#socket = socket;
    this.#target = target;
    const isResting = () => this.#open.size === 0;
    const isPaused = () => this.#gate.isPaused;
    this.#writer = new SocketWriter(socket, {
      ...parts,
      onTaken: () => this.#gate.noteTaken(),
      onClogged: () => this.#gate.pause(),
    });
    this.#gate = new SocketGate<Message>(socket, parts.clock, {
      isClogged: () => this.#writer.isClogged,
      isFull: () => this.#isFull,
      obey: (message) => this.#obey(message),
    });
    this.#sequences = new SocketSequences({
      dispatcher: parts.dispatcher,
      notify: (notice) => {
        this.#writer.ended(notice);
        this.#endIfDrained();
      },
    });
    this.#pulse = new SocketPulse(socket, parts.clock, { ...parts.settings, isResting, isPaused });
    socket.on("message", (data, isBinary) => this.#hear(data, isBinary));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
  }

  /**
   * Takes nothing more but frames of sequences that are open, and those for a while only; the socket ends when its last
   * request is answered.
   */
  drain(): void {
    this.#isDraining = true;
    this.#endIfDrained();
    if (!this.#sequences.isHeld) return;
    const { clock, settings } = this.#parts;
    this.#disarmDrain = clock.after(settings.drainSequencesMs, () => {
      this.#sequences.endAll();
      this.#endIfDrained();
    });
  }

  get #isFull(): boolean {
    return this.#open.size >= this.#parts.settings.wsMaxInFlight;
  }

  #hear(data: RawData, isBinary: boolean): void {
    this.#parts.metrics.framesIn.add();
    this.#pulse.note();
    this.#gate.hear({ bytes: data as Buffer, isBinary });
  }

  #obey({ bytes, isBinary }: Message): void {
    if (isBinary && this.#isFull) {
      this.#gate.hold({ bytes, isBinary });
      return;
    }
    const verdict = isBinary ? this.#parseSamples() : parseClientFrame(bytes);
    if (verdict.type === "refused") {
      this.#writer.failed(verdict.id, toFailure(verdict.error));
      return;
    }
    const { frame } = verdict;
    switch (frame.type) {
      case "infer":
        if (frame.isSignal && this.#isFull) this.#gate.hold({ bytes, isBinary });
        else this.#infer(frame, bytes);
        return;
      case "cancel":
        this.#cancel(frame.id);
        return;
      case "reset":
      case "end":
        this.#turn(frame);
        return;
    }
  }

  /** A binary frame says nothing but what it holds; the path says how that is written. */
  #parseSamples(): FrameVerdict {
    const id = this.#sampleFrames;
    this.#sampleFrames += 1;
    return sampleFrame(id, this.#target.samples);
  }

  /** A sequence begins anew, or ends. */
  #turn(frame: SequenceFrame): void {
    try {
      const { model, version } = addressOf(frame, this.#target);
      const { sequence } = frame;
      const remembers = this.#parts.directory.remembers(model, version);
      if (remembers === false) throw noMemory(model, "it has no sequence to reset or end");
      if (frame.type === "reset") this.#sequences.reset({ model, sequence });
      else this.#sequences.end({ model, sequence });
    } catch (thrown) {
      this.#writer.failed(frame.id, toFailure(thrown));
    }
    this.#endIfDrained();
  }

  #infer(frame: InferFrame, body: Buffer): void {
    try {
      this.#begin(frame, body);
    } catch (thrown) {
      this.#refuse(frame, toFailure(thrown));
    }
  }

  #refuse(frame: InferFrame, failure: Failure): void {
    this.#writer.failed(frame.id, failure, frame.requestId);
    const { model = this.#target.model ?? "", version = "" } = frame;
    this.#note({ frame, model, version, failure, totalMs: 0, stages: undefined });
    const isPiece = frame.isSignal && this.#parts.directory.takesSignals(model);
    if (isPiece) this.#sequences.noteGap({ model, sequence: frame.sequence });
  }

  #begin(frame: InferFrame, body: Buffer): void {
    const { clock, entrance, dispatcher } = this.#parts;
    this.#checkRoom(frame);
    const beganAt = clock.now();
    const { timeoutMs, priority, requestId, stream, codec } = frame;
    const { model, version: asked } = addressOf(frame, this.#target);
    const claim = this.#claim(frame, model, asked);
    const version = claim === null ? asked : claim.version;
    const draining = this.#isDraining && (claim?.call.start ?? true);
    const sequence = claim?.call ?? null;
    const bytes = body.length;
    const ask = { model, version, bytes, timeoutMs, priority, draining, sequence };
    const admitted = entrance.admit(ask);
    const open: Open = { frame, admitted, claim, beganAt, flight: undefined };
    this.#open.set(frameKey(frame), open);
    if (claim !== null) this.#sequences.taken(claim, admitted.target.version.version);
    open.flight = dispatcher.submit({
      model,
      version: admitted.target.version.version,
      pinned: asked !== undefined || sequence?.start === false,
      codec,
      body,
      deadlineAt: admitted.deadlineAt,
      priority,
      requestId,
      stream,
      sequence,
      onChunk: (chunk) => this.#chunk(open, chunk),
      onDone: (done) => this.#done(open, done),
      onFailed: (failure) => this.#fail(open, failure),
    });
  }

  /** Null where the model remembers nothing from one frame to the next. */
  #claim({ sequence }: InferFrame, model: string, version: string | undefined): SlotClaim | null {
    const name = { model, sequence };
    const remembers = this.#parts.directory.remembers(model, version);
    if (remembers || this.#sequences.isOpen(name)) return this.#sequences.claim(name, version);
    if (sequence === undefined || remembers === undefined) return null;
    throw noMemory(model, "it takes no 'sequence'");
  }

  #checkRoom(frame: InferFrame): void {
    const { id } = frame;
    if (this.#open.has(frameKey(frame))) {
      throw new TroupeError("invalid-request", `id ${JSON.stringify(id)} is in use on this socket`);
    }
    const most = this.#parts.settings.wsMaxInFlight;
    if (this.#open.size < most) return;
    this.#gate.noteRefused(most);
    const words = `Cannot take request: ${this.#open.size} of ${most} are in flight on this socket`;
    throw new TroupeError("overloaded", words, { retryAfterMs: 100 });
  }

  #cancel(id: FrameId): void {
    const open = this.#open.get(id);
    if (open === undefined) return;
    const failure: Failure = { code: "cancelled", message: "the client cancelled the request" };
    const onCancelled = () => this.#fail(open, failure);
    if (open.flight === undefined) onCancelled();
    else this.#parts.dispatcher.cancel(open.flight, onCancelled);
  }

  #chunk({ frame, flight }: Open, body: Uint8Array): void {
    this.#writer.body("chunk", frame.id, body, () => {
      if (flight !== undefined) this.#parts.dispatcher.credit(flight, 1);
    });
  }

  #done(open: Open, done: DoneFrame): void {
    this.#writer.body("done", open.frame.id, done.body, () => undefined);
    this.#settle(open, null, done);
  }

  #fail(open: Open, failure: Failure): void {
    this.#writer.failed(open.frame.id, failure, open.frame.requestId);
    this.#settle(open, failure, undefined);
  }

  #settle(open: Open, failure: Failure | null, done: DoneFrame | undefined): void {
    const { frame, admitted, beganAt, flight } = open;
    // The end of one frame may have been that of others of its sequence.
    if (this.#open.get(frameKey(frame)) !== open) return;
    this.#open.delete(frameKey(frame));
    this.#pulse.noteUse();
    admitted.permit.release();
    if (open.claim !== null) this.#sequences.settled(open.claim, failure);
    const totalMs = this.#parts.clock.now() - beganAt;
    admitted.series.predictions(failure?.code ?? "ok").add();
    admitted.series.total.observe(totalMs / 1e3);
    const { model, version } = admitted.target;
    const place = { model: model.name, version: flight?.version ?? version.version };
    this.#note({ frame, ...place, failure, totalMs, stages: done?.stages });
    this.#gate.resumeIfRoom();
    this.#endIfDrained();
  }

  #note(outcome: FrameOutcome): void {
    noteFrame(this.#parts.accessLog, this.#target.endpoint, outcome);
  }

  #endIfDrained(): void {
    if (this.#isDraining && this.#open.size === 0 && !this.#sequences.isHeld) {
      this.#socket.close(closeCode.draining, "the server is draining");
    }
  }

  #onClose(): void {
    this.#pulse.stop();
    this.#gate.stop();
    this.#disarmDrain?.();
    for (const open of [...this.#open.values()]) {
      if (open.flight !== undefined) this.#parts.dispatcher.cancel(open.flight);
      this.#settle(open, { code: "cancelled", message: "the client left" }, undefined);
    }
    this.#sequences.forget();
  }
}
