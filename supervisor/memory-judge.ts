import type { Millis } from "../src/platform/clock.ts";

export interface MemorySample {
  readonly at: Millis;
  readonly rssBytes: number;
}

/** `words` say why, for people. */
export type MemoryVerdict =
  | { readonly type: "fine" }
  /** There is time to start another host first. */
  | {
      readonly type: "replace";
      readonly reason: "memory" | "memory-growth";
      readonly words: string;
    }
  | { readonly type: "kill"; readonly words: string };

export const mebibyte = 2 ** 20;
/** Over the limit by so much, a host takes the memory of others. */
const killRatio = 1.5;
/** Less of the limit is never taken for a leak: caches and arenas grow at first. */
const growthRatio = 0.8;
const growthSamples = 10;
const growthSpanMs = 30_000;
const growthAheadMs = 60_000;
/** A leak grows most of the time, where a heavy load comes and goes. */
const risingShare = 0.7;

/** Samples are oldest first. */
export function judgeMemory(
  samples: readonly MemorySample[],
  limitBytes: number,
  now: Millis,
): MemoryVerdict {
  const [last, before] = [samples.at(-1), samples.at(-2)];
  if (last === undefined) return { type: "fine" };
  const limit = inMebibytes(limitBytes);
  const memory = `its memory is ${inMebibytes(last.rssBytes)} MiB`;
  if (isFarOver(last.rssBytes, limitBytes)) {
    return { type: "kill", words: `${memory}, over ${killRatio} times the limit of ${limit}` };
  }
  // One sample may be a peak that is over already.
  if (last.rssBytes > limitBytes && before !== undefined && before.rssBytes > limitBytes) {
    return { type: "replace", reason: "memory", words: `${memory}, over the limit of ${limit}` };
  }
  if (!outgrows(samples, limitBytes, now)) return { type: "fine" };
  const words = `${memory} and keeps growing towards the limit of ${limit}`;
  return { type: "replace", reason: "memory-growth", words };
}

/** Why hosts that use so much now cannot get the limit: it would end them all. Null where they can. */
export function limitProblem(limitMb: number | null, rssBytes: readonly number[]): string | null {
  const used = Math.ceil(Math.max(0, ...rssBytes) / mebibyte);
  if (limitMb === null || used <= limitMb) return null;
  return `limits.memory_mb must be above what its hosts use now (${used} MiB), got ${limitMb}`;
}

export function isFarOver(rssBytes: number, limitBytes: number): boolean {
  return rssBytes > killRatio * limitBytes;
}

function outgrows(samples: readonly MemorySample[], limitBytes: number, now: Millis): boolean {
  const [first, last] = [samples[0], samples.at(-1)];
  if (first === undefined || last === undefined) return false;
  if (samples.length < growthSamples || last.at - first.at < growthSpanMs) return false;
  if (last.rssBytes <= growthRatio * limitBytes || rising(samples) <= risingShare) return false;
  const slope = slopeOf(samples);
  return slope > 0 && last.at + (limitBytes - last.rssBytes) / slope <= now + growthAheadMs;
}

/** The share of samples that are larger than the one before. */
function rising(samples: readonly MemorySample[]): number {
  const rises = samples.filter(({ rssBytes }, index) => {
    const before = samples[index - 1];
    return before !== undefined && rssBytes > before.rssBytes;
  });
  return rises.length / (samples.length - 1);
}

/** Of the line with the least squares, in bytes a millisecond. */
function slopeOf(samples: readonly MemorySample[]): number {
  const meanAt = mean(samples.map(({ at }) => at));
  const meanBytes = mean(samples.map(({ rssBytes }) => rssBytes));
  let together = 0;
  let alone = 0;
  for (const { at, rssBytes } of samples) {
    together += (at - meanAt) * (rssBytes - meanBytes);
    alone += (at - meanAt) ** 2;
  }
  return alone === 0 ? 0 : together / alone;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function inMebibytes(bytes: number): number {
  return Math.round(bytes / mebibyte);
}
