import assert from "node:assert/strict";
import { readFileSync, rmSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { driftOf } from "../../supervisor/folder-drift.ts";
import { type Files, modelsFolders, put, startChanging } from "./changing-models.ts";

const modelsWith = modelsFolders({ after });

const one: Files = { "m/1/model.onnx": "1", "m/model.yaml": "bake_ms: 600000\n" };
const place = { model: "m", version: null };
const broken: Files = { "m/model.yaml": "replicas: none\n" };
const isReplaced =
  "serves version '1' as it was, but its file has been replaced since it was loaded";

async function startOn(files: Files) {
  const models = modelsWith(files);
  const server = await startChanging(models);
  const model = server.registry.find("m");
  /** What a process that serves began with. */
  const [file = ""] = model.folder.versions.map((version) => version.file);
  return { ...server, models, model, file };
}

describe("a file that was replaced under its old name", () => {
  for (const change of [
    { type: "load", ...place },
    { type: "load", model: "m", version: "1" },
    { type: "restart", ...place },
    { type: "patch", model: "m", patch: '{"replicas":2}' },
  ] as const) {
    it(`is rolled out by ${JSON.stringify(change)}`, async () => {
      const server = await startOn(one);
      put(server.models, { "m/1/model.onnx": "another" });
      await server.done(server.desk.carryOut(change));
      assert.equal(server.rollouts.at(-1), "1 baking");
      assert.equal(driftOf(server.model), null);
    });
  }

  it("is refused where it is bad, and what serves goes on, and says that it is not as it was", async () => {
    const server = await startOn(one);
    put(server.models, { "m/1/model.onnx": "bad" });
    const load = server.desk.carryOut({ type: "load", ...place });
    await assert.rejects(server.done(load), { code: "invalid-model" });
    assert.deepEqual([server.serves(), driftOf(server.model)], ["1", isReplaced]);
    assert.equal(server.registry.view(server.model).drift, isReplaced);
  });

  it("is no other one where it was only touched", async () => {
    const server = await startOn(one);
    await server.digests.of(server.file);
    utimesSync(server.file, new Date(), new Date());
    await server.done(server.desk.carryOut({ type: "load", ...place }));
    assert.deepEqual([server.rollouts, driftOf(server.model)], [[], null]);
  });

  it("is rolled out when a host has begun anew with it", async () => {
    const server = await startOn({ ...one, "m/model.yaml": "replicas: 2\n" });
    put(server.models, { "m/1/model.onnx": "another" });
    const [host] = server.model.life.serving.flatMap(({ hosts }) => hosts);
    assert.ok(host !== undefined);
    await server.done(server.mover.follow(server.model, host));
    assert.deepEqual(
      [server.rollouts.at(-1), server.notes],
      ["1 baking", ["watch null began", "watch null done"]],
    );
    await server.done(server.mover.follow(server.model, host));
    assert.equal(server.notes.length, 2);
  });
});

describe("a folder that is broken while its model serves", () => {
  for (const [what, harm] of [
    ["a model.yaml that cannot be read", (models: string) => put(models, broken)],
    ["no folder", (models: string) => rmSync(join(models, "m"), { recursive: true })],
  ] as const) {
    it(`does not keep it from being unloaded: ${what}`, async () => {
      const server = await startOn(one);
      harm(server.models);
      await server.done(server.desk.carryOut({ type: "unload", ...place }));
      assert.deepEqual([server.serves(), server.living().length], ["", 0]);
      assert.equal(server.registry.view(server.model).problem, null);
    });
  }

  it("does not keep one version from being unloaded", async () => {
    const server = await startOn({
      "m/1/model.onnx": "1",
      "m/2/model.onnx": "2",
      "m/model.yaml": "versions: all\n",
    });
    put(server.models, broken);
    await server.done(server.desk.carryOut({ type: "unload", model: "m", version: "1" }));
    assert.equal(server.serves(), "2");
  });

  it("shows while it serves, and not any more when it is mended", async () => {
    const server = await startOn(one);
    put(server.models, broken);
    const load = () => server.desk.carryOut({ type: "load", ...place });
    await assert.rejects(server.done(load()), { code: "invalid-model" });
    assert.equal(server.serves(), "1");
    assert.match(
      server.registry.view(server.model).drift ?? "",
      /^serves what it was, but cannot be loaded again: Cannot read m\/model.yaml: replicas must be/,
    );
    put(server.models, one);
    await server.done(load());
    assert.equal(server.registry.view(server.model).drift, null);
  });

  it("stays out of the way at the next start where it is not wanted", async () => {
    const server = await startOn(one);
    await server.done(server.desk.carryOut({ type: "unload", ...place }));
    put(server.models, broken);
    const next = await startChanging(server.models);
    assert.deepEqual([next.states(), next.registry.find("m").life.problem], ["1 unloaded", null]);
    const load = next.desk.carryOut({ type: "load", ...place });
    await assert.rejects(next.done(load), { code: "invalid-model" });
    assert.equal(readFileSync(join(server.models, "m/model.yaml"), "utf8"), "replicas: none\n");
  });
});

describe("what is said of a version that does not run", () => {
  it("ends with the wish for it", async () => {
    const server = await startOn({ ...one, "m/model.yaml": "bake_ms: 600000\nversions: all\n" });
    put(server.models, { "m/2/model.onnx": "bad" });
    await assert.rejects(server.done(server.desk.carryOut({ type: "load", ...place })));
    assert.equal(server.states(), "1 ready, 2 unavailable");
    await server.done(server.desk.carryOut({ type: "unload", model: "m", version: "2" }));
    assert.equal(server.states(), "1 ready, 2 unloaded");
  });

  it("is nothing where an unloaded model could not be loaded", async () => {
    const server = await startOn(one);
    await server.done(server.desk.carryOut({ type: "unload", ...place }));
    put(server.models, { "m/1/model.onnx": "bad" });
    const load = server.desk.carryOut({ type: "load", ...place });
    await assert.rejects(server.done(load), { message: "Cannot serve model: no model" });
    assert.equal(server.states(), "1 unloaded");
  });

  it("is no rollback where nothing was before it", async () => {
    const server = await startOn({ "m/1/model.onnx": "1" });
    put(server.models, { "n/model.onnx": "bad" });
    const load = server.desk.carryOut({ type: "load", model: "n", version: null });
    await assert.rejects(server.done(load));
    assert.deepEqual([...server.registry.find("n").life.failures.values()], ["no model"]);
  });

  it("is nothing of one that serves where a patch was refused", async () => {
    const server = await startOn(one);
    put(server.models, { "m/1/model.onnx": "bad" });
    const patch = server.desk.carryOut({ type: "patch", model: "m", patch: '{"replicas":2}' });
    await assert.rejects(server.done(patch), { code: "invalid-model" });
    assert.deepEqual([...server.model.life.failures], []);
  });
});
