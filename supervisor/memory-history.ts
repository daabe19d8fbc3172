import type { Millis } from "../src/platform/clock.ts";
import { isFarOver, judgeMemory, type MemorySample, type MemoryVerdict } from "./memory-judge.ts";

export interface MemoryTerms {
  readonly limitBytes: number;
  /** It has loaded its model. */
  readonly isLoaded: boolean;
}

const keptMs: Millis = 60_000;
/** More often would take a short peak for two samples in a row, and see no growth between them. */
const sampleEveryMs: Millis = 1_000;

/** The memory of one process in the last minute, look by look. */
export class MemoryHistory {
  #samples: readonly MemorySample[] = [];
  #isLoaded = false;
  /** It has been within its limit with its model loaded. */
  hasFitted = false;

  /** Oldest first. */
  get samples(): readonly MemorySample[] {
    return this.#samples;
  }

  look(sample: MemorySample, { limitBytes, isLoaded }: MemoryTerms): MemoryVerdict {
    // What it took to load says nothing of what it takes to serve.
    if (isLoaded && !this.#isLoaded) this.#samples = [];
    this.#isLoaded = isLoaded;
    this.hasFitted ||= isLoaded && sample.rssBytes <= limitBytes;
    const isFar = isFarOver(sample.rssBytes, limitBytes);
    const last = this.#samples.at(-1);
    if (!isFar && last !== undefined && sample.at - last.at < sampleEveryMs)
      return { type: "fine" };
    this.#samples = [...this.#samples.filter(({ at }) => sample.at - at < keptMs), sample];
    // What loading takes for a while counts only where it takes the memory of others.
    if (!isLoaded && !isFar) return { type: "fine" };
    return judgeMemory(this.#samples, limitBytes, sample.at);
  }
}
