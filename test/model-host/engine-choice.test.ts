import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it, type TestContext } from "node:test";
import {
  chooseEngine,
  type EngineOptions,
  hasBoundedShapes,
} from "../../model-host/engine-choice.ts";
import { InlineEngine } from "../../model-host/inline-engine.ts";
import { ThreadEngine } from "../../model-host/thread-engine.ts";
import { loopModel } from "../../models/loop-models.ts";
import {
  batchMixingModel,
  brokenModel,
  echoModel,
  freeWidthModel,
} from "../../models/odd-models.ts";
import type { TrialResult } from "../../src/protocol/control.ts";
import type { Datatype, ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { SessionSettings } from "../../src/protocol/model-settings.ts";

const settings: SessionSettings = {
  threads: 1,
  executionProviders: ["cpu"],
  graphOptimization: "all",
};

function modelFile(t: TestContext, model: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "choice-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "model.onnx");
  writeFileSync(file, model);
  return file;
}

function choose(
  t: TestContext,
  model: Uint8Array,
  changes: Partial<SessionSettings> = {},
  known: Partial<EngineOptions> = {},
) {
  // An engine's thread does not keep the process alive: in a host its channel to the supervisor does.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => clearInterval(alive));
  return chooseEngine({
    file: known.file ?? modelFile(t, model),
    beside: [],
    settings: { ...settings, ...changes },
    trial: { maxBatchSize: 8, skip: null, state: null, stream: null },
    onDeath: () => undefined,
    onLoaded: () => Promise.resolve(),
    ...known,
  });
}

describe("chooseEngine", () => {
  it("runs a bounded, tiny model on the main thread", async (t) => {
    const { engine, metadata, isWarm } = await choose(t, echoModel());
    assert.ok(engine instanceof InlineEngine && isWarm);
    assert.deepEqual(metadata.batching, { type: "batched", maxBatchSize: 8 });
  });

  it("gives a model that can loop a thread of its own, however cheap its trial was", async (t) => {
    const { engine, isWarm } = await choose(t, loopModel());
    assert.ok(engine instanceof ThreadEngine && !isWarm);
  });

  it("gives a model with several threads a thread of its own", async (t) => {
    const { engine } = await choose(t, echoModel(), { threads: 2 });
    assert.ok(engine instanceof ThreadEngine);
  });

  it("does not try on the main thread what was too slow for it before", async (t) => {
    const reason = "a full batch took more than 0.25 ms in a trial";
    const { engine, metadata, place } = await choose(t, echoModel(), {}, { slow: reason });
    assert.ok(engine instanceof ThreadEngine);
    assert.deepEqual(place, { thread: "own", reason });
    assert.deepEqual(metadata.batching, { type: "batched", maxBatchSize: 8 });
  });

  it("tells what is too slow, so that the next host need not find out", async (t) => {
    const told: string[] = [];
    const onSlow = (reason: string) => told.push(reason);
    await choose(t, echoModel(), {}, { onSlow });
    const { engine } = await choose(t, freeWidthModel(), {}, { onSlow });
    assert.ok(engine instanceof ThreadEngine);
    assert.deepEqual(told, ["its rows have no fixed size, or stand in no batch"]);
  });

  it("says what ONNX Runtime has against a broken model", async (t) => {
    await assert.rejects(choose(t, brokenModel()), { code: "invalid-model" });
  });
});

describe("a model that was tried before", () => {
  /** What a trial of its file finds, and how often the next choice tries it again. */
  async function chooseAgain(t: TestContext, model: Uint8Array, changed = model) {
    const file = modelFile(t, model);
    const results: TrialResult[] = [];
    const onTried = (result: TrialResult) => results.push(result);
    await choose(t, model, {}, { file, onTried });
    if (changed !== model) writeFileSync(file, changed);
    const known = results[0];
    assert.ok(known !== undefined);
    const again = await choose(t, model, {}, { file, onTried, known });
    return { again, results, known };
  }

  for (const [name, model, onThread] of [
    ["the main thread", echoModel(), false],
    ["a thread of its own", loopModel(), true],
  ] as const) {
    it(`is not tried again on ${name}`, async (t) => {
      const { again, results } = await chooseAgain(t, model);
      assert.deepEqual(
        results.map((result) => result.onThread),
        [onThread],
      );
      assert.equal(again.metadata, results[0]?.metadata);
    });
  }

  it("is tried anew where its file is another one", async (t) => {
    const { again, results, known } = await chooseAgain(t, echoModel(), batchMixingModel());
    assert.equal(results.length, 2);
    assert.notEqual(results[1]?.stamp, known.stamp);
    assert.deepEqual(again.metadata, results[1]?.metadata);
    assert.equal(again.metadata.batching.type, "unbatched");
  });

  it("is tried anew where the same bytes were written again", async (t) => {
    const { results } = await chooseAgain(t, echoModel(), echoModel());
    assert.equal(results.length, 2);
  });

  it("is tried anew where its file is another one by the time that the thread loads it", async (t) => {
    const file = modelFile(t, freeWidthModel());
    const said: string[] = [];
    const chosen = await choose(
      t,
      freeWidthModel(),
      {},
      {
        file,
        onLoaded: async () => void said.push("loaded"),
        onTried: () => said.push("tried"),
        onSlow: () => {
          said.push("slow");
          writeFileSync(file, batchMixingModel());
        },
      },
    );
    assert.deepEqual(chosen.metadata.batching.type, "unbatched");
    assert.deepEqual(said, ["loaded", "tried", "slow"]);
  });

  it("is held to have its trial while it is timed on the main thread, though it is known", async (t) => {
    const file = modelFile(t, echoModel());
    const results: TrialResult[] = [];
    const onTried = (result: TrialResult) => results.push(result);
    await choose(t, echoModel(), {}, { file, onTried });
    let told = 0;
    const onLoaded = async () => {
      told += 1;
    };
    await choose(t, echoModel(), {}, { file, onTried, onLoaded, known: results[0] ?? null });
    assert.deepEqual([told, results.length], [1, 1]);
  });

  it("may move to the main thread where its file was replaced by one that does for it", async (t) => {
    const started = new ThreadEngine(() => undefined);
    const file = modelFile(t, loopModel());
    const results: TrialResult[] = [];
    await choose(t, loopModel(), {}, { file, onTried: (result) => results.push(result) });
    writeFileSync(file, echoModel());
    const known = results[0] ?? null;
    const { place, mayMove } = await choose(t, echoModel(), {}, { file, started, known });
    const reason = "the host before it ran it on a thread of its own";
    assert.deepEqual([place, mayMove], [{ thread: "own", reason }, true]);
  });

  it("is run by the engine that has started already", async (t) => {
    const started = new ThreadEngine(() => undefined);
    const { engine } = await choose(t, echoModel(), {}, { started });
    assert.equal(engine, started);
  });

  it("leaves nothing to the next host where its trial was left out", async (t) => {
    const results: TrialResult[] = [];
    const trial = { maxBatchSize: 8, skip: "it ended the host", state: null, stream: null };
    await choose(t, echoModel(), {}, { trial, onTried: (result) => results.push(result) });
    assert.deepEqual(results, []);
  });
});

describe("hasBoundedShapes", () => {
  const withInput = (
    datatype: Datatype,
    shape: number[],
    batchAxis: number | null,
  ): ModelMetadata => ({
    inputs: [{ name: "x", datatype, shape, batchAxis }],
    outputs: [],
    batching: { type: "batched", maxBatchSize: 8 },
    notServable: [],
    externalFiles: [],
    state: [],
    stream: null,
  });

  const cases: readonly [string, ModelMetadata, boolean][] = [
    ["only the rows are free", withInput("FP32", [-1, 4], 0), true],
    ["the rows stand at another axis", withInput("FP32", [2, -1, 4], 1), true],
    ["another axis is free", withInput("FP32", [-1, -1], 0), false],
    ["texts have any length", withInput("BYTES", [-1], 0), false],
    [
      "it is not batched",
      { ...withInput("FP32", [4], null), batching: { type: "unbatched", reason: "" } },
      false,
    ],
  ];
  for (const [name, metadata, expected] of cases) {
    it(`is ${expected} where ${name}`, () => assert.equal(hasBoundedShapes(metadata), expected));
  }
});
