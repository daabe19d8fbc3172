// What each process of Troupe holds: at rest, and as requests go by.
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant } from "../contestant.ts";
import { atMost, type Finding } from "../finding.ts";
import { addSample } from "../models-folder.ts";
import { readRssMb } from "../process-figures.ts";
import { slopeOf, spreadOf } from "../statistics.ts";
import { type PartName, type Parts, partNames, readParts } from "../troupe.ts";
import { load, newFolder, type Stage, type Study, withTroupe } from "./study.ts";

const settleMs = 3000;
/** Fewer do not tell a leak from a heap that finds its size. */
const requestsThatTell = 500_000;
/** Windows to look at: enough for a line through their ends. */
const windows = 30;
const leastWindowMs = 250;
/** Of the windows, the first part is left out of the slope: heaps and pools find their sizes in it. */
const partSettling = 1 / 3;

const limitsMb: Readonly<Record<PartName, number>> = {
  supervisor: 70,
  "front door": 90,
  host: 100,
};

interface Sample {
  readonly requests: number;
  readonly rssMb: Readonly<Record<PartName, number>>;
}

function sample(parts: Parts, requests: number): Sample {
  const entries = partNames.map((part) => [part, readRssMb(parts[part])] as const);
  return { requests, rssMb: Object.fromEntries(entries) as Sample["rssMb"] };
}

function describe({ requests, rssMb }: Sample): string {
  const figures = partNames.map((part) => `${part} ${rssMb[part].toFixed(1)}`).join(", ");
  return `after ${requests} requests  ${figures} MB`;
}

/** Window after window, until as many are answered as are wanted. */
async function watch(stage: Stage, troupe: Contestant, parts: Parts): Promise<readonly Sample[]> {
  const wanted = stage.options.memoryRequests;
  const probe = await load(stage, troupe, { windowMs: leastWindowMs });
  const lengthMs = (wanted * 1000) / probe.requestsPerSecond / windows;
  const windowMs = Math.max(leastWindowMs, Math.round(lengthMs));
  const samples: Sample[] = [];
  for (let requests = probe.requests; requests < wanted; ) {
    const tally = await load(stage, troupe, { warmUpMs: 0, windowMs });
    requests += tally.requests;
    samples.push(sample(parts, requests));
    if (samples.length % 10 === 0) stage.say(describe(sample(parts, requests)));
  }
  return samples;
}

function atRest(part: PartName, rest: Sample): Finding {
  const measured = spreadOf([rest.rssMb[part]]);
  const bound = atMost(limitsMb[part]);
  return { work: "memory", what: `${part} at rest`, unit: "MB", measured, bound };
}

function afterwards(part: PartName, samples: readonly Sample[]): Finding {
  const last = samples.at(-1);
  const measured = spreadOf([last?.rssMb[part] ?? Number.NaN]);
  const what = `${part} after ${last?.requests ?? 0} requests`;
  return { work: "memory", what, unit: "MB", measured };
}

function slope(part: PartName, samples: readonly Sample[]): Finding {
  const settled = samples.slice(Math.ceil(samples.length * partSettling));
  const points = settled.map(({ requests, rssMb }) => [requests / 1e6, rssMb[part]] as const);
  const measured = spreadOf([slopeOf(points)]);
  const what = `${part}'s slope over a million requests`;
  const tells = (samples.at(-1)?.requests ?? 0) >= requestsThatTell;
  const bound = part === "host" && tells ? { bound: atMost(1) } : {};
  return { work: "memory", what, unit: "MB", measured, ...bound };
}

export const studyMemory: Study = (stage) => {
  const models = newFolder(stage);
  addSample(models, "iris");
  return withTroupe(stage, { models }, async (troupe) => {
    await sleep(settleMs);
    const parts = await readParts(troupe);
    const rest = sample(parts, 0);
    stage.say(describe(rest));
    const samples = await watch(stage, troupe, parts);
    return [
      ...partNames.map((part) => atRest(part, rest)),
      ...partNames.map((part) => afterwards(part, samples)),
      ...partNames.map((part) => slope(part, samples)),
    ];
  });
};
