import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  judgeMemory,
  limitProblem,
  type MemorySample,
  type MemoryVerdict,
} from "../../supervisor/memory-judge.ts";

const mebibyte = 1_048_576;
const limitBytes = 512 * mebibyte;

function samplesOf(mebibytes: readonly number[], everyMs = 5_000): MemorySample[] {
  return mebibytes.map((value, index) => ({ at: index * everyMs, rssBytes: value * mebibyte }));
}

/** Ten samples that end at `last`, each larger by `step` than the one before. */
function growing(last: number, step: number, count = 10): number[] {
  return Array.from({ length: count }, (_, index) => last - (count - 1 - index) * step);
}

const fine: MemoryVerdict = { type: "fine" };

function over(mebibytes: number): MemoryVerdict {
  const words = `its memory is ${mebibytes} MiB, over the limit of 512`;
  return { type: "replace", reason: "memory", words };
}

function grown(mebibytes: number): MemoryVerdict {
  const words = `its memory is ${mebibytes} MiB and keeps growing towards the limit of 512`;
  return { type: "replace", reason: "memory-growth", words };
}

function far(mebibytes: number): MemoryVerdict {
  return { type: "kill", words: `its memory is ${mebibytes} MiB, over 1.5 times the limit of 512` };
}

describe("judgeMemory", () => {
  const rows: readonly (readonly [string, readonly MemorySample[], MemoryVerdict])[] = [
    ["nothing is known", [], fine],
    ["it is small", samplesOf([100, 100]), fine],
    ["it is at the limit", samplesOf([512, 512]), fine],
    ["only the last sample is over", samplesOf([500, 612]), fine],
    ["there is one sample, and it is over", samplesOf([612]), fine],
    ["it was over, and is not", samplesOf([612, 500]), fine],
    ["the last two are over", samplesOf([100, 513, 612]), over(612)],
    ["one is far over", samplesOf([100, 769]), far(769)],
    ["the first is far over", samplesOf([800]), far(800)],
    ["one is not quite far over", samplesOf([100, 768]), fine],
    ["it was far over, and is not", samplesOf([800, 100]), fine],
    ["it grows fast enough to be over within a minute", samplesOf(growing(450, 10)), grown(450)],
    ["it grows so that it reaches the limit in a minute", samplesOf(growing(452, 5)), grown(452)],
    ["it grows too slowly", samplesOf(growing(451, 5)), fine],
    ["it grows, but is small", samplesOf(growing(409, 20)), fine],
    ["it grew for nine samples only", samplesOf(growing(450, 10, 9)), fine],
    ["it grew for less than half a minute", samplesOf(growing(450, 10), 3_333), fine],
    ["it grew for half a minute", samplesOf(growing(450, 10), 30_000 / 9), grown(450)],
    ["it does not grow any more", samplesOf(Array.from({ length: 10 }, () => 500)), fine],
    ["it shrinks", samplesOf(growing(450, -5)), fine],
    [
      "it rises seven times of ten",
      samplesOf([400, 410, 420, 430, 425, 440, 450, 445, 460, 470, 465]),
      fine,
    ],
    [
      "it rises eight times of ten",
      samplesOf([400, 410, 420, 430, 425, 440, 450, 455, 460, 470, 465]),
      grown(465),
    ],
    ["it grew past the limit just now", samplesOf(growing(515, 10)), grown(515)],
  ];
  for (const [name, samples, verdict] of rows) {
    it(`says ${verdict.type} when ${name}`, () => {
      const now = samples.at(-1)?.at ?? 0;
      assert.deepEqual(judgeMemory(samples, limitBytes, now), verdict);
    });
  }

  it("counts the minute from now, not from the last sample", () => {
    const samples = samplesOf(growing(451, 5));
    assert.deepEqual(judgeMemory(samples, limitBytes, 45_000 + 1_000), grown(451));
  });

  it("does not judge growth where all samples are of one time", () => {
    const samples = growing(450, 10).map((value) => ({ at: 0, rssBytes: value * mebibyte }));
    assert.deepEqual(judgeMemory(samples, limitBytes, 0), fine);
  });
});

describe("limitProblem", () => {
  const tooLow = (used: number, limit: number) =>
    `limits.memory_mb must be above what its hosts use now (${used} MiB), got ${limit}`;
  const rows: readonly (readonly [string, number | null, readonly number[], string | null])[] = [
    ["no limit", null, [900], null],
    ["a limit of what has no hosts", 64, [], null],
    ["a limit above all", 144, [143, 20], null],
    ["a limit below one of them", 64, [20, 143], tooLow(143, 64)],
    ["a limit just below", 64, [64.1], tooLow(65, 64)],
  ];
  for (const [name, limitMb, mebibytes, problem] of rows) {
    it(`${problem === null ? "takes" : "refuses"} ${name}`, () => {
      const rss = mebibytes.map((value) => value * mebibyte);
      assert.equal(limitProblem(limitMb, rss), problem);
    });
  }
});
