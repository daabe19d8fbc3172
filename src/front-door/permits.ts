/** How much is in flight in this front door: requests, and the bytes of their bodies. */
interface Held {
  requests: number;
  bytes: number;
}

export class Permits {
  readonly #held: Held = { requests: 0, bytes: 0 };

  get requests(): number {
    return this.#held.requests;
  }

  get bytes(): number {
    return this.#held.bytes;
  }

  take(bytes: number): Permit {
    this.#held.requests += 1;
    this.#held.bytes += bytes;
    return new Permit(bytes, this.#held);
  }
}

/** Given back once, however often that is asked. */
export class Permit {
  readonly #held: Held;
  #bytes: number;
  #isHeld = true;

  /** Of what is held, of which it is a part. */
  constructor(bytes: number, held: Held) {
    this.#bytes = bytes;
    this.#held = held;
  }

  /** A body without a declared length is counted as it comes; false where it was counted already. */
  grow(bytes: number): boolean {
    if (!this.#isHeld || bytes <= this.#bytes) return false;
    this.#held.bytes += bytes - this.#bytes;
    this.#bytes = bytes;
    return true;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#held.bytes -= this.#bytes;
    this.#held.requests -= 1;
  }
}
