// The `npm run bench` command: starts all contestants, measures them in turn, and reports; only wiring.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { checkAnswers } from "./answers.ts";
import { runBenchIn } from "./bench-run.ts";
import { buildDriverAndRivals } from "./built.ts";
import { chart } from "./chart.ts";
import { repositoryRoot } from "./contestant.ts";
import { type Driver, startDriver } from "./driver-process.ts";
import { type Finding, isMet, isPromised } from "./finding.ts";
import { withLineUp } from "./line-up.ts";
import { addCompared } from "./models-folder.ts";
import { type BenchOptions, parseBenchOptions, usage } from "./options.ts";
import { findPlacement, keepOn } from "./placement.ts";
import { putIntoReadme } from "./readme.ts";
import { type MachineFacts, markdown, type Report } from "./report.ts";
import { type Measurement, type Plan, runRounds } from "./round.ts";
import { studies } from "./studies/all.ts";
import { judge, mostCoresOfOthers, summarizeAll } from "./summary.ts";
import { targets } from "./targets.ts";
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
  const { rounds, seconds, settleMs, ratePerSecond } = options;
  const placement = options.pinned ? findPlacement() : undefined;
  return { rounds, seconds, settleMs, works: works(options.works, ratePerSecond), placement };
}

/** Whatever can be compared with others. */
async function measureWorks(
  options: BenchOptions,
  plan: Plan,
  driver: Driver,
  folder: string,
): Promise<readonly Measurement[]> {
  if (plan.works.length === 0) return [];
  const models = join(folder, "compared");
  addCompared(models, options.models);
  return withLineUp(options, models, async (contestants) => {
    await checkAnswers(plan.works, contestants);
    return runRounds(driver, contestants, plan, (measurement) =>
      showProgress(measurement, plan.seconds),
    );
  });
}

async function study(
  options: BenchOptions,
  driver: Driver,
  folder: string,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const name of options.studies) {
    const say = (text: string) => console.error(`${name}  ${text}`);
    findings.push(...(await studies[name]({ driver, options, folder, say })));
  }
  return findings;
}

interface Measured {
  readonly measurements: readonly Measurement[];
  readonly studied: readonly Finding[];
}

async function measureAll(options: BenchOptions, plan: Plan, folder: string): Promise<Measured> {
  const driver = startDriver();
  if (plan.placement !== undefined) keepOn([driver.pid], plan.placement.driver);
  try {
    const measurements = await measureWorks(options, plan, driver, folder);
    return { measurements, studied: await study(options, driver, folder) };
  } finally {
    driver.stop();
  }
}

function reportOn(plan: Plan, logLevel: string, { measurements, studied }: Measured): Report {
  const { rounds, seconds, placement } = plan;
  const ratios = targets.map((target) => judge(target, measurements));
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: machineFacts(),
    rounds,
    seconds,
    logLevel,
    placed: placement !== undefined,
    mostCoresOfOthers: mostCoresOfOthers(measurements, seconds),
    findings: [...ratios.filter((ratio) => ratio !== undefined), ...studied],
    summaries: summarizeAll(measurements),
  };
}

/** Six digits are more than any of this repeats. */
function round(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}

/** Where they are, without their endings. A quick run has a name of its own, so that it does not take a whole one's place. */
function write(
  options: BenchOptions,
  report: Report,
  measurements: readonly Measurement[],
): string {
  const folder = resolve(repositoryRoot, options.results);
  const name = options.quick ? `${report.date}-quick` : report.date;
  const path = join(folder, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify({ ...report, measurements }, round, 2)}\n`);
  writeFileSync(`${path}.md`, `${markdown(report)}\n`);
  writeFileSync(`${path}.svg`, chart(report.findings, report.date));
  if (options.readme) putIntoReadme(report, `${options.results}/${name}`);
  return path;
}

async function bench(options: BenchOptions, folder: string): Promise<boolean> {
  buildDriverAndRivals();
  const plan = planOf(options);
  const measured = await measureAll(options, plan, folder);
  const report = reportOn(plan, options.logLevel, measured);
  const path = write(options, report, measured.measurements);
  console.log(markdown(report));
  console.log(`Written to ${path}.json, .md and .svg`);
  if (options.quick) console.log("A quick run shows that all of it works: its figures are chance.");
  const failures = report.summaries.reduce((sum, summary) => sum + summary.failures, 0);
  return failures === 0 && report.findings.filter(isPromised).every(isMet);
}

async function main(args: readonly string[], folder: string): Promise<void> {
  if (args.includes("--help")) return console.log(usage);
  const options = parseBenchOptions(args);
  const good = await bench(options, folder);
  if (options.assert && !good) process.exitCode = 1;
}

await runBenchIn("troupe-bench-", (folder) => main(process.argv.slice(2), folder));
