import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContestantName } from "../../bench/contestant.ts";
import type { Tally } from "../../bench/driver/message.ts";
import { atLeast, atMost, isMet, isPromised } from "../../bench/finding.ts";
import type { Measurement } from "../../bench/round.ts";
import {
  failuresOf,
  judge,
  mostCoresOfOthers,
  summarizeAll,
  type Target,
} from "../../bench/summary.ts";

function tally(changes: Partial<Tally> = {}): Tally {
  return {
    requests: 1000,
    statusesNot200: {},
    broken: 0,
    unanswered: 0,
    requestsPerSecond: 1000,
    p50Ms: 1,
    p90Ms: 2,
    p99Ms: 3,
    maxMs: 4,
    acceptedP99Ms: 3,
    refusedP99Ms: Number.NaN,
    meanSendDelayMs: 0,
    cpuSeconds: 0.25,
    ...changes,
  };
}

function met(target: Target, measurements: readonly Measurement[]): boolean | undefined {
  const finding = judge(target, measurements);
  return finding !== undefined && isPromised(finding) ? isMet(finding) : undefined;
}

const cpu = { contestant: 0.5, others: 0.1 };

function measurement(
  contestant: ContestantName,
  round: number,
  changes: Partial<Tally> = {},
): Measurement {
  return { round, work: "tiny-64", contestant, tally: tally(changes), cpu };
}

/** One a round, of troupe's. */
function inWork(work: string, ...rates: number[]): readonly Measurement[] {
  return rates.map((requestsPerSecond, index) => ({
    ...measurement("troupe", index + 1, { requestsPerSecond }),
    work,
  }));
}

const atLeastTwice: Target = {
  measure: "requestsPerSecond",
  of: { work: "tiny-64", contestant: "troupe" },
  to: { work: "tiny-64", contestant: "echo" },
  bound: atLeast(2),
};

describe("failuresOf", () => {
  it("counts all that got something else than a 200", () => {
    const counts = { statusesNot200: { 500: 2, 503: 3 }, broken: 4, unanswered: 5 };
    assert.equal(failuresOf(tally(counts)), 14);
  });
});

describe("judge", () => {
  const echo = [1, 2, 3].map((round) => measurement("echo", round));
  const troupe = (...rates: number[]) => inWork("tiny-64", ...rates);

  it("meets a lower bound with the median of the rounds' ratios", () => {
    const measurements = [...troupe(1000, 2000, 3000), ...echo];
    const result = judge(atLeastTwice, measurements);
    assert.deepEqual(result?.measured, { median: 2, min: 1, max: 3 });
    assert.equal(met(atLeastTwice, measurements), true);
  });

  it("misses a lower bound from below", () => {
    assert.equal(met(atLeastTwice, [...troupe(1000, 1999, 3000), ...echo]), false);
  });

  it("misses an upper bound from above", () => {
    const atMostTwice: Target = { ...atLeastTwice, bound: atMost(2) };
    assert.equal(met(atMostTwice, [...troupe(1000, 2001, 3000), ...echo]), false);
  });

  it("names what is divided by what, and what both have in common once", () => {
    const named = (target: Target) => judge(target, [...troupe(1), ...echo, ...inWork("ws-64", 1)]);
    assert.equal(named(atLeastTwice)?.what, "troupe / echo, requests/s");
    const byP99: Target = {
      ...atLeastTwice,
      measure: "p99Ms",
      of: { work: "ws-64", contestant: "troupe" },
      to: { work: "tiny-64", contestant: "troupe" },
    };
    assert.equal(named(byP99)?.what, "troupe, ws-64 / tiny-64, p99");
  });

  it("says nothing where one of the two did not run", () => {
    assert.equal(judge(atLeastTwice, echo), undefined);
    assert.equal(judge(atLeastTwice, troupe(1000)), undefined);
  });

  describe("of two works of one contestant", () => {
    const atLeastFive: Target = {
      ...atLeastTwice,
      of: { work: "smoother-200", contestant: "troupe" },
      to: { work: "smoother-1", contestant: "troupe" },
      bound: atLeast(5),
    };
    const alone = inWork("smoother-1", 100, 200, 400);

    it("takes the ratios within each round", () => {
      const together = inWork("smoother-200", 600, 1000, 1200);
      const result = judge(atLeastFive, [...alone, ...together]);
      assert.deepEqual(result?.measured, { median: 5, min: 3, max: 6 });
      assert.equal(met(atLeastFive, [...alone, ...together]), true);
    });

    it("misses its bound from below", () => {
      const together = inWork("smoother-200", 499, 1000, 1999);
      assert.equal(met(atLeastFive, [...alone, ...together]), false);
    });

    it("leaves out what others did in them", () => {
      const others = alone.map((one) => ({ ...one, contestant: "echo" as const }));
      const together = inWork("smoother-200", 500, 1000, 2000);
      assert.equal(judge(atLeastFive, [...others, ...alone, ...together])?.measured.median, 5);
    });

    it("says nothing where one of the two did not run", () => {
      assert.equal(judge(atLeastFive, alone), undefined);
      assert.equal(judge(atLeastFive, inWork("smoother-200", 1000)), undefined);
    });
  });
});

describe("summarizeAll", () => {
  it("gives each contestant its medians over the rounds, in the order of measuring", () => {
    const summaries = summarizeAll([
      measurement("troupe", 1, { p50Ms: 1 }),
      measurement("echo", 1, { p50Ms: 5 }),
      measurement("troupe", 2, { p50Ms: 3, broken: 2 }),
      measurement("echo", 2, { p50Ms: 7 }),
    ]);
    const seen = summaries.map(({ contestant, p50Ms, failures }) => [contestant, p50Ms, failures]);
    assert.deepEqual(seen, [
      ["troupe", { median: 2, min: 1, max: 3 }, 2],
      ["echo", { median: 6, min: 5, max: 7 }, 0],
    ]);
  });

  it("keeps works apart", () => {
    const summaries = summarizeAll([...inWork("smoother-1", 100), ...inWork("smoother-200", 700)]);
    const seen = summaries.map(({ work, requestsPerSecond }) => [work, requestsPerSecond.median]);
    assert.deepEqual(seen, [
      ["smoother-1", 100],
      ["smoother-200", 700],
    ]);
  });

  it("tells CPU seconds for 1000 requests, the contestant's and the driver's", () => {
    const [summary] = summarizeAll([measurement("echo", 1, { requests: 500 })]);
    assert.equal(summary?.cpuPer1000.median, 1);
    assert.equal(summary?.driverCpuPer1000.median, 0.5);
  });
});

describe("mostCoresOfOthers", () => {
  it("is what others took in the worst window, as a part of its length", () => {
    const worst = { ...measurement("echo", 2), cpu: { contestant: 1, others: 1.5 } };
    assert.equal(mostCoresOfOthers([measurement("echo", 1), worst], 3), 0.5);
    assert.equal(mostCoresOfOthers([], 3), Number.NaN);
  });
});
