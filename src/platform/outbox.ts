import type { Socket } from "node:net";
import { FrameWriter } from "../protocol/frame-stream.ts";

/**
 * Frames leave together at the end of a tick, but no more than this many: the other process works on the first while
 * this one still writes the next. Without a bound, 64 callers move through all processes in step, each idle while the
 * next one works: about 27 000 requests/s against 35 000, in one short and noisy run.
 */
const mostTogether = 16;

/** What is to be written to a socket. */
export class Outbox {
  readonly writer = new FrameWriter();
  readonly #socket: Socket;
  #frames = 0;
  #isPlanned = false;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** To be called after every frame. */
  plan(): void {
    this.#frames += 1;
    if (this.#frames >= mostTogether) this.flush();
    else if (!this.#isPlanned) this.#plan();
  }

  flush(): void {
    this.#frames = 0;
    if (this.writer.isEmpty || this.#socket.destroyed) return;
    const [first, ...others] = this.writer.take();
    if (others.length > 0) this.#socket.cork();
    if (first !== undefined) this.#socket.write(first);
    if (others.length === 0) return;
    for (const piece of others) this.#socket.write(piece);
    this.#socket.uncork();
  }

  #plan(): void {
    this.#isPlanned = true;
    setImmediate(() => {
      this.#isPlanned = false;
      this.flush();
    });
  }
}
