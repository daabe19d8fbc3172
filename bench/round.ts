// Runs the rounds: one contestant under load at a time, each measured next to the others.
import { runBare } from "./bare.ts";
import type { Contestant, ContestantName } from "./contestant.ts";
import { type CpuReading, readCpu, readTreePids } from "./cpu-usage.ts";
import type { Job, Tally } from "./driver/message.ts";
import type { Driver } from "./driver-process.ts";
import { findListeners } from "./listeners.ts";
import { keepOn, type Placement } from "./placement.ts";
import { type Bare, contestantsOf, type Work } from "./work.ts";

/** CPU seconds within a window. */
export interface CpuShares {
  /** The contestant's, with all its processes. */
  readonly contestant: number;
  /** Of processes that take no part: what they took, the measured did not get. */
  readonly others: number;
}

export interface Measurement {
  readonly round: number;
  readonly work: string;
  readonly contestant: ContestantName;
  readonly tally: Tally;
  /** Undefined where the machine does not tell. */
  readonly cpu: CpuShares | undefined;
}

export interface Plan {
  readonly rounds: number;
  readonly seconds: number;
  /** Length of round 0, which counts for nothing: compilers and caches settle in it. */
  readonly settleMs: number;
  readonly works: readonly Work[];
  /** Undefined leaves it to the scheduler. */
  readonly placement: Placement | undefined;
}

/** The machine's caches held another contestant a moment ago. */
const warmUpMs = 300;

function jobOf(work: Work, contestant: Contestant, plan: Plan, round: number): Job {
  const { transport, path, headers, body, connections, depth, arrivals } = work;
  const windowMs = round === 0 ? plan.settleMs : plan.seconds * 1000;
  const load = { transport, headers, body, connections, depth, arrivals, warmUpMs, windowMs };
  return { port: contestant.port, paths: [path], ...load };
}

/** Ticks and idle time are counted apart, so the sum of the parts can be a little more than the whole. */
function sharesOf(
  opened: CpuReading | undefined,
  closed: CpuReading | undefined,
  driverSeconds: number,
): CpuShares | undefined {
  if (opened === undefined || closed === undefined) return undefined;
  const contestant = closed.tree - opened.tree;
  const others = closed.machine - opened.machine - contestant - driverSeconds;
  return { contestant, others: Math.max(0, others) };
}

async function measureBare(contestant: Contestant, bare: Bare, windowMs: number) {
  const opened = readCpu(contestant.pid);
  const tally = await runBare(contestant, bare, windowMs);
  return { tally, cpu: sharesOf(opened, readCpu(contestant.pid), 0) };
}

async function measureUnderLoad(driver: Driver, contestant: Contestant, job: Job) {
  let opened: CpuReading | undefined;
  let closed: CpuReading | undefined;
  const tally = await driver.run(job, {
    onOpened: () => {
      opened = readCpu(contestant.pid);
    },
    onClosed: () => {
      closed = readCpu(contestant.pid);
    },
  });
  contestant.assertAlive();
  return { tally, cpu: sharesOf(opened, closed, tally.cpuSeconds) };
}

function measure(driver: Driver, { round, work, contestant }: Turn, plan: Plan) {
  const job = jobOf(work, contestant, plan, round);
  return contestant.name === "bare" && work.bare !== undefined
    ? measureBare(contestant, work.bare, job.windowMs)
    : measureUnderLoad(driver, contestant, job);
}

function takePlaces(contestant: Contestant, work: Work, placement: Placement | undefined): void {
  if (placement === undefined) return;
  const pids = readTreePids(contestant.pid);
  keepOn(pids, placement.contestant);
  if (work.connections > 1) return;
  keepOn(findListeners(contestant.port, pids), placement.listenerOfOne);
}

interface Turn {
  readonly round: number;
  readonly work: Work;
  readonly contestant: Contestant;
}

/**
 * Round after round, and in each work A, B, C, so that what changes on the machine changes for all; without those who
 * cannot do a work.
 */
export function turnsOf(
  { rounds, works }: Pick<Plan, "rounds" | "works">,
  contestants: readonly Contestant[],
): readonly Turn[] {
  const pairs = works.flatMap((work) =>
    contestantsOf(work, contestants).map((contestant) => ({ work, contestant })),
  );
  return Array.from({ length: rounds + 1 }, (_, round) => round).flatMap((round) =>
    pairs.map((pair) => ({ round, ...pair })),
  );
}

/** Each measurement is also told at once, to show that something goes on. */
export async function runRounds(
  driver: Driver,
  contestants: readonly Contestant[],
  plan: Plan,
  onMeasured: (measurement: Measurement) => void,
): Promise<readonly Measurement[]> {
  const turns = turnsOf(plan, contestants);
  if (turns.length === 0) throw new Error("Cannot measure: no contestant can do any of the works");
  const measurements: Measurement[] = [];
  for (const turn of turns) {
    const { round, work, contestant } = turn;
    takePlaces(contestant, work, plan.placement);
    const measured = await measure(driver, turn, plan);
    if (round === 0) continue;
    const measurement = { round, work: work.name, contestant: contestant.name, ...measured };
    onMeasured(measurement);
    measurements.push(measurement);
  }
  return measurements;
}
