// What many models cost: at rest, and when requests go to all of them, to few often and to most seldom.
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant } from "../contestant.ts";
import type { Tally } from "../driver/message.ts";
import { atMost, type Finding } from "../finding.ts";
import { addSample } from "../models-folder.ts";
import { readCpuSeconds } from "../process-figures.ts";
import { spreadOf, spreadOfRatios } from "../statistics.ts";
import { partNames, readParts } from "../troupe.ts";
import { load, newFolder, roundsOf, type Stage, type Study, withTroupe } from "./study.ts";

/** First what was busy with the start comes to rest, then that is measured: long enough that each host beats once. */
const wholeRestMs = 30_000;
/** A host rests after three seconds. */
const quickRestMs = 5000;
/** Troupe loads two at a time, by default. */
const readyLimitMs = 240_000;

function namesOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `iris-${at + 1}`);
}

/** Of all processes together, in cores. */
async function coresAtRest({ options }: Stage, troupe: Contestant): Promise<number> {
  const restMs = options.quick ? quickRestMs : wholeRestMs;
  await sleep(restMs);
  const parts = await readParts(troupe);
  const pids = partNames.flatMap((part) => parts[part]);
  const before = readCpuSeconds(pids);
  await sleep(restMs);
  return (readCpuSeconds(pids) - before) / (restMs / 1000);
}

interface Round {
  readonly one: Tally;
  readonly all: Tally;
}

async function measureRounds(
  stage: Stage,
  troupe: Contestant,
  names: readonly string[],
): Promise<readonly Round[]> {
  const paths = names.map((name) => `/predict/${name}`);
  await load(stage, troupe, { paths });
  const rounds: Round[] = [];
  for (const round of roundsOf(stage)) {
    const one = await load(stage, troupe, { paths: paths.slice(0, 1) });
    const all = await load(stage, troupe, { paths });
    rounds.push({ one, all });
    const [toOne, toAll] = [one, all].map((tally) => tally.requestsPerSecond.toFixed(0));
    stage.say(`round ${round}  ${toOne} requests/s to one model, ${toAll} to ${names.length}`);
  }
  return rounds;
}

function findings(count: number, cores: number, rounds: readonly Round[]): readonly Finding[] {
  const all = rounds.map((round) => round.all);
  const rates = (side: keyof Round) => rounds.map((round) => round[side].requestsPerSecond);
  const work = "many";
  return [
    {
      work,
      what: "CPU of 100 idle models, of one core",
      unit: "%",
      measured: spreadOf([(cores * 100 * 100) / count]),
      bound: atMost(1),
    },
    {
      work,
      what: `${count} models by Zipf's law / one, requests/s`,
      unit: "×",
      measured: spreadOfRatios(rates("all"), rates("one")),
    },
    {
      work,
      what: `p99 of ${count} models`,
      unit: "ms",
      measured: spreadOf(all.map(({ p99Ms }) => p99Ms)),
    },
  ];
}

export const studyMany: Study = (stage) => {
  const models = newFolder(stage);
  const names = namesOf(stage.options.manyModels);
  for (const name of names) addSample(models, "iris", name);
  return withTroupe(stage, { models, readyLimitMs }, async (troupe) => {
    stage.say(`${names.length} models ready after ${(troupe.startMs / 1000).toFixed(1)} s`);
    const cores = await coresAtRest(stage, troupe);
    const rounds = await measureRounds(stage, troupe, names);
    return findings(names.length, cores, rounds);
  });
};
