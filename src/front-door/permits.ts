/** How much is in flight in this front door: requests, and the bytes of their bodies. */
export class Permits {
  #requests = 0;
  #bytes = 0;

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  take(bytes: number): Permit {
    this.#requests += 1;
    this.#bytes += bytes;
    return new Permit(
      bytes,
      (change) => {
        this.#bytes += change;
      },
      () => {
        this.#requests -= 1;
      },
    );
  }
}

/** Given back once, however often that is asked. */
export class Permit {
  readonly #changeBytes: (change: number) => void;
  readonly #giveBack: () => void;
  #bytes: number;
  #isHeld = true;

  constructor(bytes: number, changeBytes: (change: number) => void, giveBack: () => void) {
    this.#bytes = bytes;
    this.#changeBytes = changeBytes;
    this.#giveBack = giveBack;
  }

  /** A body without a declared length is counted as it comes; false where it was counted already. */
  grow(bytes: number): boolean {
    if (!this.#isHeld || bytes <= this.#bytes) return false;
    this.#changeBytes(bytes - this.#bytes);
    this.#bytes = bytes;
    return true;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#changeBytes(-this.#bytes);
    this.#giveBack();
  }
}
