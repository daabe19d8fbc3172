/* What goes out on one WebSocket, and how much of it waits for a slow reader. */
import type { WebSocket } from "ws";
import { lengthPrefix } from "../protocol/binary-body.ts";
import type { DoorSettings } from "../protocol/control.ts";
import type { ErrorCode, Failure } from "../protocol/errors.ts";
import type { AnswerBytes } from "../protocol/frames.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import { endWords } from "./seat.ts";
import type { FrameId } from "./socket-frame.ts";
import type { SequenceNotice } from "./socket-sequences.ts";
import { TickCork, type Wire } from "./tick-cork.ts";

export interface WriterParts {
  readonly settings: Pick<DoorSettings, "wsMaxBufferedBytes">;
  readonly metrics: Pick<DoorMetrics, "framesOut">;
  /** The operating system has taken over a frame. */
  readonly onTaken: () => void;
  /** More waits than may. */
  readonly onClogged: () => void;
}

/** Past so many times its bound a reader is not waited for any more; one answer may always stand there. */
const hardBound = 16;

export class SocketWriter {
  readonly #socket: WebSocket;
  readonly #parts: WriterParts;
  readonly #cork: TickCork;

  constructor(socket: WebSocket, wire: Wire, parts: WriterParts) {
    this.#socket = socket;
    this.#parts = parts;
    this.#cork = new TickCork(wire);
  }

  get isClogged(): boolean {
    return this.#socket.bufferedAmount > this.#parts.settings.wsMaxBufferedBytes;
  }

  /** The host's JSON object gets the frame's type and id in front; with binary tensors the frame is as clients send theirs. */
  body(
    type: "chunk" | "done",
    id: FrameId,
    { jsonBytes, body }: AnswerBytes,
    onSent: () => void,
  ): void {
    const head = Buffer.from(`{"type":"${type}","id":${JSON.stringify(id)},`);
    const rest = body.subarray(1);
    const isBinary = jsonBytes > 0;
    const parts = isBinary ? [lengthPrefix(head.length + jsonBytes - 1), head, rest] : [head, rest];
    this.#send(Buffer.concat(parts), { isBinary, onSent });
  }

  failed(id: FrameId | null, failure: Failure, requestId?: string): void {
    const { code, message: error, retryAfterMs } = failure;
    const retry = retryAfterMs === undefined ? {} : { retry_after_ms: Math.ceil(retryAfterMs) };
    this.#json({ type: "failed", id, error, code, ...retry, request_id: requestId });
  }

  ended({ model, sequence, reason }: SequenceNotice): void {
    const of = { type: "ended", model, sequence: sequence ?? null };
    if (reason === "end") {
      this.#json({ ...of, reason });
      return;
    }
    const isStopping = reason === "stopping";
    const code: ErrorCode = isStopping ? "draining" : "sequence-lost";
    const error = `the sequence has ended: ${endWords(reason)}`;
    this.#json({ ...of, reason: isStopping ? "draining" : reason, code, error });
  }

  #json(frame: unknown): void {
    const text = { isBinary: false, onSent: () => undefined };
    this.#send(Buffer.from(JSON.stringify(frame)), text);
  }

  #send(
    bytes: Buffer,
    { isBinary, onSent }: { readonly isBinary: boolean; readonly onSent: () => void },
  ): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    const { settings, metrics, onTaken, onClogged } = this.#parts;
    if (this.#socket.bufferedAmount > hardBound * settings.wsMaxBufferedBytes) {
      this.#socket.terminate();
      return;
    }
    metrics.framesOut.add();
    this.#cork.hold();
    this.#socket.send(bytes, { binary: isBinary }, () => {
      onSent();
      onTaken();
    });
    if (this.isClogged) onClogged();
  }
}
