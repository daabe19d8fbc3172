/*
 * One WebSocket: which of its frames are requests, what becomes of its sequences, and how far a slow reader or a fast
 * writer may go. The requests themselves are in socket-requests.ts.
 */
import type { RawData, WebSocket } from "ws";
import { toFailure } from "../protocol/errors.ts";
import {
  type FrameVerdict,
  parseBinaryFrame,
  parseClientFrame,
  type SampleCodec,
  type SequenceFrame,
  sampleFrame,
} from "./socket-frame.ts";
import { SocketGate } from "./socket-gate.ts";
import { SocketPulse } from "./socket-pulse.ts";
import { type ServingParts, SocketRequests } from "./socket-requests.ts";
import { noMemory, SocketSequences } from "./socket-sequences.ts";
import { addressOf, type SocketTarget } from "./socket-target.ts";
import { SocketWriter } from "./socket-writer.ts";
import { closeCode } from "./statuses.ts";
import type { Wire } from "./tick-cork.ts";

interface Message {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

export class SocketSession {
  readonly #parts: ServingParts;
  readonly #socket: WebSocket;
  readonly #target: SocketTarget;
  #isDraining = false;
  readonly #pulse: SocketPulse;
  readonly #writer: SocketWriter;
  readonly #gate: SocketGate<Message>;
  readonly #sequences: SocketSequences;
  readonly #requests: SocketRequests;
  /** Frames of bare samples that have come: they have no ids of their own. */
  #sampleFrames = 0;
  #disarmDrain: (() => void) | undefined;

  constructor(parts: ServingParts, socket: WebSocket, wire: Wire, target: SocketTarget) {
    this.#parts = parts;
    this.#socket = socket;
    this.#target = target;
    this.#writer = new SocketWriter(socket, wire, {
      ...parts,
      onTaken: () => this.#gate.noteTaken(),
      onClogged: () => this.#gate.pause(),
    });
    this.#gate = new SocketGate<Message>(socket, parts.clock, {
      isClogged: () => this.#writer.isClogged,
      isFull: () => this.#requests.isFull,
      obey: (message) => this.#obey(message),
    });
    this.#sequences = new SocketSequences({
      dispatcher: parts.dispatcher,
      notify: (notice) => {
        this.#writer.ended(notice);
        this.#endIfDrained();
      },
    });
    this.#requests = this.#createRequests();
    const isResting = () => this.#requests.isEmpty;
    const isPaused = () => this.#gate.isPaused;
    this.#pulse = new SocketPulse(socket, parts.clock, { ...parts.settings, isResting, isPaused });
    socket.on("message", (data, isBinary) => this.#hear(data, isBinary));
    socket.on("error", () => undefined);
    socket.on("close", () => this.#onClose());
  }

  #createRequests(): SocketRequests {
    return new SocketRequests({
      ...this.#parts,
      target: this.#target,
      writer: this.#writer,
      sequences: this.#sequences,
      isDraining: () => this.#isDraining,
      onFull: (most) => this.#gate.noteRefused(most),
      onSettled: () => {
        this.#pulse.noteUse();
        this.#gate.resumeIfRoom();
        this.#endIfDrained();
      },
    });
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

  #hear(data: RawData, isBinary: boolean): void {
    this.#parts.metrics.framesIn.add();
    this.#pulse.note();
    this.#gate.hear({ bytes: data as Buffer, isBinary });
  }

  #obey({ bytes, isBinary }: Message): void {
    const samples = isBinary ? this.#target.samples : undefined;
    if (samples !== undefined && this.#requests.isFull) {
      this.#gate.hold({ bytes, isBinary });
      return;
    }
    const verdict = this.#parse({ bytes, isBinary }, samples);
    if (verdict.type === "refused") {
      this.#writer.failed(verdict.id, toFailure(verdict.error));
      return;
    }
    const { frame } = verdict;
    switch (frame.type) {
      case "infer":
        if (frame.isSignal && this.#requests.isFull) this.#gate.hold({ bytes, isBinary });
        else this.#requests.infer(frame, bytes);
        return;
      case "cancel":
        this.#requests.cancel(frame.id);
        return;
      case "reset":
      case "end":
        this.#turn(frame);
        return;
    }
  }

  #parse({ bytes, isBinary }: Message, samples: SampleCodec | undefined): FrameVerdict {
    if (!isBinary) return parseClientFrame(bytes);
    if (samples === undefined) return parseBinaryFrame(bytes);
    // A frame of samples says nothing but what it holds; the path says how that is written.
    const id = this.#sampleFrames;
    this.#sampleFrames += 1;
    return sampleFrame(id, samples);
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

  #endIfDrained(): void {
    if (this.#isDraining && this.#requests.isEmpty && !this.#sequences.isHeld) {
      this.#socket.close(closeCode.draining, "the server is draining");
    }
  }

  #onClose(): void {
    this.#pulse.stop();
    this.#gate.stop();
    this.#disarmDrain?.();
    this.#requests.cancelAll();
    this.#sequences.forget();
  }
}
