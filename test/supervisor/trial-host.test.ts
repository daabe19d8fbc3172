import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { HostCommand } from "../../src/protocol/control.ts";
import type { MakeHostSlot } from "../../supervisor/host-group.ts";
import { HostSlot } from "../../supervisor/host-slot.ts";
import { PoisonList } from "../../supervisor/poison-list.ts";
import { tryModel } from "../../supervisor/trial-host.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeForks, slotContext } from "./fake-forks.ts";
import { makeReady, settled, versionOf } from "./life-parts.ts";
import { metadata } from "./metadata.ts";

const mebibyte = 2 ** 20;
const { hangMs } = slotContext(new FakeClock());

function begin(memoryMb: number | null = null) {
  const clock = new FakeClock();
  const forks = new FakeForks<HostCommand>();
  const steps: string[] = [];
  const there: HostSlot[] = [];
  const rss = new Map<number, number>();
  const context = { ...slotContext(clock), readRss: (pid: number) => rss.get(pid) };
  const makeSlot: MakeHostSlot = (plan, listener) => {
    const log = { level: "silent" as const, pretty: false };
    const shared = { socketFolder: "/nowhere", maxFrameBytes: 1, drainSequencesMs: 1, log };
    return new HostSlot(context, { ...plan, ...shared, fork: forks.fork }, listener);
  };
  const plan = {
    model: "m",
    ...versionOf("1"),
    config: { ...defaultModelConfig, limits: { memoryMb } },
  };
  const outcome = tryModel(plan, {
    clock,
    makeSlot,
    ordinal: 1,
    poison: new PoisonList(clock),
    onStep: (step) => steps.push(step),
    onHost: (host, isThere) => {
      if (isThere) there.push(host);
      else there.splice(there.indexOf(host), 1);
    },
  });
  // Whoever looks at it looks later.
  outcome.catch(() => undefined);
  /** The process has so much, and is looked at. */
  const look = (rssMb: number) => {
    rss.set(forks.children.length, rssMb * mebibyte);
    clock.advance(1_000);
    for (const { slot } of there) slot.watch(clock.now());
  };
  return { clock, forks, steps, there, outcome, rss, look };
}

describe("a throwaway host", () => {
  it("tells what the model takes, and ends", async () => {
    const { forks, steps, there, outcome } = begin();
    forks.child.says({ type: "booted" });
    forks.child.says({ type: "loaded" });
    forks.child.says({ type: "step", step: "warmup" });
    forks.child.says({ type: "ready", metadata });
    await settled();
    assert.deepEqual([steps, there.length, forks.child.kills], [["warmup"], 1, 1]);
    forks.child.exits(null, "SIGKILL");
    assert.equal((await outcome).batching.type, "unbatched");
    assert.deepEqual(there, []);
  });

  it("says why ONNX Runtime refuses the model", async () => {
    const { forks, outcome } = begin();
    forks.child.says({ type: "booted" });
    forks.child.says({ type: "refused", reason: "protobuf parsing failed" });
    forks.child.exits(0);
    await assert.rejects(outcome, {
      code: "invalid-model",
      message: "Cannot serve model: protobuf parsing failed",
    });
  });

  it("says that the model ends its process, when it has done so twice", async () => {
    const { forks, outcome } = begin();
    forks.child.exits(null, "SIGSEGV");
    await settled();
    forks.child.exits(null, "SIGSEGV");
    await assert.rejects(outcome, {
      message: "Cannot serve model: it ended the process that loaded it (SIGSEGV)",
    });
    assert.equal(forks.children.length, 2);
  });

  it("starts again without a trial where the trial has ended it", async () => {
    const { forks, outcome } = begin();
    forks.child.says({ type: "booted" });
    forks.child.says({ type: "loaded" });
    forks.child.exits(null, "SIGFPE");
    await settled();
    forks.child.says({ type: "booted" });
    const load = forks.child.sent.find(({ type }) => type === "load");
    assert.ok(load?.type === "load" && load.spec.skipTrial !== null);
    forks.child.says({ type: "ready", metadata });
    await settled();
    forks.child.exits(null, "SIGKILL");
    await outcome;
  });

  it("does not wait twice for a model that takes too long to load", async () => {
    const { clock, forks, outcome } = begin();
    forks.child.says({ type: "booted" });
    clock.advance(defaultModelConfig.timeouts.loadMs);
    assert.equal(forks.child.kills, 1);
    forks.child.exits(null, "SIGKILL");
    await settled();
    forks.child.exits(null, "SIGKILL");
    await assert.rejects(outcome, { message: /loading it took too long/ });
  });

  it("waits longer for a sign of life than for one of those that it gives way to", async () => {
    const { clock, forks, there, outcome } = begin();
    const [trial] = there;
    assert.ok(trial !== undefined);
    forks.child.says({ type: "booted" });
    clock.advance(5 * hangMs);
    trial.slot.watch(clock.now());
    assert.equal(forks.child.kills, 0);
    forks.child.says({ type: "ready", metadata });
    await settled();
    forks.child.exits(null, "SIGKILL");
    await outcome;
  });

  for (const [name, before, words] of [
    [
      "far over its limit while it loads",
      90,
      "its memory is 90 MiB, over 1.5 times the limit of 50",
    ],
    ["over its limit when it is ready", 60, "its memory is 60 MiB, over the limit of 50"],
  ] as const) {
    it(`fails where it is ${name}`, async () => {
      const { forks, outcome, look, rss } = begin(50);
      rss.set(1, before * mebibyte);
      if (before === 60) makeReady(forks.child);
      look(before);
      await settled();
      forks.child.exits(null, "SIGKILL");
      await assert.rejects(outcome, {
        code: "invalid-model",
        message: `Cannot serve model: ${words}`,
      });
    });
  }

  it("passes where it was over its limit only while it loaded", async () => {
    const { forks, outcome, look } = begin(50);
    look(60);
    look(60);
    makeReady(forks.child);
    look(40);
    await settled();
    forks.child.exits(null, "SIGKILL");
    assert.equal((await outcome).batching.type, "unbatched");
  });
});
