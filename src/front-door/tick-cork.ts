/* What is written to a connection in one tick leaves in one write. */

/** The connection below a WebSocket. */
export interface Wire {
  cork(): void;
  uncork(): void;
}

/**
 * Hosts answer in batches, of which several answers are one caller's: a write for each was a quarter of a front door's work
 * with 64 frames in flight on four sockets (2026-11-26, `npm run bench -- --works ws`).
 */
export class TickCork {
  readonly #wire: Wire;
  #isCorked = false;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** To be called before each write. */
  hold(): void {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#wire.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#wire.uncork();
    });
  }
}
