/* How often a process says that it lives: often while it has work, seldom while it rests, and at once when work comes. */
import type { Clock, Millis } from "./clock.ts";

/** As the supervisor wants it, which counts silence as a hang. */
export interface Cadence {
  readonly beatMs: number;
  readonly restMs: number;
}

export interface Beat {
  /** The next one comes after `restMs`, or with the next work. */
  readonly isResting: boolean;
  /** How late it is: so long something held up the process. */
  readonly lateMs: number;
}

export interface PulseParts {
  readonly clock: Clock;
  readonly cadence: Cadence;
  /** Work that goes on without more of it coming. */
  readonly hasWork: () => boolean;
  readonly say: (beat: Beat) => void;
  /** It has had work since it last rested, or has just begun. */
  readonly onRest: () => void;
}

/** So many beats without work, and it rests: requests every second or two do not wake it each time. */
const quietBeats = 3;

/** It begins as one that has work. */
export class Pulse {
  readonly #parts: PulseParts;
  #hasWorked = true;
  #quiet = 0;
  #dueAt: Millis;
  #disarm: () => void = () => undefined;

  constructor(parts: PulseParts) {
    this.#parts = parts;
    this.#dueAt = parts.clock.now();
    this.#beat();
  }

  /** To be called before each piece of work: what hangs in it has then said that it began. */
  wake(): void {
    this.#hasWorked = true;
    if (this.#isResting) this.#beat();
  }

  /** For somebody who looks. */
  sayNow(): void {
    this.#say();
  }

  get #isResting(): boolean {
    return this.#quiet >= quietBeats;
  }

  #beat(): void {
    const isQuiet = !this.#hasWorked && !this.#parts.hasWork();
    this.#hasWorked = false;
    this.#quiet = isQuiet ? this.#quiet + 1 : 0;
    this.#say();
    if (this.#quiet === quietBeats) this.#parts.onRest();
    this.#plan();
  }

  #say(): void {
    const lateMs = Math.max(0, this.#parts.clock.now() - this.#dueAt);
    this.#parts.say({ isResting: this.#isResting, lateMs });
  }

  #plan(): void {
    const { clock, cadence } = this.#parts;
    const delayMs = this.#isResting ? cadence.restMs : cadence.beatMs;
    this.#disarm();
    this.#dueAt = clock.now() + delayMs;
    this.#disarm = clock.after(delayMs, () => this.#beat());
  }
}
