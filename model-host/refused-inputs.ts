import type { Clock, Millis } from "../src/platform/clock.ts";
import { poisonTtlMs } from "../src/protocol/control.ts";

/** Inputs that this host does not run, because they have killed others; hashing is only worth it while there are any. */
export class RefusedInputs {
  readonly #clock: Clock;
  readonly #until = new Map<string, Millis>();

  constructor(clock: Clock, fingerprints: readonly string[]) {
    this.#clock = clock;
    for (const fingerprint of fingerprints) this.add(fingerprint);
  }

  get isEmpty(): boolean {
    return this.#until.size === 0;
  }

  add(fingerprint: string): void {
    this.#until.delete(fingerprint);
    this.#until.set(fingerprint, this.#clock.now() + poisonTtlMs);
  }

  has(fingerprint: string): boolean {
    this.#forgetExpired();
    return this.#until.has(fingerprint);
  }

  /** They stand in the order in which they expire. */
  #forgetExpired(): void {
    const now = this.#clock.now();
    for (const [fingerprint, until] of this.#until) {
      if (until > now) return;
      this.#until.delete(fingerprint);
    }
  }
}
