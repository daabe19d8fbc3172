// Whether a request costs the same when there are more processes: CPU time of each part, at a fixed rate for each host.
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

/** Low enough for a host to be idle in between, so that batches are of the same size whatever the number of hosts. */
const perSecondAndHost = 600;
const connections = 64;
/** Below it the supervisor does nothing for a request: heartbeats of busy processes carry more than those of idle ones. */
const negligibleMicros = 1;

function nameOf({ frontDoors, hosts }: Shape): string {
  const doors = frontDoors === 1 ? "1 front door" : `${frontDoors} front doors`;
  return `${doors}, ${hosts === 1 ? "1 host" : `${hosts} hosts`}`;
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

interface Candidate {
  readonly shape: Shape;
  readonly troupe: Contestant;
  readonly parts: Parts;
  readonly rounds: Costs[];
}

async function measureRest(stage: Stage, { parts }: Candidate): Promise<Costs> {
  const before = readCosts(parts);
  await sleep(stage.options.seconds * 1000);
  const after = readCosts(parts);
  return costsOf((part) => after[part] - before[part]);
}

/** Microseconds a request; the supervisor's without what it takes at rest. */
async function measureOne(stage: Stage, candidate: Candidate): Promise<Costs> {
  const { parts, shape, troupe } = candidate;
  const rest = await measureRest(stage, candidate);
  let opened = rest;
  let closed = rest;
  const arrivals = { type: "open", perSecond: perSecondAndHost * shape.hosts } as const;
  const changes = { connections, arrivals };
  const tally = await load(stage, troupe, changes, {
    onOpened: () => {
      opened = readCosts(parts);
    },
    onClosed: () => {
      closed = readCosts(parts);
    },
  });
  const spent = (part: PartName) => closed[part] - opened[part];
  const micros = (seconds: number) => (Math.max(0, seconds) * 1e6) / tally.requests;
  return costsOf((part) => micros(part === "supervisor" ? spent(part) - rest[part] : spent(part)));
}

async function measureAll(stage: Stage, candidates: readonly Candidate[]): Promise<void> {
  // The first counts for nothing: compilers settle in it.
  for (const round of [0, ...roundsOf(stage)]) {
    for (const candidate of candidates) {
      const costs = await measureOne(stage, candidate);
      const figures = partNames.map((part) => `${part} ${costs[part].toFixed(1)}`).join(", ");
      stage.say(`round ${round}  ${nameOf(candidate.shape)}: ${figures} µs a request`);
      if (round > 0) candidate.rounds.push(costs);
    }
  }
}

const work = "growth";

function findings(candidates: readonly Candidate[]): readonly Finding[] {
  const [one] = candidates;
  const most = candidates.at(-1);
  const of = (candidate: Candidate | undefined, part: PartName) =>
    candidate?.rounds.map((costs) => costs[part]) ?? [];
  const figures = candidates.flatMap((candidate) =>
    partNames.map((part) => ({
      work,
      what: `${nameOf(candidate.shape)}: ${part}'s CPU a request`,
      unit: "µs",
      measured: spreadOf(of(candidate, part)),
      ...(part === "supervisor" && { bound: atMost(negligibleMicros) }),
    })),
  );
  const ratios = (["front door", "host"] as const).map((part) => ({
    work,
    what: `4 hosts / 1 host, ${part}'s CPU a request`,
    unit: "×",
    measured: spreadOfRatios(of(most, part), of(one, part)),
    bound: atMost(1.1),
  }));
  return [...ratios, ...figures];
}

/** All run at once, so that rounds alternate; those that are not measured rest. */
async function withAll(
  stage: Stage,
  rest: readonly Shape[],
  started: readonly Candidate[],
): Promise<readonly Finding[]> {
  const [shape, ...others] = rest;
  if (shape === undefined) {
    await measureAll(stage, started);
    return findings(started);
  }
  const models = newFolder(stage);
  addSample(models, "iris");
  setReplicas(models, "iris", shape.hosts);
  return withTroupe(stage, { models, frontDoors: shape.frontDoors }, async (troupe) => {
    const candidate = { shape, troupe, parts: await readParts(troupe), rounds: [] };
    return withAll(stage, others, [...started, candidate]);
  });
}

export const studyGrowth: Study = (stage) => withAll(stage, shapes, []);
