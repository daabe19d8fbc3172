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
  /** It was over its limit before it was asked anything. */
  startedOver = false;

  /** Oldest first. */
  get samples(): readonly MemorySample[] {
    return this.#samples;
  }

  look(sample: MemorySample, { limitBytes, isLoaded }: MemoryTerms): MemoryVerdict {
    if (isLoaded && !this.#isLoaded) this.#begin(sample.rssBytes > limitBytes);
    const isFar = isFarOver(sample.rssBytes, limitBytes);
    const last = this.#samples.at(-1);
    if (!isFar && last !== undefined && sample.at - last.at < sampleEveryMs)
      return { type: "fine" };
    this.#samples = [...this.#samples.filter(({ at }) => sample.at - at < keptMs), sample];
    if (isLoaded) return judgeMemory(this.#samples, limitBytes, sample.at);
    this.startedOver = isFar;
    // What loading takes for a while counts only where it takes the memory of others.
    return isFar ? judgeMemory(this.#samples, limitBytes, sample.at) : { type: "fine" };
  }

  /** What it took to load says nothing of what it takes to serve. */
  #begin(isOver: boolean): void {
    this.#isLoaded = true;
    this.#samples = [];
    this.startedOver = isOver;
  }
}
