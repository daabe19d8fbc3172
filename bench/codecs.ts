// The `npm run bench:codecs` command: how fast bytes become tensors and tensors bytes, in one process; only wiring.
import { writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { runBench } from "./bench-run.ts";
import { type CodecWork, codecWorks } from "./codec-work.ts";
import { repositoryRoot } from "./contestant.ts";
import { type Spread, spreadOf, spreadOfRatios } from "./statistics.ts";

const warmUpRounds = 3;
const rounds = 21;

/** In milliseconds each. */
interface Times {
  readonly troupe: number[];
  readonly rival: number[];
}

function timeOf(task: () => unknown, times: number): number {
  const beganAt = performance.now();
  for (let i = 0; i < times; i += 1) task();
  return (performance.now() - beganAt) / times;
}

/** The two take turns in going first. */
function measureRound({ troupe, rival, times }: CodecWork, round: number, into: Times): void {
  const contestants = rival === null ? [troupe] : [troupe, rival];
  for (const task of round % 2 === 0 ? contestants : contestants.toReversed()) {
    const time = timeOf(task, times);
    if (round >= warmUpRounds) (task === troupe ? into.troupe : into.rival).push(time);
  }
}

interface Figures {
  readonly name: string;
  readonly bytes: number;
  /** Of Troupe's speed to the rival's. */
  readonly ratio: Spread | null;
  readonly megabytesPerSecond: { readonly troupe: Spread; readonly rival: Spread | null };
  readonly ms: Times;
}

function figuresOf({ name, bytes, rival }: CodecWork, ms: Times): Figures {
  const speed = (times: readonly number[]) => spreadOf(times.map((time) => bytes / time / 1_000));
  const ratio = rival === null ? null : spreadOfRatios(ms.rival, ms.troupe);
  const rivalSpeed = rival === null ? null : speed(ms.rival);
  return {
    name,
    bytes,
    ratio,
    megabytesPerSecond: { troupe: speed(ms.troupe), rival: rivalSpeed },
    ms,
  };
}

function spreadText({ median, min, max }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${min.toFixed(digits)}–${max.toFixed(digits)})`;
}

function show({ name, ratio, megabytesPerSecond: { troupe, rival } }: Figures): void {
  const against = ratio === null ? "" : `${spreadText(ratio, 2)} × the rival; `;
  const beside = rival === null ? "" : `, rival ${spreadText(rival, 0)}`;
  console.log(`${name}: ${against}${spreadText(troupe, 0)} MB/s${beside}`);
}

/** More than any of this repeats. */
function fiveDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}

async function bench(): Promise<void> {
  const measured = codecWorks.map((work) => ({ work, ms: { troupe: [], rival: [] } as Times }));
  for (let round = 0; round < warmUpRounds + rounds; round += 1) {
    for (const { work, ms } of measured) measureRound(work, round, ms);
  }
  const works = measured.map(({ work, ms }) => figuresOf(work, ms));
  for (const figures of works) show(figures);
  const date = new Date().toISOString().slice(0, 10);
  const memoryGiB = Math.round(totalmem() / 1024 ** 3);
  const machine = { cores: availableParallelism(), memoryGiB, node: process.versions.node };
  const whole = { date, machine, settings: { warmUpRounds, rounds }, works };
  const path = join(repositoryRoot, "bench", "results", `codecs-${date}.json`);
  writeFileSync(path, `${JSON.stringify(whole, fiveDigits, 2)}\n`);
}

await runBench(bench);
