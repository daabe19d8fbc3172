import type { Clock, Millis } from "../src/platform/clock.ts";
import { poisonTtlMs } from "../src/protocol/control.ts";

const maxEntries = 1_000;
const strikesOut = 2;

interface Entry {
  readonly strikes: number;
  readonly until: Millis;
}

/** The inputs that have killed hosts of one model version, by fingerprint; the oldest are forgotten first. */
export class PoisonList {
  readonly #clock: Clock;
  readonly #entries = new Map<string, Entry>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get fingerprints(): readonly string[] {
    const now = this.#clock.now();
    return [...this.#entries]
      .filter(([, { strikes, until }]) => strikes >= strikesOut && until > now)
      .map(([fingerprint]) => fingerprint);
  }

  /** One kill while the inputs ran alone; true when they are poison from now on. */
  strike(fingerprint: string): boolean {
    return this.#add(fingerprint, 1);
  }

  /** A suspect that was run alone for being one, and killed again. */
  convict(fingerprint: string): boolean {
    return this.#add(fingerprint, strikesOut);
  }

  #add(fingerprint: string, strikes: number): boolean {
    const now = this.#clock.now();
    const entry = this.#entries.get(fingerprint);
    const before = entry !== undefined && entry.until > now ? entry.strikes : 0;
    this.#entries.delete(fingerprint);
    this.#entries.set(fingerprint, { strikes: before + strikes, until: now + poisonTtlMs });
    const [oldest] = this.#entries.keys();
    if (this.#entries.size > maxEntries && oldest !== undefined) this.#entries.delete(oldest);
    return before < strikesOut && before + strikes >= strikesOut;
  }
}
