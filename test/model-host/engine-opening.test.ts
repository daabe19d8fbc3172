/* The move of an engine with real models: ONNX Runtime is loaded here. */
import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { chooseEngine } from "../../model-host/engine-choice.ts";
import { engineOpener } from "../../model-host/engine-opening.ts";
import { EngineWatch } from "../../model-host/engine-watch.ts";
import { InlineEngine } from "../../model-host/inline-engine.ts";
import { LiveEngine } from "../../model-host/live-engine.ts";
import { ThreadEngine } from "../../model-host/thread-engine.ts";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel, freeWidthModel } from "../../models/odd-models.ts";
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

async function load(bytes: Uint8Array, isSlow = false) {
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
    isSlow,
    onDeath: noDeath,
    onLoaded: () => Promise.resolve(),
  });
  return { file, loaded, open: engineOpener(options, loaded) };
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
    const cases = [
      [loopModel(), "it is large, or has operators whose time does not follow from shapes"],
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

  it("opens one on the main thread for what the host before it found too slow, where it is not", async () => {
    const { loaded, open } = await load(echoModel(), true);
    const reason = "the host before it found that the main thread does not do";
    assert.deepEqual([loaded.place, loaded.mayMove], [{ thread: "own", reason }, true]);
    const opened = await open("main", noDeath);
    assert.ok(opened.type === "opened" && opened.engine instanceof InlineEngine);
    await loaded.engine.close();
  });
});
