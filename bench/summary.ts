import type { ContestantName } from "./contestant.ts";
import type { Tally } from "./driver/message.ts";
import type { Bound, Finding } from "./finding.ts";
import type { Measurement } from "./round.ts";
import { type Spread, spreadOf, spreadOfRatios } from "./statistics.ts";
import type { WorkName } from "./work.ts";

/** What one contestant did in one work, over all rounds. */
export interface Summary {
  readonly work: string;
  readonly contestant: ContestantName;
  readonly requestsPerSecond: Spread;
  readonly p50Ms: Spread;
  readonly p90Ms: Spread;
  readonly p99Ms: Spread;
  readonly maxMs: Spread;
  /** CPU seconds for 1000 answers; NaN where the machine does not tell. */
  readonly cpuPer1000: Spread;
  /** The driver's, for 1000 answers: not below the contestant's, the driver may be what is measured. */
  readonly driverCpuPer1000: Spread;
  readonly meanSendDelayMs: Spread;
  /** Requests, of all rounds, that got something else than a 200. */
  readonly failures: number;
}

type Measure = "requestsPerSecond" | "p50Ms" | "p99Ms";

/** Whose measurements: those of one contestant in one work. */
export interface Side {
  readonly work: WorkName;
  readonly contestant: ContestantName;
}

/** A ratio that is promised: `measure` of one side to that of the other. */
export interface Target {
  readonly measure: Measure;
  readonly of: Side;
  readonly to: Side;
  readonly bound: Bound;
}

export function failuresOf(tally: Tally): number {
  const refused = Object.values(tally.statusesNot200).reduce((sum, count) => sum + count, 0);
  return refused + tally.broken + tally.unanswered;
}

function per1000(cpuSeconds: number | undefined, requests: number): number {
  return cpuSeconds === undefined ? Number.NaN : (cpuSeconds * 1000) / requests;
}

function summarize(measurements: readonly Measurement[], first: Measurement): Summary {
  const tallies = measurements.map(({ tally }) => tally);
  const spread = (value: (tally: Tally) => number) => spreadOf(tallies.map(value));
  return {
    work: first.work,
    contestant: first.contestant,
    requestsPerSecond: spread((tally) => tally.requestsPerSecond),
    p50Ms: spread((tally) => tally.p50Ms),
    p90Ms: spread((tally) => tally.p90Ms),
    p99Ms: spread((tally) => tally.p99Ms),
    maxMs: spread((tally) => tally.maxMs),
    cpuPer1000: spreadOf(
      measurements.map(({ cpu, tally }) => per1000(cpu?.contestant, tally.requests)),
    ),
    driverCpuPer1000: spread((tally) => per1000(tally.cpuSeconds, tally.requests)),
    meanSendDelayMs: spread((tally) => tally.meanSendDelayMs),
    failures: tallies.reduce((sum, tally) => sum + failuresOf(tally), 0),
  };
}

function isOf({ work, contestant }: Pick<Measurement, "work" | "contestant">) {
  return (one: Measurement) => one.work === work && one.contestant === contestant;
}

/** One for each work and contestant, in the order in which they were first measured. */
export function summarizeAll(measurements: readonly Measurement[]): readonly Summary[] {
  const firsts = measurements.filter(({ round }) => round === 1);
  return firsts.map((first) => summarize(measurements.filter(isOf(first)), first));
}

/** The most cores that processes without a part took in any window; NaN where nothing or nobody tells. */
export function mostCoresOfOthers(measurements: readonly Measurement[], seconds: number): number {
  if (measurements.length === 0) return Number.NaN;
  return Math.max(...measurements.map(({ cpu }) => (cpu?.others ?? Number.NaN) / seconds));
}

/** Undefined where one side was not measured. */
export function judge(target: Target, measurements: readonly Measurement[]): Finding | undefined {
  const valuesOf = (side: Side) =>
    measurements.filter(isOf(side)).map(({ tally }) => tally[target.measure]);
  const measured = spreadOfRatios(valuesOf(target.of), valuesOf(target.to));
  if (Number.isNaN(measured.median)) return undefined;
  return { ...nameOf(target), unit: "×", measured, bound: target.bound };
}

const measureNames = { requestsPerSecond: "requests/s", p50Ms: "p50", p99Ms: "p99" };

/** What both sides have in common is said once. */
function nameOf({ of, to, measure }: Target): Pick<Finding, "work" | "what"> {
  const own = (side: Side) => (of.work === to.work ? side.contestant : side.work);
  const common = of.work === to.work ? "" : `${of.contestant}, `;
  return { work: of.work, what: `${common}${own(of)} / ${own(to)}, ${measureNames[measure]}` };
}
