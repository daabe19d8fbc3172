/*
 * What is on its way on one WebSocket, until it is a whole message: ws holds it, counts it nowhere, and waits for the rest
 * as long as it takes.
 */
import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { Clock } from "../platform/clock.ts";
import type { DoorMetrics } from "./door-metrics.ts";
import type { MessageRoom, RoomShare } from "./message-room.ts";
import { closeCode } from "./statuses.ts";

export interface SocketRoomParts {
  readonly clock: Clock;
  readonly room: MessageRoom;
  readonly metrics: Pick<DoorMetrics, "shed">;
}

/** As long as a body over HTTP may take. */
const messageMs = 30_000;
/** What a client's ping or pong has beside its content: its head, and a mask. */
const controlBytes = 6;

export class SocketRoom {
  readonly #parts: SocketRoomParts;
  readonly #socket: WebSocket;
  readonly #wire: Duplex;
  readonly #share: RoomShare;
  #bytes = 0;
  #disarm: (() => void) | undefined;

  constructor(parts: SocketRoomParts, socket: WebSocket, wire: Duplex) {
    this.#parts = parts;
    this.#socket = socket;
    this.#wire = wire;
    this.#share = parts.room.enter();
    // Before ws, which makes messages of them.
    wire.prependListener("data", (chunk: Buffer) => this.#take(chunk.length));
    socket.prependListener("message", () => this.#giveBack(this.#bytes));
    const onControl = (content: Buffer) => this.#giveBack(controlBytes + content.length);
    socket.on("ping", onControl);
    socket.on("pong", onControl);
    socket.on("close", () => this.#giveBack(this.#bytes));
  }

  #take(bytes: number): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    this.#bytes += bytes;
    if (this.#share.add(bytes)) this.#watch();
    else {
      this.#parts.metrics.shed("", "bytes").add();
      this.#end("too much is on its way");
    }
  }

  /** A chunk may hold the beginning of the next message too, which is small then, and not counted. */
  #giveBack(bytes: number): void {
    const given = Math.min(bytes, this.#bytes);
    this.#bytes -= given;
    this.#share.giveBack(given);
    if (this.#bytes > 0) return;
    this.#disarm?.();
    this.#disarm = undefined;
  }

  #watch(): void {
    this.#disarm ??= this.#parts.clock.after(messageMs, () => {
      this.#disarm = undefined;
      // It is we who keep it waiting.
      if (this.#socket.isPaused) this.#watch();
      else this.#end("the message took too long to send");
    });
  }

  /** What still comes is dropped: to leave it unread would reset the connection, and the caller would not see why. */
  #end(reason: string): void {
    this.#socket.close(closeCode.tooSlow, reason);
    this.#wire.removeAllListeners("data");
    this.#wire.resume();
    this.#wire.end();
  }
}
