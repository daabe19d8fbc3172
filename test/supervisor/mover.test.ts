import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { Journal } from "../../supervisor/journal.ts";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { type Files, factsOf, modelsFolders, put, startChanging } from "./changing-models.ts";

const modelsWith = modelsFolders({ after });

const bake = "bake_ms: 1000\n";
const one: Files = { "m/1/model.onnx": "1", "m/model.yaml": bake };
const two: Files = { "m/2/model.onnx": "2" };
const nothing = { condemned: [], unloaded: [], open: 0 };

/** What a server that was killed has left. */
async function leftWith(files: Files, entries: readonly JournalEntry[]): Promise<string> {
  const models = modelsWith(files);
  const journal = await Journal.open(join(models, ".troupe"));
  for (const entry of entries) await journal.append(entry);
  return models;
}

function load(version: string | null = null) {
  return { type: "load", model: "m", version } as const;
}

function patch(changes: unknown) {
  return { type: "patch", model: "m", patch: JSON.stringify(changes) } as const;
}

describe("a rollout that lasts", () => {
  it("is recorded until it has", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut(load()));
    assert.deepEqual([server.states(), factsOf(server.journal).open], ["1 ready, 2 ready", 1]);
    server.clock.advance(1_000);
    await server.rest();
    assert.deepEqual([server.states(), factsOf(server.journal)], ["1 unloaded, 2 ready", nothing]);
  });

  it("is recorded over a load that changes nothing, and a start", async () => {
    const models = modelsWith(one);
    const first = await startChanging(models);
    put(models, two);
    await first.done(first.desk.carryOut(load()));
    const second = await startChanging(models);
    assert.deepEqual(second.rollouts, ["2 starting", "2 committing", "2 baking"]);
    assert.deepEqual(second.notes, ["resume null began", "resume null done"]);
    await second.done(second.desk.carryOut(load()));
    assert.equal(factsOf(second.journal).open, 1);
    const third = await startChanging(models);
    await third.crash("2");
    assert.equal(third.states(), "1 ready, 2 unavailable");
    assert.deepEqual(factsOf(third.journal), { ...nothing, condemned: ["m/2"] });
  });
});

describe("a rollout that is rolled back out of its bake", () => {
  it("condemns the version before anything is waited for", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut(load()));
    const crashed = server.crash("2");
    assert.deepEqual(factsOf(server.journal).condemned, ["m/2"]);
    await crashed;
    assert.deepEqual(server.notes.at(-1), "rollback 2 rolled-back");
    const again = await startChanging(models);
    assert.deepEqual([again.serves(), again.forks.children.length], ["1", 1]);
  });

  it("keeps the others that were new with it", async () => {
    const models = modelsWith({ ...one, "m/model.yaml": `${bake}versions: all\n` });
    const server = await startChanging(models);
    put(models, { ...two, "m/3/model.onnx": "3" });
    await server.done(server.desk.carryOut(load()));
    await server.crash("3");
    assert.equal(server.states(), "1 ready, 2 ready, 3 unavailable");
    assert.equal((await startChanging(models)).serves(), "1,2");
  });

  it("takes back what was written of the newest first", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await server.done(server.desk.carryOut(patch({ batching: { max_batch_size: 8 } })));
    const next = assert.rejects(server.desk.carryOut(patch({ batching: { max_batch_size: 9 } })), {
      code: "conflict",
    });
    await server.until(() => server.rollouts.filter((name) => name === "1 starting").length === 2);
    await server.crash("1");
    await server.done(next);
    await server.rest();
    assert.equal(server.yaml(), bake);
    assert.deepEqual([server.states(), factsOf(server.journal)], ["1 ready", nothing]);
  });

  it("is tried again where the file cannot be restored, until it can", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await server.done(server.desk.carryOut(patch({ batching: { max_batch_size: 8 } })));
    const changed = server.yaml() ?? "";
    const path = join(models, "m", "model.yaml");
    rmSync(path);
    put(models, { "m/model.yaml/in-the-way": "" });
    await server.crash("1");
    assert.equal(server.notes.at(-1), "rollback null failed");
    rmSync(path, { recursive: true });
    put(models, { "m/model.yaml": changed });
    await server.done(server.desk.carryOut(load()));
    assert.deepEqual([server.yaml(), factsOf(server.journal)], [bake, nothing]);
  });
});

describe("a change that is refused", () => {
  const bad = { "m/2/model.onnx": "2", "m/3/model.onnx": "bad" };

  it("leaves the next start what serves now", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, bad);
    await assert.rejects(server.done(server.desk.carryOut(load())), {
      message: "Cannot serve model: no model",
    });
    await server.rest();
    assert.equal(server.states(), "1 ready, 2 ready, 3 unavailable");
    const again = await startChanging(models);
    assert.deepEqual([again.serves(), again.rollouts.at(-1)], ["2", "2 baking"]);
  });

  it("leaves a bake of another version alone, which may still be rolled back", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut(load()));
    put(models, { "m/3/model.onnx": "bad" });
    await assert.rejects(server.done(server.desk.carryOut(load())));
    assert.equal(server.registry.find("m").life.rollout?.name, "baking");
    await server.crash("2");
    assert.equal(server.states(), "1 ready, 2 unavailable, 3 unavailable");
    assert.deepEqual(factsOf(server.journal).open, 0);
  });

  it("ends that bake when it moves traffic", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut(load()));
    put(models, { "m/3/model.onnx": "3" });
    await server.done(server.desk.carryOut(load()));
    await server.rest();
    assert.equal(server.states(), "1 unloaded, 2 ready, 3 ready");
    assert.equal(factsOf(server.journal).open, 1);
    await server.crash("3");
    assert.equal(server.states(), "1 unloaded, 2 ready, 3 unavailable");
  });

  it("leaves out what cannot be loaded where nothing serves", async () => {
    const models = modelsWith({ ...one, ...bad, "m/model.yaml": "versions: all\n" });
    const server = await startChanging(models);
    await server.done(server.desk.carryOut({ type: "unload", model: "m", version: null }));
    await server.done(server.desk.carryOut(load()));
    assert.equal(server.states(), "1 ready, 2 ready, 3 unavailable");
    assert.deepEqual(factsOf(server.journal), { ...nothing, condemned: ["m/3"] });
  });

  it("condemns nothing where nothing can be loaded", async () => {
    const files = { "m/1/model.onnx": "bad", "m/2/model.onnx": "bad" };
    const models = modelsWith({ ...files, "m/model.yaml": "versions: all\n" });
    const server = await startChanging(models);
    const unload = { type: "unload", model: "m", version: null } as const;
    await server.done(server.desk.carryOut(unload));
    await assert.rejects(server.done(server.desk.carryOut(load())), { code: "invalid-model" });
    assert.deepEqual(factsOf(server.journal), { ...nothing, unloaded: ["m"] });
  });
});

describe("what serves", () => {
  it("stands in where all that is wanted was rolled back, also after a start", async () => {
    const yaml = `${bake}versions: ["1"]\n`;
    for (const content of ["good", "bad"]) {
      const models = modelsWith({ ...one, "m/model.yaml": yaml });
      const server = await startChanging(models);
      put(models, { "m/2/model.onnx": content, "m/model.yaml": `${bake}versions: ["2"]\n` });
      await server.done(server.desk.carryOut(load()).catch(String));
      if (content === "good") await server.crash("2");
      assert.deepEqual([server.serves(), server.states()], ["1", "1 ready, 2 unavailable"]);
      await server.done(server.desk.carryOut(patch({ description: "d" })));
      assert.equal(server.serves(), "1");
      assert.equal((await startChanging(models)).serves(), "1");
    }
  });

  it("goes on where nothing is left that could take its place, though its file is gone", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    rmSync(join(models, "m", "1"), { recursive: true });
    put(models, { "m/2/model.onnx": "bad" });
    await assert.rejects(server.done(server.desk.carryOut(load())));
    assert.equal(server.serves(), "1");
    await server.done(server.desk.carryOut({ type: "unload", model: "m", version: null }));
    assert.equal(server.serves(), "");
  });

  it("is not condemned for another process of it, nor is what stands by", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut(load()));
    put(models, { "m/1/model.onnx": "bad" });
    const unload = { type: "unload", model: "m", version: "2" } as const;
    await assert.rejects(server.done(server.desk.carryOut(unload)), { code: "invalid-model" });
    assert.deepEqual(factsOf(server.journal).condemned, []);
    await server.crash("2");
    assert.equal(server.serves(), "1");
  });

  it("is what it was where a decision was written in vain", async () => {
    const models = modelsWith({ ...one, ...two });
    const server = await startChanging(models);
    assert.equal(server.serves(), "2");
    const unload = assert.rejects(
      server.desk.carryOut({ type: "unload", model: "m", version: "2" }),
      { code: "invalid-model" },
    );
    const { life } = server.registry.find("m");
    await server.until(() => life.rollout?.name === "committing");
    const fresh = life.groups.find(({ version }) => version === "1")?.hosts[0]?.slot.pid;
    server.kill(Number(fresh));
    await server.done(unload);
    const { unloadedVersions } = server.journal.facts;
    assert.deepEqual([server.serves(), unloadedVersions.size], ["2", 0]);
    assert.equal((await startChanging(models)).serves(), "2");
  });
});

describe("a start after a kill", () => {
  const written = `${bake}batching: { max_batch_size: 8 }\n`;
  const begun = { type: "rolling-out", model: "m", served: ["1"], versions: ["2"] } as const;
  const rewrite = { before: bake, written };

  it("takes back the rollout of a version that is condemned", async () => {
    const why = { digest: "", reason: "it died", at: "" };
    const models = await leftWith({ ...one, ...two, "m/model.yaml": written }, [
      { ...begun, id: "r", rewrite },
      { type: "rolled-back", model: "m", version: "2", ...why },
    ]);
    const server = await startChanging(models);
    assert.deepEqual([server.yaml(), server.rollouts], [bake, []]);
    assert.deepEqual(factsOf(server.journal), { ...nothing, condemned: ["m/2"] });
  });

  it("keeps what was answered before the rollout that has failed", async () => {
    const why = { digest: "", reason: "it died", at: "" };
    const models = await leftWith({ ...one, ...two, "m/model.yaml": written }, [
      { type: "rolled-back", model: "m", version: "2", ...why },
      { ...begun, versions: [], id: "r", rewrite },
      { ...begun, id: "s", rewrite: null },
    ]);
    const server = await startChanging(models);
    assert.deepEqual([server.yaml(), server.rollouts.at(-1)], [written, "1 baking"]);
    assert.equal(factsOf(server.journal).open, 1);
  });

  it("keeps a configuration that is not to blame for a version beside it", async () => {
    const files = { ...one, "m/2/model.onnx": "bad", "m/model.yaml": `${written}versions: all\n` };
    const before = `${bake}versions: all\n`;
    const models = await leftWith(files, [
      {
        ...begun,
        versions: [],
        id: "r",
        rewrite: { before, written: `${written}versions: all\n` },
      },
    ]);
    const server = await startChanging(models);
    assert.equal(server.yaml(), `${written}versions: all\n`);
    assert.deepEqual([server.serves(), server.states()], ["1", "1 ready, 2 unavailable"]);
    await server.crash("1");
    assert.equal(server.yaml(), before);
  });

  it("takes back one rewrite after the other where several rollouts do not last", async () => {
    const next = { before: written, written: `${bake}description: next\n` };
    const models = await leftWith({ ...one, "m/model.yaml": written }, [
      { ...begun, versions: [], id: "r", rewrite },
      { ...begun, versions: [], id: "s", rewrite: next },
    ]);
    const server = await startChanging(models);
    assert.equal(server.registry.find("m").life.rollout?.name, "baking");
    await server.crash("1");
    assert.deepEqual([server.yaml(), factsOf(server.journal)], [bake, nothing]);
  });

  it("ends what it cannot roll out, as somebody has broken the folder", async () => {
    const files = { ...one, "m/model.yaml": "nonsense: 1\n" };
    const models = await leftWith(files, [{ ...begun, id: "r", rewrite }]);
    const server = await startChanging(models).catch((thrown: unknown) => thrown);
    assert.match(String(server), /nonsense/);
    const { facts } = await Journal.open(join(models, ".troupe"));
    assert.equal(facts.rollingOut.size, 0);
  });
});
