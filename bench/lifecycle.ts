// The `npm run bench:lifecycle` command: what loading, unloading and rolling out one model cost the others; only wiring.
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism, totalmem } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runBenchIn } from "./bench-run.ts";
import { buildDriverAndRivals } from "./built.ts";
import { type Contestant, repositoryRoot } from "./contestant.ts";
import { readCpu } from "./cpu-usage.ts";
import type { Job } from "./driver/message.ts";
import { type Driver, startDriver } from "./driver-process.ts";
import { Changes, change, changing } from "./lifecycle-changes.ts";
import {
  type Kind,
  kinds,
  not200,
  show,
  summarize,
  summarizeUnloads,
  type UnloadRound,
  type Window,
} from "./lifecycle-summary.ts";
import { readTreeMemory } from "./tree-memory.ts";
import { startTroupe } from "./troupe.ts";
import { tiny } from "./work.ts";

const unloads = 10;
/** Collectors and allocators give back what is left within it. */
const settleMs = 1500;
const requestsWhileLoaded = 500;
const rounds = 8;
const windowMs = 4000;
const warmUpMs = 500;
const perSecond = 200;
const connections = 16;

function makeModels(folder: string): void {
  const iris = resolve(repositoryRoot, "models", "iris");
  for (const name of ["iris", changing]) {
    mkdirSync(join(folder, name), { recursive: true });
    for (const file of ["model.onnx", "model.yaml"])
      copyFileSync(join(iris, file), join(folder, name, file));
  }
  // A second process of it would stay beside the new one for as long as the bake.
  writeFileSync(join(folder, changing, "model.yaml"), "bake_ms: 0\n");
}

function act(troupe: Contestant, action: "load" | "unload"): Promise<number> {
  return change(troupe, { method: "POST", path: `/models/${changing}/${action}`, expected: 200 });
}

async function measureUnload(troupe: Contestant): Promise<UnloadRound> {
  const look = async () => {
    await sleep(settleMs);
    return readTreeMemory(troupe.pid);
  };
  const before = await look();
  await act(troupe, "load");
  for (let count = 0; count < requestsWhileLoaded; count += 1) {
    const { status } = await troupe.ask(`/predict/${changing}`, tiny.body);
    if (status !== 200) throw new Error(`Cannot measure: a prediction was answered ${status}`);
  }
  const loaded = await look();
  await act(troupe, "unload");
  return { before, loaded, after: await look() };
}

async function measureUnloads(troupe: Contestant): Promise<readonly UnloadRound[]> {
  await act(troupe, "unload");
  // The first of all makes the supervisor and the front doors grow, as every first does.
  await measureUnload(troupe);
  const results: UnloadRound[] = [];
  for (let count = 0; count < unloads; count += 1) {
    const result = await measureUnload(troupe);
    results.push(result);
    const { before, loaded, after } = result;
    const figures = [before, loaded, after].map(({ pssMb }) => pssMb.toFixed(1)).join(" → ");
    console.error(`unload ${count + 1}: PSS ${figures} MiB`);
  }
  await act(troupe, "load");
  return results;
}

async function happen(kind: Kind, changes: Changes, isOver: () => boolean): Promise<number[]> {
  switch (kind) {
    case "nothing":
      return [];
    case "one rollout":
      return [await changes.rollOut()];
    case "one refused rollout":
      return [await changes.refuse()];
    case "one rollback":
      return [await changes.rollBack()];
    case "endless rollouts": {
      const times: number[] = [];
      while (!isOver()) times.push(await changes.rollOut());
      return times;
    }
  }
}

interface Stage {
  readonly troupe: Contestant;
  readonly driver: Driver;
  readonly changes: Changes;
}

async function measureWindow(stage: Stage, round: number, kind: Kind): Promise<Window> {
  const { troupe, driver, changes } = stage;
  const job: Job = {
    ...tiny,
    paths: [tiny.path],
    depth: 1,
    port: troupe.port,
    connections,
    arrivals: { type: "open", perSecond },
    warmUpMs,
    windowMs,
  };
  let isOver = false;
  let happening: Promise<number[]> = Promise.resolve([]);
  const cpus: ReturnType<typeof readCpu>[] = [];
  const tally = await driver.run(job, {
    onOpened: () => {
      cpus.push(readCpu(troupe.pid));
      happening = happen(kind, changes, () => isOver);
      // It is awaited when the window has closed.
      happening.catch(() => undefined);
    },
    onClosed: () => {
      isOver = true;
      cpus.push(readCpu(troupe.pid));
    },
  });
  isOver = true;
  const changeMs = await happening;
  troupe.assertAlive();
  const otherCpuSeconds = othersOf(cpus, tally.cpuSeconds);
  return { round, kind, changes: changeMs.length, changeMs, tally, otherCpuSeconds };
}

/** Of what processes of the tree took that have ended within, their parents tell. */
function othersOf(
  [opened, closed]: readonly ReturnType<typeof readCpu>[],
  driverSeconds: number,
): number | undefined {
  if (opened === undefined || closed === undefined) return undefined;
  const tree = closed.tree - opened.tree;
  return Math.max(0, closed.machine - opened.machine - tree - driverSeconds);
}

function showProgress({ round, kind, changes, tally, otherCpuSeconds }: Window): void {
  const { p50Ms, p99Ms, maxMs } = tally;
  const latencies = `p50 ${p50Ms.toFixed(2)}, p99 ${p99Ms.toFixed(2)}, max ${maxMs.toFixed(1)} ms`;
  const cores = ((otherCpuSeconds ?? 0) / (windowMs / 1000)).toFixed(2);
  const what = `round ${round}  ${kind} (${changes})`;
  console.error(`${what}  ${latencies}, ${not200(tally)} not 200, others took ${cores} cores`);
}

/** In another order each round, so that none always follows the same one. Round 0 counts for nothing. */
async function measureWindows(stage: Stage): Promise<readonly Window[]> {
  const windows: Window[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    for (let place = 0; place < kinds.length; place += 1) {
      const kind = kinds[(place + round) % kinds.length] ?? "nothing";
      const window = await measureWindow(stage, round, kind);
      showProgress(window);
      if (round > 0) windows.push(window);
    }
  }
  return windows;
}

function machineFacts() {
  const memoryGiB = Math.round(totalmem() / 1024 ** 3);
  return { cores: availableParallelism(), memoryGiB, node: process.versions.node };
}

async function bench(models: string): Promise<void> {
  buildDriverAndRivals();
  makeModels(models);
  const driver = startDriver();
  const troupe = await startTroupe(models);
  try {
    const unloadRounds = await measureUnloads(troupe);
    const windows = await measureWindows({ troupe, driver, changes: new Changes(troupe) });
    const unload = summarizeUnloads(unloadRounds);
    const summaries = kinds.map((kind) => summarize(windows, kind));
    const date = new Date().toISOString().slice(0, 10);
    const settings = { perSecond, connections, rounds, windowMs, unloads };
    const report = { date, machine: machineFacts(), settings, unload, summaries };
    const path = join(repositoryRoot, "bench", "results", `lifecycle-${date}.json`);
    const whole = { ...report, unloadRounds, windows };
    writeFileSync(path, `${JSON.stringify(whole, round, 2)}\n`);
    show(unload, summaries);
  } finally {
    driver.stop();
    await troupe.stop();
  }
}

/** Six digits are more than any of this repeats. */
function round(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(6)) : value;
}

await runBenchIn("troupe-lifecycle-", bench);
