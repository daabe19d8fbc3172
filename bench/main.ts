// The `npm run bench` command: starts all contestants, measures them in turn, and reports; only wiring.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { checkAnswers } from "./answers.ts";
import { runBench } from "./bench-run.ts";
import { buildDriverAndRivals } from "./built.ts";
import { type Contestant, repositoryRoot } from "./contestant.ts";
import { startDriver } from "./driver-process.ts";
import { withLineUp } from "./line-up.ts";
import { type BenchOptions, parseBenchOptions, usage } from "./options.ts";
import { findPlacement } from "./placement.ts";
import { type MachineFacts, markdown, type Report } from "./report.ts";
import { type Measurement, type Plan, runRounds } from "./round.ts";
import { judge, mostCoresOfOthers, summarizeAll, targets } from "./summary.ts";
import { works } from "./work.ts";

function machineFacts(): MachineFacts {
  return {
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 1024 ** 3),
    platform: `${process.platform} ${process.arch}`,
    node: process.versions.node,
  };
}

/** From how many cores on it is worth a word that others work on this machine. */
const noticedCores = 0.1;

function noise({ cpu }: Measurement, seconds: number): string {
  const cores = (cpu?.others ?? 0) / seconds;
  return cores < noticedCores ? "" : `, other processes took ${cores.toFixed(2)} cores`;
}

function showProgress(measurement: Measurement, seconds: number): void {
  const { round, work, contestant, tally } = measurement;
  const rate = tally.requestsPerSecond.toFixed(0);
  const latencies = `p50 ${tally.p50Ms.toFixed(3)} ms, p99 ${tally.p99Ms.toFixed(3)} ms`;
  const what = `round ${round}  ${work}  ${contestant}`;
  console.error(`${what}  ${rate} requests/s, ${latencies}${noise(measurement, seconds)}`);
}

function planOf(options: BenchOptions): Plan {
  const { rounds, seconds, ratePerSecond } = options;
  const placement = options.pinned ? findPlacement() : undefined;
  return { rounds, seconds, works: works(options.works, ratePerSecond), placement };
}

async function measureAll(
  plan: Plan,
  contestants: readonly Contestant[],
): Promise<readonly Measurement[]> {
  await checkAnswers(plan.works, contestants);
  const driver = startDriver();
  try {
    return await runRounds(driver, contestants, plan, (measurement) =>
      showProgress(measurement, plan.seconds),
    );
  } finally {
    driver.stop();
  }
}

function reportOn(plan: Plan, logLevel: string, measurements: readonly Measurement[]): Report {
  const { rounds, seconds, placement } = plan;
  const results = targets.map((target) => judge(target, measurements));
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: machineFacts(),
    rounds,
    seconds,
    logLevel,
    placed: placement !== undefined,
    mostCoresOfOthers: mostCoresOfOthers(measurements, seconds),
    targets: results.filter((result) => result !== undefined),
    summaries: summarizeAll(measurements),
  };
}

/** Six digits are more than any of this repeats. */
function round(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}

/** A quick run has a name of its own, so that it does not take the place of a whole one. */
function write(options: BenchOptions, report: Report, measurements: readonly Measurement[]): void {
  const folder = resolve(repositoryRoot, options.results);
  const path = join(folder, options.quick ? `${report.date}-quick` : report.date);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify({ ...report, measurements }, round, 2)}\n`);
  writeFileSync(`${path}.md`, `${markdown(report)}\n`);
}

async function bench(options: BenchOptions): Promise<boolean> {
  buildDriverAndRivals();
  const plan = planOf(options);
  const measurements = await withLineUp(options, (all) => measureAll(plan, all));
  const report = reportOn(plan, options.logLevel, measurements);
  write(options, report, measurements);
  console.log(markdown(report));
  const failures = report.summaries.reduce((sum, summary) => sum + summary.failures, 0);
  return failures === 0 && report.targets.every(({ met }) => met);
}

async function main(args: readonly string[]): Promise<void> {
  if (args.includes("--help")) return console.log(usage);
  const options = parseBenchOptions(args);
  const good = await bench(options);
  if (options.assert && !good) process.exitCode = 1;
}

await runBench(() => main(process.argv.slice(2)));
