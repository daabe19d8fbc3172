// The `npm run bench:binary` command: what a picture costs in JSON, in binary, and in binary that lies askew; only wiring.
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { availableParallelism, totalmem } from "node:os";
import { join } from "node:path";
import { runBenchIn } from "./bench-run.ts";
import { type Kind, kinds, pictureModel, pictureRequest } from "./binary-work.ts";
import { type Contestant, repositoryRoot } from "./contestant.ts";
import { type Spread, spreadOf, spreadOfRatios } from "./statistics.ts";
import { startTroupe } from "./troupe.ts";

const rounds = 15;
const requestsPerRound = 40;

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** On one connection that stays; resolves with the milliseconds from the first byte out to the last byte in. */
function ask(troupe: Contestant, kind: Kind): Promise<number> {
  const { headers, body } = pictureRequest(kind);
  const beganAt = performance.now();
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: troupe.port, path: "/v2/models/picture/infer" };
    const outgoing = request({ ...options, method: "POST", headers, agent }, (incoming) => {
      incoming.resume();
      incoming.on("end", () => {
        if (incoming.statusCode === 200) resolve(performance.now() - beganAt);
        else reject(new Error(`Cannot measure ${kind}: answered ${incoming.statusCode}`));
      });
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

async function medianMs(troupe: Contestant, kind: Kind): Promise<number> {
  const times: number[] = [];
  for (let count = 0; count < requestsPerRound; count += 1) times.push(await ask(troupe, kind));
  return spreadOf(times).median;
}

type Medians = Readonly<Record<Kind, number>>;

/** In another order each round, so that none always follows the same one. Round 0 counts for nothing. */
async function measureRounds(troupe: Contestant): Promise<readonly Medians[]> {
  const measured: Medians[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const medians: Record<Kind, number> = { json: 0, aligned: 0, askew: 0 };
    for (let place = 0; place < kinds.length; place += 1) {
      const kind = kinds[(place + round) % kinds.length] ?? "json";
      medians[kind] = await medianMs(troupe, kind);
    }
    if (round > 0) measured.push(medians);
  }
  return measured;
}

function show(what: string, { median, min, max }: Spread, unit: string): void {
  console.log(`${what}: ${median.toFixed(2)} ${unit} (${min.toFixed(2)}–${max.toFixed(2)})`);
}

function report(medians: readonly Medians[]): void {
  const of = (kind: Kind) => medians.map((round) => round[kind]);
  const ms = Object.fromEntries(kinds.map((kind) => [kind, spreadOf(of(kind))]));
  const jsonToBinary = spreadOfRatios(of("json"), of("aligned"));
  const askewToAligned = spreadOfRatios(of("askew"), of("aligned"));
  for (const kind of kinds) show(kind, spreadOf(of(kind)), "ms");
  show("json to binary", jsonToBinary, "×");
  show("binary askew to aligned", askewToAligned, "×");
  const date = new Date().toISOString().slice(0, 10);
  const memoryGiB = Math.round(totalmem() / 1024 ** 3);
  const machine = { cores: availableParallelism(), memoryGiB, node: process.versions.node };
  const settings = { rounds, requestsPerRound };
  const whole = { date, machine, settings, ms, jsonToBinary, askewToAligned, medians };
  const path = join(repositoryRoot, "bench", "results", `binary-${date}.json`);
  writeFileSync(path, `${JSON.stringify(whole, fiveDigits, 2)}\n`);
}

/** More than any of this repeats. */
function fiveDigits(_key: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}

async function bench(models: string): Promise<void> {
  mkdirSync(join(models, "picture"));
  writeFileSync(join(models, "picture", "model.onnx"), pictureModel());
  const troupe = await startTroupe(models);
  try {
    report(await measureRounds(troupe));
  } finally {
    agent.destroy();
    await troupe.stop();
  }
}

await runBenchIn("troupe-binary-", bench);
