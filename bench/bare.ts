// What bare does in a window, as the tally of a work whose requests are rows.
import type { Contestant } from "./contestant.ts";
import type { Tally } from "./driver/message.ts";
import { percentile } from "./statistics.ts";
import type { Bare } from "./work.ts";

/** `times` are the milliseconds of each run of `batch` rows, one after the other. */
export function tallyOfRuns(batch: number, times: readonly number[]): Tally {
  const sorted = times.toSorted((a, b) => a - b);
  const totalMs = times.reduce((sum, ms) => sum + ms, 0);
  const requests = times.length * batch;
  return {
    requests,
    statusesNot200: {},
    broken: 0,
    unanswered: 0,
    requestsPerSecond: (requests * 1000) / totalMs,
    p50Ms: percentile(sorted, 50),
    p90Ms: percentile(sorted, 90),
    p99Ms: percentile(sorted, 99),
    maxMs: percentile(sorted, 100),
    acceptedP99Ms: percentile(sorted, 99),
    refusedP99Ms: Number.NaN,
    meanSendDelayMs: 0,
    cpuSeconds: 0,
  };
}

export async function runBare(
  contestant: Contestant,
  bare: Bare,
  windowMs: number,
): Promise<Tally> {
  const { status, text } = await contestant.ask("/run", JSON.stringify({ ...bare, windowMs }));
  if (status !== 200) throw new Error(`Cannot measure bare: it answers ${status}: ${text}`);
  const { batch, times } = JSON.parse(text);
  return tallyOfRuns(batch, times);
}
