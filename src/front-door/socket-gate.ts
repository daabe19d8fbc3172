/* How fast one WebSocket is read: not while its answers wait for a slow reader, nor while too much is in flight. */
import type { WebSocket } from "ws";
import type { Clock } from "../platform/clock.ts";

export interface GateOptions<Message> {
  /** More answers wait for the reader than may. */
  readonly isClogged: () => boolean;
  /** As many requests are in flight as may be. */
  readonly isFull: () => boolean;
  readonly obey: (message: Message) => void;
}

/** A reader that takes nothing for this long has left. */
const stallMs = 10_000;

export class SocketGate<Message> {
  readonly #socket: WebSocket;
  readonly #clock: Clock;
  readonly #options: GateOptions<Message>;
  /** Messages that came while the socket was being paused. */
  #parked: Message[] = [];
  /** Requests refused since there was last room. */
  #refused = 0;
  /** Frames that the operating system has taken over. */
  #taken = 0;
  #isPaused = false;
  #disarmStall: (() => void) | undefined;

  constructor(socket: WebSocket, clock: Clock, options: GateOptions<Message>) {
    this.#socket = socket;
    this.#clock = clock;
    this.#options = options;
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  hear(message: Message): void {
    if (this.#isPaused) this.#parked.push(message);
    else this.#options.obey(message);
  }

  /** The message must wait for room, and so must all behind it. */
  hold(message: Message): void {
    this.pause();
    this.#parked.push(message);
  }

  /** Who goes on sending after so many refusals is not read from until there is room. */
  noteRefused(most: number): void {
    this.#refused += 1;
    if (this.#refused >= most) this.pause();
  }

  noteTaken(): void {
    this.#taken += 1;
    this.resumeIfRoom();
  }

  /** From here on TCP pushes back; neither cancel nor pong nor close is seen meanwhile. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.#socket.pause();
    this.#watchStall();
  }

  resumeIfRoom(): void {
    const { isClogged, isFull } = this.#options;
    if (!this.#isPaused || isClogged() || isFull()) return;
    this.#isPaused = false;
    this.#refused = 0;
    this.#disarmStall?.();
    // Nobody is there any more to have an answer to what a socket parked before its end.
    const parked = this.#socket.readyState === this.#socket.OPEN ? this.#parked : [];
    this.#parked = [];
    for (const message of parked) this.hear(message);
    if (!this.#isPaused) this.#socket.resume();
  }

  stop(): void {
    this.#disarmStall?.();
  }

  /** Ends the socket when its reader has taken nothing since the last look. */
  #watchStall(): void {
    const before = this.#taken;
    this.#disarmStall = this.#clock.after(stallMs, () => {
      if (this.#socket.bufferedAmount > 0 && this.#taken === before) this.#socket.terminate();
      else if (this.#isPaused) this.#watchStall();
    });
  }
}
