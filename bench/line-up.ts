// Owns the contestants of one run, from start to end; what is asked of them is decided elsewhere.
import { join } from "node:path";
import { builtEntry } from "./built.ts";
import {
  type Contestant,
  type ContestantName,
  type ContestantSpec,
  repositoryRoot,
  startContestant,
} from "./contestant.ts";
import type { BenchOptions } from "./options.ts";
import { troupeSpec } from "./troupe.ts";
import { tiny } from "./work.ts";

function rival(name: "single" | "bare", models: string): ContestantSpec {
  const entry = builtEntry(`rivals/${name}`);
  return { name, commandArguments: (port) => [entry, String(port), models] };
}

function fastapi(python: string, models: string): ContestantSpec {
  const script = join(repositoryRoot, "bench", "rivals", "fastapi_app.py");
  const commandArguments = (port: number) => [script, String(port), models];
  return { name: "fastapi", command: python, commandArguments };
}

function echo(answer: string): ContestantSpec {
  return {
    name: "echo",
    commandArguments: (port) => [builtEntry("rivals/echo"), String(port), answer],
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

/** In the order in which they start; echo comes last, as it repeats what Troupe says. */
function specsOf(options: BenchOptions, models: string): readonly ContestantSpec[] {
  const { logLevel, python } = options;
  const specs = [
    troupeSpec({ models, logLevel }),
    rival("single", models),
    rival("bare", models),
    ...(python === undefined ? [] : [fastapi(python, models)]),
  ];
  return specs.filter(({ name }) => options.contestants.includes(name));
}

async function startAll(
  options: BenchOptions,
  models: string,
  started: Contestant[],
): Promise<void> {
  for (const spec of specsOf(options, models)) started.push(await startContestant(spec));
  if (!options.contestants.includes("echo")) return;
  // Troupe's own answer where it runs, so that echo's is of the same size.
  const troupe = started.find(({ name }) => name === "troupe");
  const answer = await troupe?.ask(tiny.path, tiny.body);
  started.push(await startContestant(echo(answer?.text ?? answerOfNobody)));
}

/** All run while `use` does, in the order of the options; none is left afterwards, whatever happens. */
export async function withLineUp<T>(
  options: BenchOptions,
  models: string,
  use: (contestants: readonly Contestant[]) => Promise<T>,
): Promise<T> {
  const started: Contestant[] = [];
  try {
    await startAll(options, models, started);
    const place = (name: ContestantName) => options.contestants.indexOf(name);
    return await use(started.toSorted((a, b) => place(a.name) - place(b.name)));
  } finally {
    await Promise.all(started.map((contestant) => contestant.stop()));
  }
}
