// What a run of bench:lifecycle comes to, and how it is shown.
import type { Tally } from "./driver/message.ts";
import { type Spread, spreadOf, spreadOfRatios } from "./statistics.ts";
import type { TreeMemory } from "./tree-memory.ts";

/** What happens to the other model in a window. Of one, it begins with the window; endless ones follow each other. */
export const kinds = [
  "nothing",
  "one rollout",
  "one refused rollout",
  "one rollback",
  "endless rollouts",
] as const;
export type Kind = (typeof kinds)[number];

export interface Window {
  readonly round: number;
  readonly kind: Kind;
  readonly changes: number;
  /** How long each took until it was answered. */
  readonly changeMs: readonly number[];
  readonly tally: Tally;
  /** CPU seconds that processes took which have no part in this; undefined where the machine does not tell. */
  readonly otherCpuSeconds: number | undefined;
}

export interface UnloadRound {
  readonly before: TreeMemory;
  readonly loaded: TreeMemory;
  readonly after: TreeMemory;
}

interface WindowSummary {
  readonly kind: Kind;
  readonly p50Ms: Spread;
  readonly p99Ms: Spread;
  readonly maxMs: Spread;
  /** To the window of the same round in which nothing happened. */
  readonly p99Ratio: Spread;
  readonly requests: number;
  readonly not200: number;
  readonly changes: number;
  readonly changeMs: Spread;
}

export function not200({ statusesNot200, broken, unanswered }: Tally): number {
  const refused = Object.values(statusesNot200).reduce((sum, count) => sum + count, 0);
  return refused + broken + unanswered;
}

export function summarize(windows: readonly Window[], kind: Kind): WindowSummary {
  const of = (wanted: Kind) =>
    windows.filter((one) => one.kind === wanted).toSorted((a, b) => a.round - b.round);
  const own = of(kind);
  const p99sOf = (some: readonly Window[]) => some.map(({ tally }) => tally.p99Ms);
  const sum = (count: (window: Window) => number) =>
    own.reduce((total, window) => total + count(window), 0);
  return {
    kind,
    p50Ms: spreadOf(own.map(({ tally }) => tally.p50Ms)),
    p99Ms: spreadOf(p99sOf(own)),
    maxMs: spreadOf(own.map(({ tally }) => tally.maxMs)),
    p99Ratio: spreadOfRatios(p99sOf(own), p99sOf(of("nothing"))),
    requests: sum(({ tally }) => tally.requests),
    not200: sum(({ tally }) => not200(tally)),
    changes: sum(({ changes }) => changes),
    changeMs: spreadOf(own.flatMap(({ changeMs }) => changeMs)),
  };
}

export function summarizeUnloads(results: readonly UnloadRound[]) {
  const spread = (figure: (one: UnloadRound) => number) => spreadOf(results.map(figure));
  const [first, last] = [results[0], results.at(-1)];
  return {
    beforePssMb: spread(({ before }) => before.pssMb),
    loadedPssMb: spread(({ loaded }) => loaded.pssMb),
    afterPssMb: spread(({ after }) => after.pssMb),
    leftPssMb: spread(({ before, after }) => after.pssMb - before.pssMb),
    leftRssMb: spread(({ before, after }) => after.rssMb - before.rssMb),
    /** From before the first load to after the last unload. */
    growthPssMb: (last?.after.pssMb ?? Number.NaN) - (first?.before.pssMb ?? Number.NaN),
    leftProcesses: spread(({ before, after }) => after.processes - before.processes),
  };
}

function cells({ median, min, max }: Spread, digits: number): string {
  const text = (value: number) => (Number.isNaN(value) ? "–" : value.toFixed(digits));
  return `${text(median)} (${text(min)}–${text(max)})`;
}

export function show(
  unload: ReturnType<typeof summarizeUnloads>,
  summaries: readonly WindowSummary[],
) {
  console.log("PSS of the tree in MiB, median (least–most):");
  console.log(`  before load     ${cells(unload.beforePssMb, 1)}`);
  console.log(`  loaded          ${cells(unload.loadedPssMb, 1)}`);
  console.log(`  after unload    ${cells(unload.afterPssMb, 1)}`);
  console.log(`  left            ${cells(unload.leftPssMb, 2)}, RSS ${cells(unload.leftRssMb, 2)}`);
  console.log(`  over all        ${unload.growthPssMb.toFixed(2)}`);
  console.log("another model, window by window:");
  for (const one of summaries) {
    console.log(
      `  ${one.kind.padEnd(17)} p99 ${cells(one.p99Ms, 2)} ms, ratio ${cells(one.p99Ratio, 2)}, ` +
        `max ${cells(one.maxMs, 1)} ms, ${one.changes} changes of ${cells(one.changeMs, 0)} ms, ` +
        `${one.not200} of ${one.requests} not 200`,
    );
  }
}
