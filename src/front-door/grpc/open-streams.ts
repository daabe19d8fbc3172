/** Streams that last until somebody ends them, so that a drain can. */
export class OpenStreams {
  readonly #ends = new Set<() => void>();

  /** `end` ends the stream; returns what forgets it. */
  add(end: () => void): () => void {
    this.#ends.add(end);
    return () => this.#ends.delete(end);
  }

  endAll(): void {
    for (const end of [...this.#ends]) end();
  }
}
