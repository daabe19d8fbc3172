import type { WebSocket } from "ws";
import type { Clock, Millis } from "../platform/clock.ts";
import { closeCode } from "./statuses.ts";

export interface PulseOptions {
  readonly wsPingMs: number;
  /** 0 means never. */
  readonly wsIdleMs: number;
  /** Nothing is in flight on the socket. */
  readonly isResting: () => boolean;
  /** A paused socket sees no pong, so it is not judged by them. */
  readonly isPaused: () => boolean;
}

const missedPings = 2;

/** Asks a socket's peer whether it is there, and ends sockets that are dead or that nobody uses. */
export class SocketPulse {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #options: PulseOptions;
  #silentPings = 0;
  #activeAt: Millis;
  #disarm: () => void = () => undefined;

  constructor(socket: WebSocket, clock: Clock, options: PulseOptions) {
    this.#socket = socket;
    this.#clock = clock;
    this.#options = options;
    this.#activeAt = clock.now();
    socket.on("pong", () => {
      this.#silentPings = 0;
    });
    this.#arm();
  }

  /** The peer has sent something. */
  note(): void {
    this.#silentPings = 0;
    this.noteUse();
  }

  /** The socket was of use, though that says nothing of its peer. */
  noteUse(): void {
    this.#activeAt = this.#clock.now();
  }

  stop(): void {
    this.#disarm();
  }

  #arm(): void {
    this.#disarm = this.#clock.after(this.#options.wsPingMs, () => {
      if (!this.#options.isPaused()) this.#check();
      if (this.#socket.readyState === this.#socket.OPEN) this.#arm();
    });
  }

  #check(): void {
    const { wsIdleMs, isResting } = this.#options;
    const idleMs = this.#clock.now() - this.#activeAt;
    if (this.#silentPings >= missedPings) this.#socket.terminate();
    else if (wsIdleMs > 0 && idleMs >= wsIdleMs && isResting()) {
      this.#socket.close(closeCode.normal, "idle");
    } else {
      this.#silentPings += 1;
      this.#socket.ping();
    }
  }
}
