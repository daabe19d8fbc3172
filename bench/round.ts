// Runs the rounds: one contestant under load at a time, each measured next to the others.
import { askableOver, type Contestant, type ContestantName } from "./contestant.ts";
import { type CpuReading, readCpu, readTreePids } from "./cpu-usage.ts";
import type { Job, Tally } from "./driver/message.ts";
import type { Driver } from "./driver-process.ts";
import { findListeners } from "./listeners.ts";
import { keepOn, type Placement } from "./placement.ts";
import type { Work } from "./work.ts";

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
  readonly works: readonly Work[];
  /** Undefined leaves it to the scheduler. */
  readonly placement: Placement | undefined;
}

/** Round 0 counts for nothing: compilers and caches settle in it. */
const settleMs = 2000;
/** The machine's caches held another contestant a moment ago. */
const warmUpMs = 300;

function jobOf(work: Work, contestant: Contestant, plan: Plan, round: number): Job {
  const { transport, path, body, connections, arrivals } = work;
  const windowMs = round === 0 ? settleMs : plan.seconds * 1000;
  const load = { transport, path, body, connections, arrivals, warmUpMs, windowMs };
  return { port: contestant.port, ...load };
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

async function measure(driver: Driver, contestant: Contestant, job: Job) {
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
    askableOver(work.transport, contestants).map((contestant) => ({ work, contestant })),
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
  if (plan.placement !== undefined) keepOn([driver.pid], plan.placement.driver);
  const measurements: Measurement[] = [];
  for (const { round, work, contestant } of turns) {
    takePlaces(contestant, work, plan.placement);
    const measured = await measure(driver, contestant, jobOf(work, contestant, plan, round));
    if (round === 0) continue;
    const measurement = { round, work: work.name, contestant: contestant.name, ...measured };
    onMeasured(measurement);
    measurements.push(measurement);
  }
  return measurements;
}
