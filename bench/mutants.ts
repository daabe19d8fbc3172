// The `npm run bench:mutants` command: sends a server requests that nobody meant, and tells what came of them; only wiring.
import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runBenchIn } from "./bench-run.ts";
import { type Contestant, freePort, repositoryRoot, startContestant } from "./contestant.ts";
import { type AttackReport, attackServer, growthOf, type Plan } from "./hostile/attack.ts";
import { hostileModels } from "./hostile/sound.ts";

const rounds = 10;
const defaults = { mutants: "100000", seed: "1" };
/** What collectors and allocators may still take once a server is warm; all its processes together. */
const mostGrowthMb = 48;

function readPlan(args: readonly string[]): Plan {
  const options = {
    mutants: { type: "string", default: defaults.mutants },
    seed: { type: "string", default: defaults.seed },
  } as const;
  const { values } = parseArgs({ args: [...args], options });
  const [mutants, seed] = [Number(values.mutants), Number(values.seed)];
  if (!(Number.isInteger(mutants) && mutants > 0 && Number.isInteger(seed))) {
    throw new Error("npm run bench:mutants -- [--mutants <n>] [--seed <n>]: whole numbers");
  }
  return {
    mutants,
    seed,
    rounds,
    onRound: (round, rssMb) => console.error(`round ${round} of ${rounds}: ${rssMb} MiB`),
  };
}

function writeModels(folder: string): void {
  for (const [name, model] of Object.entries(hostileModels)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "model.onnx"), model());
  }
}

function startTroupe(models: string, grpcPort: number): Promise<Contestant> {
  const entry = join("dist", "src", "main.js");
  const flags = ["--models", models, "--log-level", "warn", "--grpc-port", String(grpcPort)];
  return startContestant({
    name: "troupe",
    commandArguments: (port) => [entry, "--port", String(port), ...flags],
  });
}

/** What must not be; empty where all is well. */
function mistakesIn(attack: AttackReport): string[] {
  const { surfaces, changedPids, rssMb } = attack;
  const faults = surfaces.flatMap(({ surface, faults }) =>
    faults.map((words) => `${surface}: ${words}`),
  );
  const changed = surfaces
    .filter(({ isSame }) => !isSame)
    .map(({ surface }) => `${surface}: sound requests are answered otherwise than before`);
  const restarted = changedPids.map((pid) => `process ${pid} has ended, or has come`);
  const grown = growthOf(attack) > mostGrowthMb ? [`memory grew: ${rssMb.join(", ")} MiB`] : [];
  return [...faults, ...changed, ...restarted, ...grown];
}

async function bench(models: string): Promise<void> {
  const plan = readPlan(process.argv.slice(2));
  writeModels(models);
  const grpcPort = await freePort();
  const troupe = await startTroupe(models, grpcPort);
  try {
    const attack = await attackServer({ port: troupe.port, grpcPort, pid: troupe.pid }, plan);
    troupe.assertAlive();
    const mistakes = mistakesIn(attack);
    const date = new Date().toISOString().slice(0, 10);
    const machine = { cores: availableParallelism(), node: process.versions.node };
    const growthMb = growthOf(attack);
    const report = { date, machine, ...plan, ...attack, growthMb, mostGrowthMb, mistakes };
    const text = JSON.stringify(report, null, 2);
    console.log(text);
    writeFileSync(join(repositoryRoot, "bench", "results", `mutants-${date}.json`), `${text}\n`);
    if (mistakes.length > 0) throw new Error(mistakes.slice(0, 20).join("\n"));
  } finally {
    await troupe.stop();
  }
}

await runBenchIn("troupe-mutants-", bench);
