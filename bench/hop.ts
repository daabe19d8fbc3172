// The `npm run bench:hop` command: what the way to the engine's thread and back costs, in messages and in a ring; only wiring.
import { deepStrictEqual } from "node:assert";
import { writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { runBenchIn } from "./bench-run.ts";
import { buildDriverAndRivals } from "./built.ts";
import { repositoryRoot } from "./contestant.ts";
import { type Hop, type HopName, hopNames, startHop } from "./hop/hops.ts";
import { type HopFigures, measureHop } from "./hop/measuring.ts";
import { type HopWork, hopWorks, tensorsOf } from "./hop/works.ts";
import { type Spread, spreadOf, spreadOfRatios } from "./statistics.ts";

const rounds = 15;

type Rounds = Readonly<Record<HopName, readonly HopFigures[]>>;

async function withHops<T>(
  folder: string,
  work: HopWork,
  measure: (hops: Readonly<Record<HopName, Hop>>) => Promise<T>,
): Promise<T> {
  const file = join(folder, "model.onnx");
  writeFileSync(file, work.model());
  const mostBytes = (tensorsOf(work)().data as Float32Array).byteLength;
  const messages = await startHop("messages", file, mostBytes);
  const ring = await startHop("ring", file, mostBytes);
  try {
    return await measure({ messages, ring });
  } finally {
    await Promise.all([messages.close(), ring.close()]);
  }
}

/** The two take turns in going first. Round 0 counts for nothing. */
async function measureRounds(folder: string, work: HopWork): Promise<Rounds> {
  return withHops(folder, work, async (hops) => {
    const newTensor = tensorsOf(work);
    deepStrictEqual(await hops.ring.run(newTensor()), await hops.messages.run(newTensor()));
    const measured: Record<HopName, HopFigures[]> = { messages: [], ring: [] };
    const order = (round: number) => (round % 2 === 0 ? hopNames : hopNames.toReversed());
    const turns = Array.from({ length: rounds + 1 }, (_, round) => order(round)).flat();
    for (const name of turns) {
      measured[name].push(await measureHop(hops[name], newTensor, work.runs));
    }
    return { messages: measured.messages.slice(1), ring: measured.ring.slice(1) };
  });
}

function spreadText({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

/** Above 1 the ring is better. */
function report(name: string, { messages, ring }: Rounds) {
  const of = (hop: readonly HopFigures[], figure: keyof HopFigures) =>
    hop.map((figures) => figures[figure]);
  const gain = (figure: keyof HopFigures) =>
    figure === "runsPerSecond"
      ? spreadOfRatios(of(ring, figure), of(messages, figure))
      : spreadOfRatios(of(messages, figure), of(ring, figure));
  const figures = ["runsPerSecond", "cpuUs", "restedP50Us"] as const;
  console.log(name);
  return figures.map((figure) => {
    const both = { messages: spreadOf(of(messages, figure)), ring: spreadOf(of(ring, figure)) };
    const words = hopNames.map((hop) => `${hop} ${spreadText(both[hop], 0)}`).join(", ");
    console.log(`  ${figure}: the ring ${spreadText(gain(figure), 2)} × better; ${words}`);
    return { figure, gain: gain(figure), ...both };
  });
}

/** More than any of this repeats. */
function fiveDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}

async function bench(folder: string): Promise<void> {
  buildDriverAndRivals();
  // An engine's thread does not keep the process alive, which in a host the channel to the supervisor does.
  const alive = setInterval(() => undefined, 1_000);
  const works: unknown[] = [];
  for (const work of hopWorks) {
    const measured = await measureRounds(folder, work);
    works.push({ name: work.name, figures: report(work.name, measured), rounds: measured });
  }
  clearInterval(alive);
  const date = new Date().toISOString().slice(0, 10);
  const memoryGiB = Math.round(totalmem() / 1024 ** 3);
  const machine = { cores: availableParallelism(), memoryGiB, node: process.versions.node };
  const whole = { date, machine, settings: { rounds }, works };
  const path = join(repositoryRoot, "bench", "results", `hop-${date}.json`);
  writeFileSync(path, `${JSON.stringify(whole, fiveDigits, 2)}\n`);
}

await runBenchIn("troupe-hop-", bench);
