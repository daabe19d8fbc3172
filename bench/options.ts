import { parseArgs } from "node:util";
import { type ContestantName, contestantNames } from "./contestant.ts";
import { type WorkName, workNames } from "./work.ts";

export interface BenchOptions {
  readonly rounds: number;
  readonly seconds: number;
  readonly quick: boolean;
  readonly contestants: readonly ContestantName[];
  readonly works: readonly WorkName[];
  /** Arrivals a second of one more work, in an open loop; undefined leaves it out. */
  readonly ratePerSecond: number | undefined;
  /** Whether the driver and the contestants are told which cores to use. */
  readonly pinned: boolean;
  readonly logLevel: string;
  readonly models: string;
  readonly results: string;
  readonly assert: boolean;
}

export const usage = `npm run bench -- [options]
  --rounds <n>           rounds of which the median counts (5)
  --seconds <n>          length of each measurement (3)
  --quick                3 rounds of 1 second
  --contestants <names>  some of ${contestantNames.join(",")} (all)
  --works <names>        some of ${workNames.join(",")} (all)
  --rate <n>             also measure at n requests a second, whatever the server does
  --no-pin               leave it to the scheduler where processes run
  --log-level <level>    Troupe's (warn)
  --models <folder>      Troupe's and single's (models)
  --results <folder>     where the results are written (bench/results)
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

/** In the order in which they are known, whatever the order given. */
function some<Name extends string>(
  flag: string,
  known: readonly Name[],
  text: string,
): readonly Name[] {
  const wanted = text.split(",");
  const unknown = wanted.find((name) => !known.some((one) => one === name));
  if (unknown === undefined) return known.filter((name) => wanted.includes(name));
  throw new Error(`Cannot read --${flag}: some of ${known.join(",")} are wanted, got "${unknown}"`);
}

export function parseBenchOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      rounds: { type: "string" },
      seconds: { type: "string" },
      quick: { type: "boolean", default: false },
      contestants: { type: "string", default: contestantNames.join(",") },
      works: { type: "string", default: workNames.join(",") },
      rate: { type: "string" },
      "no-pin": { type: "boolean", default: false },
      "log-level": { type: "string", default: "warn" },
      models: { type: "string", default: "models" },
      results: { type: "string", default: "bench/results" },
      assert: { type: "boolean", default: false },
    },
  });
  return {
    rounds: wholePositive("rounds", values.rounds ?? (values.quick ? "3" : "5")),
    seconds: positive("seconds", values.seconds ?? (values.quick ? "1" : "3")),
    quick: values.quick,
    contestants: some("contestants", contestantNames, values.contestants),
    works: some("works", workNames, values.works),
    ratePerSecond: values.rate === undefined ? undefined : positive("rate", values.rate),
    pinned: !values["no-pin"],
    logLevel: values["log-level"],
    models: values.models,
    results: values.results,
    assert: values.assert,
  };
}
