import type { Millis } from "../src/platform/clock.ts";

/** Each bucket ends 5 % above the one before: a p99 is known as well as that. */
const ratio = 1.05;
const logRatio = Math.log(ratio);
const leastMs = 0.05;
/** The last one begins at 17 minutes. */
const bucketCount = 345;

/** Latencies of a while, in buckets. */
export class LatencyWindow {
  readonly #counts = new Uint32Array(bucketCount);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  note(ms: Millis): void {
    const at = Math.ceil(Math.log(ms / leastMs) / logRatio);
    const bucket = Math.min(Math.max(at, 0), bucketCount - 1);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#size += 1;
  }

  /** Which at most one in a hundred has passed; 0 while there is none. */
  get p99Ms(): Millis {
    let above = Math.floor(this.#size / 100);
    for (let at = bucketCount - 1; at >= 0; at -= 1) {
      above -= this.#counts[at] ?? 0;
      if (above < 0) return leastMs * ratio ** (at - 0.5);
    }
    return 0;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#size = 0;
  }
}
