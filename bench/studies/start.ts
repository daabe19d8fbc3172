// How soon Troupe is ready: from nothing, and after its model's host was killed.
import { setTimeout as sleep } from "node:timers/promises";
import type { Contestant } from "../contestant.ts";
import { atMost } from "../finding.ts";
import { perceptron } from "../made-models.ts";
import { addMade } from "../models-folder.ts";
import { spreadOf } from "../statistics.ts";
import { jsonRequest, tensorValues } from "../tensor-request.ts";
import { readParts } from "../troupe.ts";
import { newFolder, roundsOf, type Stage, type Study, withTroupe } from "./study.ts";

const pollMs = 2;
const limitMs = 10_000;
const inputs = 784;
const path = "/v2/models/small/infer";
const { headers, body } = jsonRequest([1, inputs], tensorValues(inputs));

async function untilReady(troupe: Contestant, killed: number): Promise<void> {
  const endsAt = performance.now() + limitMs;
  for (;;) {
    const { host } = await readParts(troupe);
    if (host.some((pid) => pid !== killed)) return;
    if (performance.now() > endsAt) throw new Error("Cannot measure: the host does not come back");
    await sleep(pollMs);
  }
}

/** Of a request that is sent at once. */
async function untilAnswered(troupe: Contestant): Promise<void> {
  const { status, text } = await troupe.ask(path, body, headers);
  if (status !== 200) throw new Error(`Cannot measure: after a kill it answers ${status}: ${text}`);
}

async function timed(work: Promise<void>): Promise<number> {
  const beganAt = performance.now();
  await work;
  return performance.now() - beganAt;
}

interface Start {
  readonly coldMs: number;
  readonly readyAgainMs: number;
  readonly answeredMs: number;
}

/** Each in a server of its own: only the first restart comes at once. */
function startOnce(stage: Stage, models: string): Promise<Start> {
  return withTroupe(stage, { models, pollMs }, async (troupe) => {
    await untilAnswered(troupe);
    const [host] = (await readParts(troupe)).host;
    if (host === undefined) throw new Error("Cannot measure: no host is ready");
    process.kill(host, "SIGKILL");
    const [readyAgainMs, answeredMs] = await Promise.all([
      timed(untilReady(troupe, host)),
      timed(untilAnswered(troupe)),
    ]);
    return { coldMs: troupe.startMs, readyAgainMs, answeredMs };
  });
}

export const studyStart: Study = async (stage) => {
  const models = newFolder(stage);
  addMade(models, "small", perceptron([inputs, 320, 10])); // 1.0 MB
  const starts: Start[] = [];
  for (const round of roundsOf(stage)) {
    const start = await startOnce(stage, models);
    starts.push(start);
    const times = Object.values(start).map((ms: number) => ms.toFixed(0));
    stage.say(`round ${round}  ready, ready again, answered after ${times.join(", ")} ms`);
  }
  const spread = (pick: (start: Start) => number) => spreadOf(starts.map(pick));
  const common = { work: "start", unit: "ms" };
  return [
    {
      ...common,
      what: "cold start to ready",
      measured: spread(({ coldMs }) => coldMs),
      bound: atMost(1000),
    },
    {
      ...common,
      what: "kill -9 of a host of 1 MB to ready again",
      measured: spread(({ readyAgainMs }) => readyAgainMs),
      bound: atMost(300),
    },
    {
      ...common,
      what: "kill -9 to the answer of a request sent at once",
      measured: spread(({ answeredMs }) => answeredMs),
    },
  ];
};
