import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { batchMixingModel, brokenModel, echoModel } from "../../models/odd-models.ts";
import type { HostCommand, HostEvent, HostSpec, TrialResult } from "../../src/protocol/control.ts";
import { parseHostEvent } from "../../src/protocol/event-parsing.ts";
import type { GoldenSample } from "../../src/protocol/model-settings.ts";
import { forkFrom } from "../../supervisor/child-process.ts";
import { hostSpec } from "../model-host/host-spec.ts";

const folder = mkdtempSync(join(tmpdir(), "restart-"));
after(() => rmSync(folder, { recursive: true }));

const entry = pathToFileURL(join(import.meta.dirname, "../../dist/model-host/start.js"));
// The tests' own loader is found from here, where a host begins in an empty folder.
const fork = forkFrom<HostCommand>(entry, import.meta.dirname, { beatMs: 60_000, restMs: 60_000 });
let hosts = 0;

/** What a host says until it is ready, as its supervisor would hear it. */
function start(changes: Partial<HostSpec>, withThread: boolean): Promise<readonly HostEvent[]> {
  hosts += 1;
  const spec = hostSpec({ socketPath: join(folder, `${hosts}.sock`), ...changes });
  const said: HostEvent[] = [];
  return new Promise((resolve, reject) => {
    const onEvent = (event: HostEvent) => {
      if (event.type !== "beat") said.push(event);
      if (event.type === "booted") host.send({ type: "load", spec });
      if (event.type === "ready" || event.type === "refused") host.kill();
    };
    const host = fork(
      {
        onMessage: (message) => onEvent(eventIn(message)),
        onLine: (_stream, line) => reject(new Error(line)),
        onExit: () => resolve(said),
      },
      withThread,
    );
  });
}

function eventIn(message: unknown): HostEvent {
  const event = parseHostEvent(message);
  assert.ok(event !== undefined, JSON.stringify(message));
  return event;
}

const typesOf = (said: readonly HostEvent[]) =>
  said.map((event) => (event.type === "step" ? event.step : event.type));

function resultIn(said: readonly HostEvent[]): TrialResult {
  const tried = said.find((event) => event.type === "tried");
  assert.ok(tried !== undefined);
  return tried.result;
}

/** Each row has its neighbours' mean taken off, so that a row alone is all zeros, and its engine needs a thread. */
function modelFile(name: string): string {
  const file = join(folder, name);
  writeFileSync(file, batchMixingModel());
  return file;
}

function golden(outputs: readonly number[]): readonly GoldenSample[] {
  const request = JSON.stringify({ features: [1, 2, 3, 4] });
  return [{ request, outputs: JSON.stringify({ y: [outputs] }), tolerance: 0.001 }];
}

const right = golden([0, 0, 0, 0]);

describe("A host that takes the place of a dead one", () => {
  it("does not try its model again, but still warms up and proves its golden samples", async () => {
    const file = modelFile("same.onnx");
    const first = await start({ file, golden: right }, false);
    assert.deepEqual(typesOf(first), [
      "booted",
      "loaded",
      "tried",
      "warmup",
      "golden",
      "engine",
      "ready",
    ]);
    const known = resultIn(first);
    const second = await start({ file, golden: right, known }, true);
    assert.deepEqual(typesOf(second), ["booted", "warmup", "golden", "engine", "ready"]);
    assert.deepEqual(second.at(-1), first.at(-1));
  });

  it("tries its model anew where the file has changed meanwhile", async () => {
    const file = modelFile("changed.onnx");
    const known = resultIn(await start({ file }, false));
    writeFileSync(file, echoModel());
    const second = await start({ file, known }, true);
    assert.deepEqual(typesOf(second), ["booted", "loaded", "tried", "warmup", "engine", "ready"]);
    assert.equal(resultIn(second).metadata.batching.type, "batched");
  });

  it("is refused where a golden sample is no longer answered as it must be", async () => {
    const file = modelFile("wrong.onnx");
    const known = resultIn(await start({ file }, false));
    const second = await start({ file, known, golden: golden([0, 0, 0, 9]) }, true);
    assert.deepEqual(typesOf(second), ["booted", "warmup", "golden", "refused"]);
  });

  it("is refused, and does not die, where its model can no longer be loaded", async () => {
    const file = modelFile("broken.onnx");
    const known = resultIn(await start({ file }, false));
    writeFileSync(file, brokenModel());
    const second = await start({ file, known }, true);
    assert.deepEqual(typesOf(second), ["booted", "refused"]);
  });

  it("tries nothing where the trial has ended the one before", async () => {
    const said = await start({ file: modelFile("mortal.onnx"), skipTrial: "it died" }, false);
    assert.deepEqual(typesOf(said), ["booted", "loaded", "warmup", "engine", "ready"]);
  });
});
