// Owns the contestants of one run, from start to end; what is asked of them is decided elsewhere.
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { builtEntry } from "./built.ts";
import {
  type Contestant,
  type ContestantName,
  type ContestantSpec,
  repositoryRoot,
  startContestant,
} from "./contestant.ts";
import type { BenchOptions } from "./options.ts";
import { tiny } from "./work.ts";

function troupe({ models, logLevel }: BenchOptions): ContestantSpec {
  const entry = join("dist", "src", "main.js");
  const settings = ["--models", models, "--log-level", logLevel];
  return {
    name: "troupe",
    transports: ["http", "websocket"],
    nodeArguments: (port) => [entry, "--port", String(port), "--grpc-port", "0", ...settings],
  };
}

/** A flat folder, or version 1 of one. */
function irisModel(models: string): string {
  const folder = resolve(repositoryRoot, models, "iris");
  const flat = join(folder, "model.onnx");
  return existsSync(flat) ? flat : join(folder, "1", "model.onnx");
}

function single({ models }: BenchOptions): ContestantSpec {
  const nodeArguments = (port: number) => [
    builtEntry("rivals/single"),
    String(port),
    irisModel(models),
  ];
  return { name: "single", transports: ["http"], nodeArguments };
}

function echo(answer: string): ContestantSpec {
  return {
    name: "echo",
    transports: ["http"],
    nodeArguments: (port) => [builtEntry("rivals/echo"), String(port), answer],
  };
}

/** What echo says where nobody else runs: about as long as a real answer. */
const answerOfNobody = JSON.stringify({
  model: "iris",
  version: "1",
  predictions: [[0.9766342043876648, 0.02336575463414192, 4.1010684e-8]],
  labels: [{ label: "setosa", score: 0.9766342043876648 }],
  request_id: "00000000-0000-4000-8000-000000000000",
});

async function startAll(options: BenchOptions, started: Contestant[]): Promise<void> {
  const wanted = (name: ContestantName) => options.contestants.includes(name);
  if (wanted("troupe")) started.push(await startContestant(troupe(options)));
  if (wanted("single")) started.push(await startContestant(single(options)));
  if (!wanted("echo")) return;
  // Troupe's own answer where it runs, so that echo's is of the same size.
  const model = await started[0]?.ask(tiny.path, tiny.body);
  started.push(await startContestant(echo(model?.text ?? answerOfNobody)));
}

/** All run while `use` does, in the order of the options; none is left afterwards, whatever happens. */
export async function withLineUp<T>(
  options: BenchOptions,
  use: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const started: Contestant[] = [];
  try {
    await startAll(options, started);
    const place = ({ name }: Contestant) => options.contestants.indexOf(name);
    return await use(started.toSorted((a, b) => place(a) - place(b)));
  } finally {
    await Promise.all(started.map((contestant) => contestant.stop()));
  }
}
