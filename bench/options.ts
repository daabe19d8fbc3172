import { parseArgs } from "node:util";
import { type ContestantName, contestantNames } from "./contestant.ts";
import { type WorkName, workNames } from "./work.ts";

/** What is measured of Troupe alone, each by its own means. */
export const studyNames = ["overload", "many", "start", "memory", "growth"] as const;
export type StudyName = (typeof studyNames)[number];

const allNames = [...workNames, ...studyNames];

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  /** Length of what goes before the first round. */
  readonly settleMs: number;
  readonly quick: boolean;
  readonly contestants: readonly ContestantName[];
  readonly works: readonly WorkName[];
  readonly studies: readonly StudyName[];
  readonly manyModels: number;
  readonly memoryRequests: number;
  /** What runs the Python rival; undefined leaves it out. */
  readonly python: string | undefined;
  /** Arrivals a second of one more work, in an open loop; undefined leaves it out. */
  readonly ratePerSecond: number | undefined;
  /** Whether the driver and the contestants are told which cores to use. */
  readonly pinned: boolean;
  readonly logLevel: string;
  readonly models: string;
  readonly results: string;
  readonly readme: boolean;
  readonly assert: boolean;
}

export const usage = `npm run bench -- [options]
  --rounds <n>           rounds of which the median counts (5)
  --seconds <n>          length of each measurement (2)
  --quick                1 round of half a second, 20 models, 30000 requests: to see that all works
  --contestants <names>  some of ${contestantNames.join(",")} (all; fastapi needs --with-python)
  --works <names>        some of ${allNames.join(",")},
                         or the beginning of several, such as tiny (all)
  --rate <n>             also measure at n requests a second, whatever the server does
  --many-models <n>      models of "many" (100)
  --memory-requests <n>  requests of "memory" (1000000)
  --with-python          also FastAPI, run by python3; bench/rivals/requirements.txt says what it needs
  --python <path>        run it by another Python
  --no-pin               leave it to the scheduler where processes run
  --log-level <level>    Troupe's (warn)
  --models <folder>      Troupe's and single's (models)
  --results <folder>     where the results are written (bench/results)
  --readme               put the results into README.md
  --assert               end with exit code 1 when a target is missed`;

function positive(flag: string, text: string): number {
  const value = Number(text);
  if (value > 0 && Number.isFinite(value)) return value;
  throw new Error(`Cannot read --${flag}: a number above 0 is wanted, got "${text}"`);
}

function wholePositive(flag: string, text: string): number {
  const value = positive(flag, text);
  if (Number.isInteger(value)) return value;
  throw new Error(`Cannot read --${flag}: a whole number is wanted, got "${text}"`);
}

/** A name, or what several begin with. */
function isMeant(name: string, wanted: string): boolean {
  return name === wanted || name.startsWith(`${wanted}-`);
}

/** In the order in which they are known, whatever the order given. */
function some<Name extends string>(
  flag: string,
  known: readonly Name[],
  text: string,
): readonly Name[] {
  const wanted = text.split(",");
  const unknown = wanted.find((one) => !known.some((name) => isMeant(name, one)));
  if (unknown === undefined)
    return known.filter((name) => wanted.some((one) => isMeant(name, one)));
  throw new Error(`Cannot read --${flag}: some of ${known.join(",")} are wanted, got "${unknown}"`);
}

function pythonOf(values: { "with-python": boolean; python?: string }): string | undefined {
  return values.python ?? (values["with-python"] ? "python3" : undefined);
}

/** What is measured, and by how much. */
function extent(quick: boolean) {
  return quick
    ? { rounds: "1", seconds: "0.5", settleMs: 300, models: "20", requests: "30000" }
    : { rounds: "5", seconds: "2", settleMs: 1500, models: "100", requests: "1000000" };
}

export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      contestants: { type: "string", default: contestantNames.join(",") },
      works: { type: "string", default: allNames.join(",") },
      rate: { type: "string" },
      "many-models": { type: "string" },
      "memory-requests": { type: "string" },
      "with-python": { type: "boolean", default: false },
      python: { type: "string" },
      readme: { type: "boolean", default: false },
      "no-pin": { type: "boolean", default: false },
      "log-level": { type: "string", default: "warn" },
      models: { type: "string", default: "models" },
      results: { type: "string", default: "bench/results" },
      assert: { type: "boolean", default: false },
    },
  });
  const usual = extent(values.quick);
  const chosen = some("works", allNames, values.works);
  const python = pythonOf(values);
  const contestants = some("contestants", contestantNames, values.contestants);
  return {
    rounds: wholePositive("rounds", values.rounds ?? usual.rounds),
    seconds: positive("seconds", values.seconds ?? usual.seconds),
    settleMs: usual.settleMs,
    quick: values.quick,
    contestants: contestants.filter((name) => name !== "fastapi" || python !== undefined),
    works: workNames.filter((name) => chosen.includes(name)),
    studies: studyNames.filter((name) => chosen.includes(name)),
    manyModels: wholePositive("many-models", values["many-models"] ?? usual.models),
    memoryRequests: wholePositive("memory-requests", values["memory-requests"] ?? usual.requests),
    python,
    ratePerSecond: values.rate === undefined ? undefined : positive("rate", values.rate),
    pinned: !values["no-pin"],
    logLevel: values["log-level"],
    models: values.models,
    results: values.results,
    readme: values.readme,
    assert: values.assert,
  };
}
