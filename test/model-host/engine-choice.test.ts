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
import { brokenModel, echoModel, freeWidthModel } from "../../models/odd-models.ts";
import type { Datatype, ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { SessionSettings } from "../../src/protocol/model-settings.ts";

const settings: SessionSettings = {
  threads: 1,
  executionProviders: ["cpu"],
  graphOptimization: "all",
};

function choose(
  t: TestContext,
  model: Uint8Array,
  changes: Partial<SessionSettings> = {},
  known: Pick<EngineOptions, "isSlow" | "onSlow"> = {},
) {
  const folder = mkdtempSync(join(tmpdir(), "choice-"));
  // An engine's thread does not keep the process alive: in a host its channel to the supervisor does.
  const alive = setInterval(() => undefined, 1_000);
  t.after(() => {
    clearInterval(alive);
    rmSync(folder, { recursive: true });
  });
  const file = join(folder, "model.onnx");
  writeFileSync(file, model);
  return chooseEngine({
    file,
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
    const { engine, metadata } = await choose(t, echoModel(), {}, { isSlow: true });
    assert.ok(engine instanceof ThreadEngine);
    assert.deepEqual(metadata.batching, { type: "batched", maxBatchSize: 8 });
  });

  it("tells what is too slow, so that the next host need not find out", async (t) => {
    const told: string[] = [];
    const onSlow = () => told.push("slow");
    await choose(t, echoModel(), {}, { onSlow });
    const { engine } = await choose(t, freeWidthModel(), {}, { onSlow });
    assert.ok(engine instanceof ThreadEngine);
    assert.deepEqual(told, ["slow"]);
  });

  it("says what ONNX Runtime has against a broken model", async (t) => {
    await assert.rejects(choose(t, brokenModel()), { code: "invalid-model" });
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
