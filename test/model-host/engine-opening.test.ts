/* The move of an engine with real models: ONNX Runtime is loaded here. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { chooseEngine, obstacleOf } from "../../model-host/engine-choice.ts";
import { engineOpener } from "../../model-host/engine-opening.ts";
import { EngineWatch } from "../../model-host/engine-watch.ts";
import { InlineEngine } from "../../model-host/inline-engine.ts";
import { LiveEngine } from "../../model-host/live-engine.ts";
import { ThreadEngine } from "../../model-host/thread-engine.ts";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel, freeWidthModel } from "../../models/odd-models.ts";
import { encodeModel, type TensorValue } from "../../models/onnx-writer.ts";
import { FakeClock } from "../fake-clock.ts";
import { fp32, numbersOf } from "./fake-engine.ts";
import { quietLog } from "./host-spec.ts";
import { it, settings } from "./real-engine.ts";

const folder = mkdtempSync(join(tmpdir(), "opening-"));
after(() => rmSync(folder, { recursive: true }));

let files = 0;

function noDeath(reason: string): void {
  assert.fail(reason);
}

async function load(bytes: Uint8Array, slow: string | null = null) {
  files += 1;
  const file = join(folder, `${files}.onnx`);
  writeFileSync(file, bytes);
  const options = {
    file,
    beside: [],
    settings,
    trial: { maxBatchSize: 8, skip: null, state: null, stream: null },
  };
  const loaded = await chooseEngine({
    ...options,
    slow,
    onDeath: noDeath,
    onLoaded: () => Promise.resolve(),
  });
  return { file, loaded, open: engineOpener(options, loaded) };
}

function value(name: string): TensorValue {
  return { name, elementType: "FP32", shape: ["batch", 4] };
}

/** It gives what it gets, after all of the operators. */
function madeOf(operators: readonly string[], name = "made"): Uint8Array {
  return encodeModel({
    name,
    inputs: [value("x")],
    outputs: [value(`y${operators.length}`)],
    nodes: operators.map((op, at) => ({
      op,
      inputs: [at === 0 ? "x" : `y${at}`],
      outputs: [`y${at + 1}`],
    })),
  });
}

function threads(): number {
  return readdirSync(`/proc/${process.pid}/task`).length;
}

describe("the opener of engines", () => {
  it("serves one request after the other through a move to a thread and back", async () => {
    const { loaded, open } = await load(echoModel());
    const { engine: first, place, metadata } = loaded;
    assert.ok(first instanceof InlineEngine && place.thread === "main");
    const live = new LiveEngine(first);
    const clock = new FakeClock();
    const arrivals: string[] = [];
    const watch = new EngineWatch({
      live,
      place,
      metadata,
      open,
      onDeath: noDeath,
      isIdle: () => true,
      clock,
      log: quietLog,
      tell: async (event) => {
        if (event.type === "engine") arrivals.push(event.thread);
      },
    });
    let asked = 0;
    const ask = async () => {
      asked += 1;
      const value = asked;
      const x = { name: "x", ...fp32([1, 4], [value, 0, 0, 1]) };
      const { outputs } = await live.run([x], ["y"]);
      assert.deepEqual(outputs.map(numbersOf), [[value, 0, 0, 1]]);
    };
    const askUntil = async (arrived: number) => {
      while (arrivals.length < arrived) {
        await ask();
        await turn();
      }
    };
    const before = threads();
    for (let run = 0; run < 64; run += 1) live.onRun([{ name: "x", ...fp32([1, 4]) }], 3);
    await askUntil(1);
    assert.ok(threads() > before && live.takesMemory);
    for (let run = 0; run < 64; run += 1) live.onRun([{ name: "x", ...fp32([1, 4]) }], 0.01);
    clock.advance(3_600_000);
    for (let run = 0; run < 64; run += 1) live.onRun([{ name: "x", ...fp32([1, 4]) }], 0.01);
    clock.advance(1_000);
    await askUntil(2);
    await watch.close();
    assert.deepEqual([arrivals, live.takesMemory, threads()], [["own", "main"], false, before]);
    await ask();
  });

  it("opens none where the model's file is another one by now, nor where it is gone, and says that for good", async () => {
    const { file, open } = await load(echoModel());
    const before = threads();
    writeFileSync(file, echoModel());
    const refused = {
      type: "refused",
      reason: "its files are no longer those that it was loaded from",
      isFinal: true,
    };
    const openBoth = async () => [await open("own", noDeath), await open("main", noDeath)];
    assert.deepEqual(await openBoth(), [refused, refused]);
    writeFileSync(file, "what is there now is not even loaded");
    assert.deepEqual(await openBoth(), [refused, refused]);
    unlinkSync(file);
    assert.deepEqual(await openBoth(), [refused, refused]);
    assert.equal(threads(), before);
  });

  it("opens none on the main thread for what may take long there, and says that for good", async () => {
    const largeModel = madeOf(["Identity"], "large".repeat(2 ** 18));
    const cases = [
      [loopModel(), "it has operators whose time does not follow from shapes: Loop"],
      [largeModel, `its file has ${largeModel.length} bytes, more than 1048576`],
      [freeWidthModel(), "its rows have no fixed size, or stand in no batch"],
    ] as const;
    for (const [bytes, reason] of cases) {
      const { loaded, open } = await load(bytes);
      assert.ok(loaded.engine instanceof ThreadEngine);
      assert.deepEqual(loaded.place, { thread: "own", reason });
      assert.deepEqual(await open("main", noDeath), { type: "refused", reason, isFinal: true });
      await loaded.engine.close();
    }
  });

  it("names the first few operators whose time may be any", async () => {
    const trial = { maxBatchSize: 8, skip: null, state: null, stream: null };
    const reasonFor = async (bytes: Uint8Array) => {
      const file = join(folder, "scanned.onnx");
      writeFileSync(file, bytes);
      return obstacleOf({ file, settings, trial });
    };
    const words = "it has operators whose time does not follow from shapes:";
    const scans = ["Scan", "Identity", "Loop", "NonZero", "If", "Loop"];
    assert.equal(await reasonFor(madeOf(["Identity", "Relu"])), undefined);
    assert.equal(await reasonFor(madeOf(["Scan", "If"])), `${words} If, Scan`);
    assert.equal(await reasonFor(madeOf(scans)), `${words} If, Loop, NonZero and 1 more`);
    assert.equal(await reasonFor(madeOf(["W".repeat(99)])), `${words} ${"W".repeat(64)}`);
    const unreadable = "its operators cannot be told from its file";
    assert.equal(await reasonFor(Buffer.from("no model")), unreadable);
  });

  it("opens one on the main thread for what the host before it found too slow, where it is not", async () => {
    const reason = "a full batch took more than 0.25 ms in a trial";
    const { loaded, open } = await load(echoModel(), reason);
    assert.deepEqual([loaded.place, loaded.mayMove], [{ thread: "own", reason }, true]);
    const opened = await open("main", noDeath);
    assert.ok(opened.type === "opened" && opened.engine instanceof InlineEngine);
    await loaded.engine.close();
  });
});
