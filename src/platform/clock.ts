/** Milliseconds on the machine's monotonic clock, which all its processes share (CLOCK_MONOTONIC). */
export type Millis = number;
/** Milliseconds since 1970, for people and files only: it may jump. */
export type EpochMillis = number;

export interface Clock {
  now(): Millis;
  wall(): EpochMillis;
  /** Calls `act` once, `delayMs` from now, unless disarmed by the function it returns. */
  after(delayMs: number, act: () => void): () => void;
}

/** `performance.now()` counts from the start of the process on the clock that `hrtime` reads whole. */
const processStartMs = Number(process.hrtime.bigint()) / 1e6 - performance.now();

export const systemClock: Clock = {
  now: () => processStartMs + performance.now(),
  wall: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};
