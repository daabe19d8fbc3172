import type { Clock, EpochMillis, Millis } from "../src/platform/clock.ts";

interface Timer {
  readonly at: Millis;
  readonly act: () => void;
}

const epochMs = Date.UTC(2024, 0, 1);

/** Stands still until it is moved. */
export class FakeClock implements Clock {
  #now: Millis;
  #timers: readonly Timer[] = [];

  constructor(now: Millis = 0) {
    this.#now = now;
  }

  /** Timers that have neither fired nor been disarmed. */
  get armed(): number {
    return this.#timers.length;
  }

  now(): Millis {
    return this.#now;
  }

  wall(): EpochMillis {
    return epochMs + this.#now;
  }

  after(delayMs: number, act: () => void): () => void {
    const timer = { at: this.#now + Math.max(0, delayMs), act };
    this.#timers = [...this.#timers, timer].toSorted((a, b) => a.at - b.at);
    return () => this.#remove(timer);
  }

  /** Fires what falls due on the way, each at its own time; those of one time in the order in which they were armed. */
  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const [next] = this.#timers;
      if (next === undefined || next.at > end) break;
      this.#remove(next);
      this.#now = next.at;
      next.act();
    }
    this.#now = end;
  }

  /** As where the process gets no core for a while: what falls due fires late. */
  advanceLate(ms: number, lateMs: number): void {
    const end = this.#now + ms;
    const due = this.#timers.filter(({ at }) => at <= end);
    this.#now = end + lateMs;
    for (const timer of due) {
      this.#remove(timer);
      timer.act();
    }
  }

  #remove(timer: Timer): void {
    this.#timers = this.#timers.filter((one) => one !== timer);
  }
}
