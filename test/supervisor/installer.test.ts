import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Files, factsOf, modelsFolders, put, startChanging } from "./changing-models.ts";

const modelsWith = modelsFolders({ after });

const bake = "bake_ms: 1000\n";
const one: Files = { "m/1/model.onnx": "1", "m/model.yaml": bake };
const config = `${bake}description: new\n`;
const unload = { type: "unload", model: "m", version: null } as const;

describe("an upload", () => {
  it("serves beside what served before, until it has lasted", async () => {
    const server = await startChanging(modelsWith(one));
    const { version } = await server.done(server.upload("2", config));
    assert.deepEqual([version, server.states(), server.yaml()], ["2", "1 ready, 2 ready", config]);
    await server.crash("2");
    assert.deepEqual([server.states(), server.yaml()], ["1 ready, 2 unavailable", bake]);
  });

  it("whose trial fails leaves nothing", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await assert.rejects(server.done(server.upload("bad", config)), { message: "no model" });
    assert.deepEqual(readdirSync(join(models, "m")).toSorted(), ["1", "model.yaml"]);
    assert.deepEqual([server.states(), server.yaml()], ["1 ready", bake]);
  });

  it("whose host fails leaves nothing, and nothing condemned", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await assert.rejects(server.done(server.upload("frail", config)), { code: "invalid-model" });
    assert.deepEqual(readdirSync(join(models, "m")).toSorted(), ["1", "model.yaml"]);
    assert.deepEqual([server.states(), server.yaml()], ["1 ready", bake]);
    assert.deepEqual(factsOf(server.journal), { condemned: [], unloaded: [], open: 0 });
    assert.equal((await server.done(server.upload("2"))).version, "2");
  });

  it("whose host fails leaves no new model", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await assert.rejects(server.done(server.upload("frail", null, "n")));
    assert.deepEqual([existsSync(join(models, "n")), server.registry.get("n")], [false, undefined]);
  });

  it("does not write back what was rolled back during its trial", async () => {
    const server = await startChanging(modelsWith(one));
    const patch = '{"batching":{"max_batch_size":8}}';
    await server.done(server.desk.carryOut({ type: "patch", model: "m", patch }));
    server.trials.meanwhile = async () => {
      const { hosts } = server.registry.find("m").life.serving[0] ?? { hosts: [] };
      for (const { slot } of hosts)
        server.forks.children[Number(slot.pid) - 1]?.exits(null, "SIGSEGV");
    };
    await assert.rejects(server.done(server.upload("2", config)), { code: "conflict" });
    await server.rest();
    assert.deepEqual([server.yaml(), server.serves()], [bake, "1"]);
    assert.equal(factsOf(server.journal).open, 0);
  });

  it("does not write over what somebody has written during its trial", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    server.trials.meanwhile = async () => put(models, { "m/model.yaml": "description: theirs\n" });
    await assert.rejects(server.done(server.upload("2", config)), { code: "conflict" });
    assert.deepEqual([server.yaml(), server.states()], ["description: theirs\n", "1 ready"]);
    assert.equal(factsOf(server.journal).open, 0);
  });

  it("loads a model that was unloaded, when it serves", async () => {
    const server = await startChanging(modelsWith(one));
    await server.done(server.desk.carryOut(unload));
    await assert.rejects(server.done(server.upload("frail")), { code: "invalid-model" });
    assert.deepEqual([server.serves(), factsOf(server.journal).unloaded], ["", ["m"]]);
    await server.done(server.upload("2"));
    assert.deepEqual([server.serves(), factsOf(server.journal).unloaded], ["2", []]);
  });

  it("mends a model of which nothing serves", async () => {
    const files = { "m/1/model.onnx": "bad", "m/model.yaml": "versions: all\n" };
    const server = await startChanging(modelsWith(files));
    assert.equal(server.serves(), "");
    await assert.rejects(server.done(server.upload("frail")), { code: "invalid-model" });
    await server.done(server.upload("good"));
    assert.equal(server.serves(), "2");
  });

  it("leaves versions unloaded that were unloaded one by one", async () => {
    const yaml = "versions: all\n";
    const server = await startChanging(
      modelsWith({ ...one, "m/2/model.onnx": "2", "m/model.yaml": yaml }),
    );
    for (const version of ["1", null]) {
      await server.done(server.desk.carryOut({ ...unload, version }));
    }
    await server.done(server.upload("3"));
    assert.equal(server.serves(), "2,3");
  });

  it("that was cut off before it served leaves an unloaded model unloaded", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await server.done(server.desk.carryOut(unload));
    put(models, { "m/2/model.onnx": "2" });
    await server.journal.append({ type: "installed", model: "m", version: "2" });
    assert.equal((await startChanging(models)).serves(), "");
  });
});
