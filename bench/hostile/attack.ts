// One attack on all surfaces of a running server: what came of it, whether anything ended, and what it cost in memory.
import { type Random, seededRandom } from "../../models/random.ts";
import { readTreePids } from "../cpu-usage.ts";
import { readTreeMemory } from "../tree-memory.ts";
import { GrpcSurface } from "./grpc-surface.ts";
import { HttpSurface } from "./http-surface.ts";
import { SocketSurface } from "./socket-surface.ts";
import { type Surface, Tally, type Victim } from "./surface.ts";

export interface AttackedServer extends Victim {
  readonly pid: number;
}

export interface Plan {
  readonly seed: number;
  readonly mutants: number;
  /** After each of as many mutants memory is looked at. A server grows with the first of everything, so within the first. */
  readonly rounds: number;
  readonly onRound?: (round: number, rssMb: number) => void;
}

export interface SurfaceReport {
  readonly surface: string;
  readonly counts: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
  /** Whether all sound requests are answered as they were before. */
  readonly isSame: boolean;
}

export interface AttackReport {
  readonly surfaces: readonly SurfaceReport[];
  readonly seconds: number;
  /** Processes that were there before and are there no more, or have come. */
  readonly changedPids: readonly number[];
  /** MiB of all processes together, after each round. */
  readonly rssMb: readonly number[];
}

export async function attackServer(server: AttackedServer, plan: Plan): Promise<AttackReport> {
  const surfaces: readonly Surface[] = [
    new HttpSurface(server),
    new GrpcSurface(server),
    await SocketSurface.open(server),
  ];
  try {
    return await attackAll(surfaces, server, plan);
  } finally {
    for (const surface of surfaces) surface.close();
  }
}

async function attackAll(
  surfaces: readonly Surface[],
  { pid }: AttackedServer,
  { seed, mutants, rounds, onRound }: Plan,
): Promise<AttackReport> {
  const random = seededRandom(seed);
  const before: (readonly string[])[] = [];
  for (const surface of surfaces) before.push(await surface.answers());
  const pids = readTreePids(pid);
  const beganAt = performance.now();
  const tallies = surfaces.map(() => new Tally());
  const rssMb: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    await attackEach(surfaces, tallies, { random, mutants: Math.ceil(mutants / rounds) });
    const held = Math.round(readTreeMemory(pid).rssMb);
    rssMb.push(held);
    onRound?.(round + 1, held);
  }
  const seconds = (performance.now() - beganAt) / 1_000;
  const reports: SurfaceReport[] = [];
  for (const [i, surface] of surfaces.entries()) {
    const { counts = new Map<string, number>(), faults = [] } = tallies[i] ?? {};
    const isSame = JSON.stringify(await surface.answers()) === JSON.stringify(before[i]);
    reports.push({ surface: surface.name, counts: Object.fromEntries(counts), faults, isSame });
  }
  const changedPids = difference(pids, readTreePids(pid));
  return { surfaces: reports, seconds, changedPids, rssMb };
}

async function attackEach(
  surfaces: readonly Surface[],
  tallies: readonly Tally[],
  { random, mutants }: { readonly random: Random; readonly mutants: number },
): Promise<void> {
  const share = Math.floor(mutants / surfaces.length);
  for (const [i, surface] of surfaces.entries()) {
    const rest = i === 0 ? mutants - share * surfaces.length : 0;
    await surface.attack(random, share + rest, tallies[i] as Tally);
  }
}

/** Of the rounds, so many let the heaps of a server grow to their size. */
const warmShare = 0.4;

/** MiB that came once it was warm and stayed: memory goes up and down with collections, so the least of the last. */
export function growthOf({ rssMb }: Pick<AttackReport, "rssMb">): number {
  const warmAt = Math.floor((rssMb.length - 1) * warmShare);
  return Math.min(...rssMb.slice(warmAt + 1).slice(-3)) - (rssMb[warmAt] ?? 0);
}

function difference(left: readonly number[], right: readonly number[]): readonly number[] {
  const isIn = (pids: readonly number[]) => (pid: number) => pids.includes(pid);
  return [...left.filter((pid) => !isIn(right)(pid)), ...right.filter((pid) => !isIn(left)(pid))];
}
