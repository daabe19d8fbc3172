import assert from "node:assert/strict";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { type Files, factsOf, modelsFolders, put, startChanging } from "./changing-models.ts";

const modelsWith = modelsFolders({ after });

const one: Files = { "m/1/model.onnx": "1", "m/model.yaml": "bake_ms: 0\n" };
const two: Files = { "m/2/model.onnx": "2" };
const place = { model: "m", version: null };

/** Nothing can be written to the journal until that is undone. */
function blockJournal(models: string): () => void {
  const path = join(models, ".troupe", "journal");
  assert.equal(existsSync(path), false);
  mkdirSync(path, { recursive: true });
  return () => rmSync(path, { recursive: true });
}

describe("a load", () => {
  it("finds a model that was not there before", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, { "n/model.onnx": "1" });
    await server.done(server.desk.carryOut({ type: "load", model: "n", version: null }));
    assert.equal(server.states("n"), "1 ready");
  });

  it("finds a version that was not there before", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut({ type: "load", model: "m", version: "2" }));
    assert.equal(server.serves(), "2");
  });

  for (const change of [
    { type: "load", model: "n", version: null },
    { type: "load", model: "m", version: "3" },
    { type: "unload", model: "m", version: "3" },
    { type: "delete", model: "n", version: null },
  ] as const) {
    it(`finds nothing where there is nothing, and tells nobody: ${JSON.stringify(change)}`, async () => {
      const server = await startChanging(modelsWith(one));
      await assert.rejects(server.desk.carryOut(change), { code: "model-not-found" });
      assert.deepEqual(server.notes, []);
    });
  }

  it("says why a folder that is new cannot be served, and shows it", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    put(models, { "n/1/model.onnx": "1", "n/model.yaml": "nonsense: 1\n" });
    const load = server.desk.carryOut({ type: "load", model: "n", version: null });
    await assert.rejects(server.done(load), { code: "invalid-model" });
    assert.match(server.registry.find("n").life.problem ?? "", /nonsense/);
  });

  it("tries a mended version where the journal cannot be written", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    const unblock = blockJournal(models);
    const load = { type: "load", ...place } as const;
    put(models, { "m/2/model.onnx": "bad" });
    await assert.rejects(server.done(server.desk.carryOut(load)), { code: "invalid-model" });
    await server.done(server.desk.carryOut(load));
    assert.equal(server.serves(), "1");
    put(models, { "m/2/model.onnx": "good" });
    await server.done(server.desk.carryOut(load));
    assert.equal(server.serves(), "2");
    unblock();
  });
});

describe("a decision that cannot be written down", () => {
  it("leaves a model that was to be unloaded serving", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    const unblock = blockJournal(models);
    await assert.rejects(server.done(server.desk.carryOut({ type: "unload", ...place })));
    assert.deepEqual([server.serves(), server.forks.children.length], ["1", 1]);
    unblock();
    await server.done(server.desk.carryOut({ type: "unload", ...place }));
    assert.deepEqual([server.serves(), factsOf(server.journal).unloaded], ["", ["m"]]);
  });

  it("leaves a model that was to be loaded unloaded", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    await server.done(server.desk.carryOut({ type: "unload", ...place }));
    rmSync(join(models, ".troupe", "journal"));
    const unblock = blockJournal(models);
    await assert.rejects(server.done(server.desk.carryOut({ type: "load", ...place })));
    await server.rest();
    assert.equal(server.serves(), "");
    unblock();
  });
});

describe("a patch", () => {
  const patch = { type: "patch", model: "m", patch: '{"batching":{"max_batch_size":8}}' } as const;

  it("does not write over what somebody has written meanwhile", async () => {
    const models = modelsWith(one);
    const server = await startChanging(models);
    const patched = assert.rejects(server.desk.carryOut(patch), {
      code: "conflict",
      message: "Cannot change model 'm': somebody has changed its model.yaml meanwhile",
    });
    await server.until(() => server.rollouts.includes("1 starting"));
    put(models, { "m/model.yaml": "description: theirs\n" });
    await server.done(patched);
    assert.deepEqual([server.yaml(), server.serves()], ["description: theirs\n", "1"]);
  });

  it("is not refused for a version that was given up already", async () => {
    const yaml = "versions: all\nbake_ms: 0\n";
    const models = modelsWith({ ...one, "m/2/model.onnx": "bad", "m/model.yaml": yaml });
    const server = await startChanging(models);
    assert.equal(server.serves(), "1");
    await server.done(server.desk.carryOut(patch));
    assert.deepEqual([server.serves(), server.states()], ["1", "1 ready, 2 unavailable"]);
    assert.equal(server.registry.find("m").life.config?.batching.maxBatchSize, 8);
  });
});

describe("a patch that is refused for a version that it brings", () => {
  it("condemns nothing, and is taken when that is mended", async () => {
    const models = modelsWith({
      ...one,
      "m/2/model.onnx": "bad",
      "m/model.yaml": "versions: ['1']\n",
    });
    const server = await startChanging(models);
    const patch = { type: "patch", model: "m", patch: '{"versions":"all"}' } as const;
    await assert.rejects(server.done(server.desk.carryOut(patch)), { code: "invalid-model" });
    assert.deepEqual([server.serves(), factsOf(server.journal).condemned], ["1", []]);
    put(models, { "m/2/model.onnx": "good" });
    await server.done(server.desk.carryOut(patch));
    assert.equal(server.serves(), "1,2");
  });
});

describe("a change without new processes that is refused", () => {
  it("leaves a bake alone", async () => {
    const models = modelsWith({ ...one, "m/model.yaml": "bake_ms: 1000\nversions: all\n" });
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut({ type: "load", ...place }));
    rmSync(join(models, ".troupe", "journal"));
    const unblock = blockJournal(models);
    const unload = { type: "unload", model: "m", version: "1" } as const;
    await assert.rejects(server.done(server.desk.carryOut(unload)));
    assert.equal(server.registry.find("m").life.rollout?.name, "baking");
    unblock();
  });

  it("of a version that does not run leaves it alone too", async () => {
    const models = modelsWith({ ...one, "m/0/model.onnx": "0", "m/model.yaml": "bake_ms: 1000\n" });
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut({ type: "load", ...place }));
    await server.done(server.desk.carryOut({ type: "unload", model: "m", version: "0" }));
    assert.equal(server.registry.find("m").life.rollout?.name, "baking");
  });
});

describe("a deletion of a version", () => {
  it("leaves nothing of it to the next one of its name", async () => {
    const models = modelsWith({ ...one, ...two });
    const server = await startChanging(models);
    const { life } = server.registry.find("m");
    life.failures.set("2", "it died");
    await server.done(server.desk.carryOut({ type: "delete", model: "m", version: "2" }));
    assert.deepEqual([life.known.has("2"), life.failures.has("2")], [false, false]);
  });
});

describe("a configuration of Triton's", () => {
  const configure = (config: object) =>
    ({ type: "configure", model: "m", config: JSON.stringify(config) }) as const;

  it("takes the place of model.yaml, and loads what was unloaded", async () => {
    const server = await startChanging(modelsWith(one));
    await server.done(server.desk.carryOut({ type: "unload", model: "m", version: null }));
    await server.done(server.desk.carryOut(configure({ max_batch_size: 8 })));
    assert.deepEqual(
      [server.yaml(), server.serves()],
      ["batching:\n  max_batch_size: 8\nstate: []\n", "1"],
    );
    assert.deepEqual(factsOf(server.journal).unloaded, []);
  });

  it("is tried on each version where it declares what the model is, and changes nothing if not so", async () => {
    const server = await startChanging(
      modelsWith({ ...one, ...two, "m/model.yaml": "versions: all\n" }),
    );
    const all = { version_policy: { all: {} } };
    const wrong = { ...all, input: [{ name: "z", data_type: "TYPE_FP32", dims: [4] }] };
    const before = server.yaml();
    await assert.rejects(server.done(server.desk.carryOut(configure(wrong))), {
      code: "invalid-model",
    });
    assert.deepEqual([server.yaml(), server.serves(), server.trials.seen], [before, "1,2", ["1"]]);
    const right = { ...all, input: [{ name: "x", data_type: "TYPE_FP32", dims: [4] }] };
    await server.done(server.desk.carryOut(configure(right)));
    assert.deepEqual([server.serves(), server.trials.seen], ["1,2", ["1", "1", "2"]]);
  });

  it("gives what is given up another start, though nothing else of it changes", async () => {
    const yaml = "versions: all\nstate: []\n";
    const models = modelsWith({ ...one, "m/2/model.onnx": "bad", "m/model.yaml": yaml });
    const server = await startChanging(models);
    const { length: started } = server.forks.children;
    const again = configure({ version_policy: { all: {} } });
    await assert.rejects(server.done(server.desk.carryOut(again)), { code: "invalid-model" });
    assert.ok(server.forks.children.length > started);
  });

  it("is taken as it is where it declares nothing", async () => {
    const server = await startChanging(modelsWith(one));
    await server.done(server.desk.carryOut(configure({ max_batch_size: 4 })));
    assert.deepEqual(server.trials.seen, []);
  });

  it("is warned of for what it says in vain", async () => {
    const server = await startChanging(modelsWith(one));
    await server.done(server.desk.carryOut(configure({ metric_tags: { a: "b" } })));
    assert.equal(server.warned.length, 1);
    assert.match(server.warned[0] ?? "", /metric_tags/);
  });

  it("is taken back where its new processes die before they have lasted", async () => {
    const yaml = "bake_ms: 1000\nsession: { threads: 1 }\n";
    const server = await startChanging(modelsWith({ ...one, "m/model.yaml": yaml }));
    const threads = { intra_op_thread_count: { string_value: "2" } };
    await server.done(server.desk.carryOut(configure({ parameters: threads })));
    const written = server.yaml();
    await server.crash("1");
    await server.rest();
    assert.notEqual(written, yaml);
    assert.deepEqual([server.yaml(), server.serves()], [yaml, "1"]);
  });

  it("that is none changes nothing", async () => {
    const server = await startChanging(modelsWith(one));
    const before = server.yaml();
    const refused = server.done(server.desk.carryOut(configure({ max_batchsize: 8 })));
    await assert.rejects(refused, { code: "invalid-model" });
    assert.deepEqual([server.yaml(), server.serves()], [before, "1"]);
  });
});

describe("a restart", () => {
  it("does not go on with hosts that are on their way out", async () => {
    const models = modelsWith({ ...one, "m/model.yaml": "bake_ms: 1000\nreplicas: 2\n" });
    const server = await startChanging(models);
    put(models, two);
    await server.done(server.desk.carryOut({ type: "load", ...place }));
    const [group] = server.registry.find("m").life.serving;
    assert.ok(group !== undefined);
    const [host] = group.hosts;
    assert.ok(host !== undefined);
    await server.crash("2");
    const { length } = server.forks.children;
    await assert.rejects(group.replace(host), { code: "conflict" });
    assert.equal(server.forks.children.length, length);
  });
});
