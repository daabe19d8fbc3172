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

const readings = 5;

/**
 * `performance.now()` counts from the start of the process on the clock that `hrtime` reads whole. The closest of a few
 * pairs of readings counts, as the process may lose its core between two.
 */
function readProcessStart(): Millis {
  let closest = Number.POSITIVE_INFINITY;
  let start = 0;
  for (let reading = 0; reading < readings; reading += 1) {
    const before = performance.now();
    const whole = Number(process.hrtime.bigint()) / 1e6;
    const after = performance.now();
    if (after - before >= closest) continue;
    closest = after - before;
    start = whole - (before + after) / 2;
  }
  return start;
}

const processStartMs = readProcessStart();

export const systemClock: Clock = {
  now: () => processStartMs + performance.now(),
  wall: () => Date.now(),
  after(delayMs, act) {
    const timer = setTimeout(act, delayMs);
    return () => clearTimeout(timer);
  },
};
