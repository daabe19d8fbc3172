// What Troupe does with more than it can carry: an open loop at multiples of the peak, which is found anew in each round.
import type { Contestant } from "../contestant.ts";
import type { Job, Tally } from "../driver/message.ts";
import { atLeast, atMost, type Finding } from "../finding.ts";
import { repeated } from "../made-models.ts";
import { addMade } from "../models-folder.ts";
import { readRssMb } from "../process-figures.ts";
import { spreadOf, spreadOfRatios } from "../statistics.ts";
import { binaryRequest, tensorValues } from "../tensor-request.ts";
import { partNames, readParts } from "../troupe.ts";
import { load, newFolder, roundsOf, type Stage, type Study, withTroupe } from "./study.ts";

const factors = [1, 2, 5, 10] as const;
type Factor = (typeof factors)[number];
/** Those that are promised something. */
const hardFactors: readonly Factor[] = [5, 10];
const width = 1024;
/** Some two milliseconds a row: ten times as many can still be sent and refused on two cores. */
const layers = 64;
const deadlineMs = 1000;
/** More than can be in flight within the deadline. */
const connections = 1024;
const leastWindowMs = 1000;
const warmUpMs = 700;

function jobOf(stage: Stage): Partial<Job> & Pick<Job, "headers"> {
  const { headers, body } = binaryRequest([1, width], tensorValues(width));
  return {
    paths: ["/v2/models/heavy/infer"],
    headers,
    body,
    warmUpMs,
    windowMs: Math.max(leastWindowMs, stage.options.seconds * 1000),
  };
}

interface Round {
  readonly peak: Tally;
  readonly at: ReadonlyMap<Factor, Tally>;
  /** Of all processes, when the round was over. */
  readonly rssMb: number;
}

function describe(factor: Factor, peak: Tally, tally: Tally): string {
  const { requestsPerSecond, acceptedP99Ms, refusedP99Ms, statusesNot200, cpuSeconds } = tally;
  return [
    `${factor}× of ${peak.requestsPerSecond.toFixed(0)}/s  ${requestsPerSecond.toFixed(0)} served/s`,
    `p99 ${acceptedP99Ms.toFixed(0)} ms, of refusals ${refusedP99Ms.toFixed(1)} ms`,
    `not 200 ${JSON.stringify(statusesNot200)}, driver took ${cpuSeconds.toFixed(2)} s`,
  ].join(", ");
}

/** The peak is found with as much patience as the server has, in a closed loop. */
async function measureRound(stage: Stage, troupe: Contestant): Promise<Round> {
  const patient = jobOf(stage);
  const headers = { ...patient.headers, "x-request-timeout-ms": String(deadlineMs) };
  const job = { ...patient, headers };
  const peak = await load(stage, troupe, patient);
  const at = new Map<Factor, Tally>();
  for (const factor of factors) {
    const arrivals = { type: "open", perSecond: factor * peak.requestsPerSecond } as const;
    const tally = await load(stage, troupe, { ...job, connections, arrivals });
    at.set(factor, tally);
    stage.say(describe(factor, peak, tally));
  }
  const parts = await readParts(troupe);
  return { peak, at, rssMb: readRssMb(partNames.flatMap((part) => parts[part])) };
}

const work = "overload";

function findingsAt(factor: Factor, rounds: readonly Round[]): readonly Finding[] {
  const isHard = hardFactors.includes(factor);
  const promised = (bound: Finding["bound"]) => (isHard && bound ? { bound } : {});
  const tallies = rounds.map(({ at }) => at.get(factor)).filter((tally) => tally !== undefined);
  const goodput = tallies.map(({ requestsPerSecond }) => requestsPerSecond);
  const peaks = rounds.map(({ peak }) => peak.requestsPerSecond);
  return [
    {
      work,
      what: `goodput at ${factor}× / peak`,
      unit: "×",
      measured: spreadOfRatios(goodput, peaks),
      ...promised(atLeast(0.95)),
    },
    {
      work,
      what: `p99 of what is accepted at ${factor}×`,
      unit: "ms",
      measured: spreadOf(tallies.map(({ acceptedP99Ms }) => acceptedP99Ms)),
      ...promised(atMost(deadlineMs)),
    },
    {
      work,
      what: `p99 of refusals at ${factor}×`,
      unit: "ms",
      measured: spreadOf(tallies.map(({ refusedP99Ms }) => refusedP99Ms)),
      ...promised(atMost(20)),
    },
  ];
}

/** Flat is what grows by no more than a tenth from the first round's end to the last's. */
function growth(first: Round, rounds: readonly Round[]): Finding {
  const ratios = rounds.map(({ rssMb }) => rssMb / first.rssMb);
  const what = "RSS after each round / after a first one";
  return { work, what, unit: "×", measured: spreadOf(ratios), bound: atMost(1.1) };
}

export const studyOverload: Study = (stage) => {
  const models = newFolder(stage);
  addMade(models, "heavy", repeated(width, layers));
  return withTroupe(stage, { models }, async (troupe) => {
    // The first counts for nothing: compilers settle, and costs are learned.
    const first = await measureRound(stage, troupe);
    const rounds: Round[] = [];
    for (const _ of roundsOf(stage)) rounds.push(await measureRound(stage, troupe));
    return [...factors.flatMap((factor) => findingsAt(factor, rounds)), growth(first, rounds)];
  });
};
