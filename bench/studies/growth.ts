// Whether a request costs the same when there are more processes: CPU time of each part, at fixed rates.
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant } from "../contestant.ts";
import { atMost, type Finding } from "../finding.ts";
import { addSample, setReplicas } from "../models-folder.ts";
import { readCpuSeconds } from "../process-figures.ts";
import { spreadOf, spreadOfRatios } from "../statistics.ts";
import { type PartName, type Parts, partNames, readParts } from "../troupe.ts";
import { load, newFolder, roundsOf, type Stage, type Study, withTroupe } from "./study.ts";

const shapes = [
  { frontDoors: 1, hosts: 1 },
  { frontDoors: 2, hosts: 1 },
  { frontDoors: 1, hosts: 2 },
  { frontDoors: 1, hosts: 4 },
] as const;
type Shape = (typeof shapes)[number];

/**
 * What comes together is cheaper, so that only equal loads can be compared: a front door is under its full load with
 * any number of hosts, a host under a quarter of it where there are four, or where it is alone and so much comes.
 */
const fullPerSecond = 2400;
const quarterPerSecond = fullPerSecond / 4;
const connections = 64;
/** Below it the supervisor does nothing for a request: what it reads of busy processes is longer than of idle ones. */
const negligibleMicros = 1;
/** Beside the seconds of other works: at such rates CPU times are small. */
const patience = 2;
const mostRounds = 3;

function nameOf({ frontDoors, hosts }: Shape, perSecond: number): string {
  const doors = frontDoors === 1 ? "1 front door" : `${frontDoors} front doors`;
  return `${doors}, ${hosts === 1 ? "1 host" : `${hosts} hosts`}, ${perSecond}/s`;
}

/** Seconds, or microseconds a request. */
type Costs = Readonly<Record<PartName, number>>;

function costsOf(cost: (part: PartName) => number): Costs {
  return {
    supervisor: cost("supervisor"),
    "front door": cost("front door"),
    host: cost("host"),
  };
}

function readCosts(parts: Parts): Costs {
  return costsOf((part) => readCpuSeconds(parts[part]));
}

interface Server {
  /** What it takes in a window without requests. */
  readonly rest: Costs;
  readonly shape: Shape;
  readonly troupe: Contestant;
  readonly parts: Parts;
}

/** A server under one load, round after round. */
interface Candidate {
  readonly server: Server;
  readonly perSecond: number;
  readonly rounds: Costs[];
}

function candidatesOf(servers: readonly Server[]): readonly Candidate[] {
  return servers.flatMap((server) => {
    const { frontDoors, hosts } = server.shape;
    const isOne = frontDoors === 1 && hosts === 1;
    const rates = isOne ? [quarterPerSecond, fullPerSecond] : [fullPerSecond];
    return rates.map((perSecond): Candidate => ({ server, perSecond, rounds: [] }));
  });
}

function windowMsOf({ options }: Stage): number {
  return options.seconds * patience * 1000;
}

async function measureRest(stage: Stage, parts: Parts): Promise<Costs> {
  const before = readCosts(parts);
  await sleep(windowMsOf(stage));
  const after = readCosts(parts);
  return costsOf((part) => after[part] - before[part]);
}

/** Microseconds a request; the supervisor's without what it takes at rest. */
async function measureOne(stage: Stage, { server, perSecond }: Candidate): Promise<Costs> {
  const { troupe, parts, rest } = server;
  const readings: Costs[] = [];
  const read = () => void readings.push(readCosts(parts));
  const arrivals = { type: "open", perSecond } as const;
  const changes = { connections, arrivals, windowMs: windowMsOf(stage) };
  const tally = await load(stage, troupe, changes, { onOpened: read, onClosed: read });
  const [opened, closed] = readings;
  if (opened === undefined || closed === undefined) throw new Error("Cannot measure: no window");
  const beyond = (part: PartName) => (part === "supervisor" ? rest[part] : 0);
  return costsOf((part) => {
    const seconds = closed[part] - opened[part] - beyond(part);
    return (Math.max(0, seconds) * 1e6) / tally.requests;
  });
}

async function measureAll(stage: Stage, candidates: readonly Candidate[]): Promise<void> {
  // The first counts for nothing: compilers settle in it.
  for (const round of [0, ...roundsOf(stage, mostRounds)]) {
    for (const candidate of candidates) {
      const costs = await measureOne(stage, candidate);
      const figures = partNames.map((part) => `${part} ${costs[part].toFixed(1)}`).join(", ");
      const name = nameOf(candidate.server.shape, candidate.perSecond);
      stage.say(`round ${round}  ${name}: ${figures} µs a request`);
      if (round > 0) candidate.rounds.push(costs);
    }
  }
}

const work = "growth";

/** Of four hosts to that of one, under the same load of that part. */
function ratio(candidates: readonly Candidate[], part: PartName, perSecond: number): Finding {
  const of = (hosts: number, rate: number) => {
    const isIt = ({ server: { shape }, ...own }: Candidate) =>
      shape.frontDoors === 1 && shape.hosts === hosts && own.perSecond === rate;
    return candidates.find(isIt)?.rounds.map((costs) => costs[part]) ?? [];
  };
  return {
    work,
    what: `4 hosts / 1 host, ${part}'s CPU a request`,
    unit: "×",
    measured: spreadOfRatios(of(4, fullPerSecond), of(1, perSecond)),
    bound: atMost(1.1),
  };
}

function costs({ server, perSecond, rounds }: Candidate): readonly Finding[] {
  const name = nameOf(server.shape, perSecond);
  return partNames.map((part) => ({
    work,
    what: `${name}: ${part}'s CPU a request`,
    unit: "µs",
    measured: spreadOf(rounds.map((round) => round[part])),
  }));
}

function supervisors(candidates: readonly Candidate[]): Finding {
  const all = candidates.flatMap(({ rounds }) => rounds.map(({ supervisor }) => supervisor));
  const what = "supervisor's CPU a request, beyond that at rest";
  return { work, what, unit: "µs", measured: spreadOf(all), bound: atMost(negligibleMicros) };
}

/** All run at once, so that rounds alternate; those that are not measured rest. */
async function withAll(
  stage: Stage,
  rest: readonly Shape[],
  started: readonly Server[],
): Promise<readonly Finding[]> {
  const [shape, ...others] = rest;
  if (shape === undefined) {
    const candidates = candidatesOf(started);
    await measureAll(stage, candidates);
    return [
      ratio(candidates, "front door", fullPerSecond),
      ratio(candidates, "host", quarterPerSecond),
      supervisors(candidates),
      ...candidates.flatMap(costs),
    ];
  }
  const models = newFolder(stage);
  addSample(models, "iris");
  setReplicas(models, "iris", shape.hosts);
  return withTroupe(stage, { models, frontDoors: shape.frontDoors }, async (troupe) => {
    const parts = await readParts(troupe);
    const atRest = await measureRest(stage, parts);
    return withAll(stage, others, [...started, { shape, troupe, parts, rest: atRest }]);
  });
}

export const studyGrowth: Study = (stage) => withAll(stage, shapes, []);
