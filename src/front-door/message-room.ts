/** How much of messages of gRPC and WebSockets is on its way: their bytes are no request's yet, and have a bound of their own. */
export class MessageRoom {
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get mostBytes(): number {
    return this.#mostBytes;
  }

  enter(): RoomShare {
    return new RoomShare((change, own) => {
      this.#bytes += change;
      // One that is alone may have any size, as a body over HTTP may.
      return change <= 0 || this.#bytes <= this.#mostBytes || this.#bytes === own;
    });
  }
}

/** What one call or socket has of it. */
export class RoomShare {
  readonly #change: (change: number, own: number) => boolean;
  #bytes = 0;

  constructor(change: (change: number, own: number) => boolean) {
    this.#change = change;
  }

  /** False where there is no room for them; they are held all the same, until they are given back. */
  add(bytes: number): boolean {
    this.#bytes += bytes;
    return this.#change(bytes, this.#bytes);
  }

  giveBack(bytes = this.#bytes): void {
    this.add(-bytes);
  }
}
