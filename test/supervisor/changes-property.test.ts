import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { between, type Random, seededRandom } from "../../models/random.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import { planOf } from "../../supervisor/model-plan.ts";
import { factsOf, modelsFolders, put, startChanging } from "./changing-models.ts";

const modelsWith = modelsFolders({ after });
const bakeMs = 1_000;
const seeds = 30;
const yamls = [
  `bake_ms: ${bakeMs}\n`,
  `bake_ms: ${bakeMs}\nversions: all\n`,
  `bake_ms: ${bakeMs}\nversions: { latest: 2 }\n`,
  "bake_ms: 0\nversions: all\nreplicas: 2\n",
];
const patches = [
  { batching: { max_batch_size: 8 } },
  { batching: { max_batch_size: 16 } },
  { batching: null },
  { replicas: 3 },
  { replicas: null },
  { versions: "all" },
  { versions: null },
  { description: "d" },
];
const contents = ["good", "bad", "frail"];

type Server = Awaited<ReturnType<typeof startChanging>>;

function below(random: Random, limit: number): number {
  return Math.floor(between(random, 0, limit));
}

function oneOf<T>(random: Random, values: readonly T[]): T {
  return values[below(random, values.length)] as T;
}

const load = { type: "load", model: "m", version: null } as const;

function nextOf(models: string): number {
  return 1 + Math.max(0, ...readdirSync(join(models, "m")).map((name) => Number(name) || 0));
}

/** One thing that somebody does, or that happens. */
function act(server: Server, models: string, random: Random): Promise<unknown> | undefined {
  const { versions } = server.registry.get("m")?.folder ?? { versions: [] };
  const version = below(random, 2) === 0 ? null : (oneOf(random, versions)?.version ?? null);
  switch (below(random, 10)) {
    case 0:
      put(models, { [`m/${nextOf(models)}/model.onnx`]: oneOf(random, ["good", "bad"]) });
      return server.desk.carryOut(load);
    case 1:
      return server.upload(oneOf(random, contents), oneOf(random, [null, ...yamls]));
    case 2:
      return server.desk.carryOut({
        type: "patch",
        model: "m",
        patch: JSON.stringify(oneOf(random, patches)),
      });
    case 3:
      return server.desk.carryOut({
        type: oneOf(random, ["load", "unload", "restart"] as const),
        model: "m",
        version,
      });
    case 4:
      if (version === null || versions.length < 2) return undefined;
      return server.desk.carryOut({ type: "delete", model: "m", version });
    case 5:
    case 6: {
      const serving = server.registry.get("m")?.life.serving ?? [];
      if (serving.length > 0) server.strike(oneOf(random, serving).version);
      return undefined;
    }
    default:
      server.clock.advance(below(random, bakeMs));
      return undefined;
  }
}

/** Whoever changes a model is told what is wrong with it, and nothing else. */
function unlessRefused(thrown: unknown): void {
  if (!(thrown instanceof TroupeError) || thrown.code === "internal") throw thrown;
}

async function assertAtRest(server: Server): Promise<void> {
  const { life, folder } = server.registry.find("m");
  const pids = server.registry.hosts.flatMap(({ slot }) => slot.pid ?? []);
  const unknown = server.living().filter((pid) => !pids.includes(pid));
  assert.deepEqual(unknown, [], "every process is known");
  if (life.rollout?.name !== "baking") assert.equal(factsOf(server.journal).open, 0);
  const plan = planOf(folder, server.journal.facts);
  assert.equal(plan.type, "serve");
  if (plan.type !== "serve") return;
  const served = life.serving.map(({ version }) => version).toSorted();
  const isRefused = (version: string) => life.failures.has(version) || served.includes(version);
  const wanted = plan.versions.map(({ version }) => version).toSorted();
  const isInVain = life.hopeful.length === 0 && wanted.every(isRefused);
  if (!isInVain) assert.deepEqual(served, wanted);
  assert.deepEqual(life.config, plan.config);
}

/** Time passes, as a host that crashed is started again only after a while. */
async function overTime(server: Server, changes: Promise<unknown>): Promise<void> {
  let isOver = false;
  const ended = changes.finally(() => {
    isOver = true;
  });
  await server.until(() => {
    server.clock.advance(1);
    return isOver && server.locks.current("m") === null;
  });
  await ended;
}

/** Some things at once, and then what somebody has put into the folder is looked at. */
async function goThrough(server: Server, models: string, random: Random): Promise<void> {
  const changes: Promise<unknown>[] = [];
  for (let step = 0; step < 8; step += 1) {
    const change = act(server, models, random);
    if (change !== undefined) changes.push(change.catch(unlessRefused));
    await server.turns(below(random, 30));
  }
  await overTime(server, Promise.all(changes));
  await server.rest();
  if (server.journal.facts.unloadedModels.has("m")) return;
  await server.done(server.desk.carryOut(load).catch(unlessRefused));
  await server.rest();
}

describe("whatever is done to a model", () => {
  for (let seed = 1; seed <= seeds; seed += 1) {
    it(`what runs is what is written, now and after a start (seed ${seed})`, async () => {
      const random = seededRandom(seed);
      const models = modelsWith({ "m/1/model.onnx": "good", "m/model.yaml": oneOf(random, yamls) });
      let server = await startChanging(models);
      for (let round = 0; round < 6; round += 1) {
        await goThrough(server, models, random);
        await assertAtRest(server);
        server = await startChanging(models);
        await assertAtRest(server);
      }
    });
  }
});
