import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { HostCommand, HostEvent, HostSpec, TrialResult } from "../../src/protocol/control.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import type { ModelConfig } from "../../src/protocol/model-settings.ts";
import type { LastExit } from "../../supervisor/exit-cause.ts";
import { HostSlot } from "../../supervisor/host-slot.ts";
import { PoisonList } from "../../supervisor/poison-list.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeForks, slotContext } from "./fake-forks.ts";

const socketFolder = mkdtempSync(join(tmpdir(), "host-slot-"));
after(() => rmSync(socketFolder, { recursive: true }));

const log = { level: "info" as const, pretty: false };
const figures = { rssBytes: 1, cpuSeconds: 2, eventLoopDelayMs: 3 };
const load = {
  queueRows: 4,
  inFlight: 5,
  breaker: "closed",
  sequences: 6,
  objective: null,
} as const;

const metadata: ModelMetadata = {
  inputs: [],
  outputs: [],
  batching: { type: "batched", maxBatchSize: 64 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

function setUp(config: ModelConfig = { ...defaultModelConfig, labels: ["setosa"] }) {
  const clock = new FakeClock();
  const forks = new FakeForks<HostCommand>();
  const poison = new PoisonList(clock);
  const told: string[] = [];
  const down: (readonly [string, LastExit])[] = [];
  const phases: string[] = [];
  const steps: string[] = [];
  const reports: unknown[] = [];
  const watched: string[] = [];
  const context = slotContext(clock);
  const options = {
    model: "iris",
    version: "1",
    file: "/models/iris/model.onnx",
    beside: [],
    config,
    replica: 2,
    ordinal: 17,
    fork: forks.fork,
    socketFolder,
    maxFrameBytes: 1_000,
    drainSequencesMs: 700,
    log,
    poison,
  };
  const host: HostSlot = new HostSlot(context, options, {
    onChange: () => phases.push(host.slot.phase.name),
    onStep: (step) => steps.push(step),
    onBeat: () => undefined,
    onWatch: () => watched.push(host.slot.phase.name),
    onMetrics: (reportId, metrics) => reports.push({ reportId, metrics }),
    onPoison: (fingerprint) => told.push(fingerprint),
    onDown: (hostId, exit) => down.push([hostId, exit]),
  });
  return { clock, forks, poison, told, down, phases, steps, reports, watched, host };
}

type Parts = ReturnType<typeof setUp>;

function say({ forks }: Parts, ...events: readonly HostEvent[]): void {
  for (const event of events) forks.child.says(event);
}

function makeReady(parts: Parts, ...tried: readonly HostEvent[]): void {
  if (parts.forks.children.length === 0) parts.host.slot.start();
  say(parts, { type: "booted" }, { type: "loaded" }, ...tried, { type: "ready", metadata });
}

async function die({ forks, clock }: Parts, signal: NodeJS.Signals): Promise<void> {
  forks.child.exits(null, signal);
  await turn();
  clock.advance(1_000);
  await turn();
}

/** What the process that was forked last has been told to load. */
function specOf(parts: Parts): HostSpec {
  say(parts, { type: "booted" });
  const command = parts.forks.child.sent.at(-1);
  assert.ok(command?.type === "load");
  return command.spec;
}

describe("a host's slot", () => {
  it("tells its process, once it has booted, all that it may know", () => {
    const parts = setUp();
    parts.host.slot.start();
    const before = parts.forks.child.sent.length;
    const { batching, objective, queue, timeouts, breaker, session } = defaultModelConfig;
    assert.deepEqual(specOf(parts), {
      hostId: "iris/1#2.17-1",
      model: "iris",
      version: "1",
      file: "/models/iris/model.onnx",
      beside: [],
      socketPath: join(socketFolder, "17-1.sock"),
      labels: ["setosa"],
      batching,
      objective,
      queue,
      runMs: timeouts.runMs,
      breaker,
      session,
      state: null,
      stream: null,
      defaults: {},
      warmup: null,
      golden: [],
      sequenceIdleMs: timeouts.sequenceIdleMs,
      drainSequencesMs: 700,
      maxFrameBytes: 1_000,
      log,
      poison: [],
      skipTrial: null,
      slow: null,
      known: null,
    });
    assert.equal(before, 0);
  });

  it("tells it what its model remembers, and for how long", () => {
    const memory: Pick<ModelConfig, "state" | "stream" | "defaults"> = {
      state: [{ input: "h", output: "hn", initial: [0.5] }],
      stream: { input: "x", window: 576, hop: 512, pad: "zeros" },
      defaults: { sr: 16_000 },
    };
    const queue = { ...defaultModelConfig.queue, maxSequences: 9 };
    const timeouts = { ...defaultModelConfig.timeouts, sequenceIdleMs: 250 };
    const parts = setUp({ ...defaultModelConfig, ...memory, queue, timeouts, labels: [] });
    parts.host.slot.start();
    const spec = specOf(parts);
    const { state, stream, defaults } = spec;
    assert.deepEqual({ state, stream, defaults }, memory);
    assert.deepEqual([spec.queue.maxSequences, spec.sequenceIdleMs], [9, 250]);
  });

  it("is another host, with another socket, each time", async () => {
    const parts = setUp();
    makeReady(parts);
    const first = parts.host.view;
    await die(parts, "SIGKILL");
    assert.deepEqual(
      [first, parts.host.view],
      [
        { hostId: "iris/1#2.17-1", socketPath: join(socketFolder, "17-1.sock") },
        { hostId: "iris/1#2.17-2", socketPath: join(socketFolder, "17-2.sock") },
      ],
    );
  });

  it("keeps what a ready host says of its model, and how long it took", () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" });
    parts.clock.advance(300);
    say(parts, { type: "loaded" }, { type: "ready", metadata });
    const { host, phases } = parts;
    assert.deepEqual([host.metadata, host.hasBeenReady, host.readyMs], [metadata, true, 300]);
    assert.deepEqual(phases, ["starting", "ready"]);
  });

  it("gives up a model that ONNX Runtime refuses", () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" }, { type: "refused", reason: "no ONNX" });
    assert.deepEqual(parts.host.slot.phase, { name: "given-up", since: 0, reason: "no ONNX" });
  });

  it("knows the load of a host that lives", async () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "beat", isResting: false, figures, load });
    const before = parts.host.load;
    await die(parts, "SIGKILL");
    assert.deepEqual([before, parts.host.load], [load, undefined]);
  });

  it("is asked for a sign of life where it rests and somebody waits for it", () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "beat", isResting: true, figures, load });
    parts.host.doubt();
    parts.host.doubt();
    const asked = parts.forks.child.sent.filter(({ type }) => type === "beat");
    assert.deepEqual([asked, parts.host.slot.isResting], [[{ type: "beat" }], false]);
  });

  it("is not asked for one where it says so by itself", () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "beat", isResting: false, figures, load });
    parts.host.doubt();
    assert.ok(parts.forks.child.sent.every(({ type }) => type !== "beat"));
  });

  it("hands on its metrics", () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "metrics", reportId: 3, metrics: [] });
    assert.deepEqual(parts.reports, [{ reportId: 3, metrics: [] }]);
  });

  it("says which host went down, and how, before it has the next", async () => {
    const parts = setUp();
    makeReady(parts);
    await die(parts, "SIGSEGV");
    const [[hostId, exit] = []] = parts.down;
    assert.deepEqual([hostId, exit?.cause, exit?.blame], ["iris/1#2.17-1", "SIGSEGV", "model"]);
  });

  it("is looked at as soon as it is ready", () => {
    const parts = setUp();
    makeReady(parts);
    assert.deepEqual(parts.watched, ["ready"]);
  });

  it("removes the socket that its process left", async () => {
    const parts = setUp();
    makeReady(parts);
    const { socketPath } = parts.host.view;
    writeFileSync(socketPath, "");
    await die(parts, "SIGKILL");
    assert.equal(existsSync(socketPath), false);
  });

  it("forgets crashes when its process has answered", async () => {
    const parts = setUp();
    for (let crashes = 0; crashes < 20; crashes += 1) {
      makeReady(parts);
      say(parts, { type: "answered" });
      await die(parts, "SIGSEGV");
    }
    assert.equal(parts.host.slot.phase.name, "starting");
  });

  it("ends a host that says what no host says", () => {
    const parts = setUp();
    makeReady(parts);
    parts.forks.child.says({ type: "beat", isResting: false, figures: { rssBytes: "1" } });
    assert.equal(parts.forks.child.kills, 1);
  });

  const warmup = { type: "step", step: "warmup" } as const;
  const golden = { type: "step", step: "golden" } as const;
  const ready = { type: "ready", metadata } as const;
  const booted: readonly HostEvent[] = [{ type: "booted" }, { type: "loaded" }];

  it("hands on the steps of a start, again with each incarnation", async () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, ...booted, warmup, golden, ready);
    await die(parts, "SIGSEGV");
    say(parts, ...booted, warmup, golden, ready);
    assert.deepEqual(parts.steps, ["warmup", "golden", "warmup", "golden"]);
    assert.deepEqual(parts.host.slot.phase.name, "ready");
  });

  const disorders: readonly (readonly [string, readonly HostEvent[]])[] = [
    ["boots twice", [{ type: "booted" }, { type: "booted" }]],
    ["loads twice", [...booted, { type: "loaded" }]],
    ["takes a step twice", [...booted, warmup, golden, warmup]],
    ["takes a step when it is ready", [...booted, ready, golden]],
    ["loads when it is ready", [{ type: "booted" }, ready, { type: "loaded" }]],
    ["is ready twice", [...booted, ready, ready]],
    ["refuses when it is ready", [...booted, ready, { type: "refused", reason: "" }]],
    ["takes a step when it has refused", [...booted, { type: "refused", reason: "" }, golden]],
  ];
  for (const [what, events] of disorders) {
    it(`ends a host that ${what}, and hears nothing more of it`, async () => {
      const parts = setUp();
      parts.host.slot.start();
      say(parts, ...events);
      const { length } = parts.steps;
      say(parts, warmup, golden, warmup);
      assert.deepEqual([parts.forks.child.kills, parts.steps.length], [1, length]);
      await die(parts, "SIGKILL");
      assert.equal(parts.down[0]?.[1].cause, "protocol");
    });
  }

  it("bears with what a host said of its start before it heard that it should end", () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" });
    parts.host.slot.apply({ type: "drain" });
    say(parts, { type: "loaded" }, warmup, ready);
    assert.deepEqual(
      [parts.forks.child.kills, parts.steps, parts.host.metadata],
      [0, [], undefined],
    );
  });

  it("asks its process to drain", () => {
    const parts = setUp();
    makeReady(parts);
    parts.host.slot.apply({ type: "drain" });
    assert.deepEqual(parts.forks.child.sent.at(-1), { type: "drain" });
  });
});

describe("a trial", () => {
  it("is left out when it has ended the host before", async () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" }, { type: "loaded" });
    await die(parts, "SIGSEGV");
    assert.equal(specOf(parts).skipTrial, "the trial ended the host (SIGSEGV)");
  });

  it("is left out when it took too long", async () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" }, { type: "loaded" });
    parts.clock.advance(9_999);
    const before = parts.forks.child.kills;
    parts.clock.advance(1);
    assert.deepEqual([before, parts.forks.child.kills], [0, 1]);
    await die(parts, "SIGKILL");
    assert.equal(specOf(parts).skipTrial, "the trial ended the host (load-timeout)");
  });

  it("is not to blame for a crash before it", async () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" });
    await die(parts, "SIGSEGV");
    assert.equal(specOf(parts).skipTrial, null);
  });

  it("is not to blame for a crash after it", async () => {
    const parts = setUp();
    makeReady(parts);
    await die(parts, "SIGSEGV");
    assert.equal(specOf(parts).skipTrial, null);
  });
});

describe("what a trial has found", () => {
  const result: TrialResult = { stamp: "7-1", metadata, onThread: true };
  const tried = { type: "tried", result } as const;

  it("is handed to the next host, whose engine's thread may start at once", async () => {
    const parts = setUp();
    parts.host.slot.start();
    const before = [specOf(parts).known, parts.forks.threads.at(-1)];
    say(parts, { type: "loaded" }, tried, { type: "ready", metadata });
    await die(parts, "SIGKILL");
    assert.deepEqual([before, specOf(parts).known], [[null, false], result]);
    assert.equal(parts.forks.threads.at(-1), true);
  });

  it("starts no thread where the main thread did", async () => {
    const parts = setUp();
    makeReady(parts, { ...tried, result: { ...result, onThread: false } });
    await die(parts, "SIGKILL");
    assert.equal(specOf(parts).known?.onThread, false);
    assert.equal(parts.forks.threads.at(-1), false);
  });

  it("outlives a host that does not try again", async () => {
    const parts = setUp();
    makeReady(parts, tried);
    await die(parts, "SIGKILL");
    say(parts, { type: "booted" }, { type: "ready", metadata });
    await die(parts, "SIGKILL");
    assert.deepEqual(specOf(parts).known, result);
  });

  it("is forgotten when the trial ends the host after all", async () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" }, { type: "loaded" }, tried);
    await die(parts, "SIGSEGV");
    const { known, skipTrial } = specOf(parts);
    assert.deepEqual([known, skipTrial], [null, "the trial ended the host (SIGSEGV)"]);
  });

  const badEnds: Record<string, (parts: Parts) => void | Promise<void>> = {
    "that crashes before it is ready": (parts) => die(parts, "SIGSEGV"),
    "that says what no host says": async (parts) => {
      say(parts, { type: "ready", metadata });
      parts.forks.child.says({ type: "nonsense" });
      await die(parts, "SIGKILL");
    },
  };
  for (const [what, end] of Object.entries(badEnds)) {
    it(`is found out anew after a host ${what}`, async () => {
      const parts = setUp();
      makeReady(parts, tried);
      await die(parts, "SIGKILL");
      assert.deepEqual(specOf(parts).known, result);
      await end(parts);
      const { known, skipTrial } = specOf(parts);
      assert.deepEqual([known, skipTrial], [null, null]);
    });
  }

  it("is handed on where a host is killed from outside before it is ready", async () => {
    const parts = setUp();
    makeReady(parts, tried);
    await die(parts, "SIGKILL");
    await die(parts, "SIGKILL");
    assert.deepEqual(specOf(parts).known, result);
  });

  it("is not taken from a host that was to try nothing", async () => {
    const parts = setUp();
    parts.host.slot.start();
    say(parts, { type: "booted" }, { type: "loaded" });
    await die(parts, "SIGSEGV");
    makeReady(parts, tried);
    await die(parts, "SIGKILL");
    const { known, skipTrial } = specOf(parts);
    assert.deepEqual([known, skipTrial], [null, "the trial ended the host (SIGSEGV)"]);
  });

  it("is not taken from a host that serves", () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, tried);
    assert.equal(parts.forks.child.kills, 1);
  });
});

describe("a model that is too slow for the main thread", () => {
  it("is not tried there by the next host", async () => {
    const parts = setUp();
    parts.host.slot.start();
    const reason = "a full batch took more than 0.25 ms in a trial";
    const before = specOf(parts).slow;
    say(parts, { type: "loaded" }, { type: "slow", reason });
    await die(parts, "SIGKILL");
    assert.deepEqual([before, specOf(parts).slow], [null, reason]);
    assert.deepEqual(parts.forks.threads, [false, true]);
  });

  it("is tried there again by the next host once it has come back there", async () => {
    const parts = setUp();
    makeReady(parts);
    const place = { thread: "main", reason: "it is quick" } as const;
    const reason = "it is slow";
    say(parts, { type: "slow", reason }, { type: "engine", thread: "own", reason });
    assert.equal(parts.host.engine?.thread, "own");
    say(parts, { type: "engine", ...place });
    assert.deepEqual(parts.host.engine, place);
    await die(parts, "SIGKILL");
    assert.deepEqual([specOf(parts).slow, parts.host.engine], [null, undefined]);
  });
});

describe("a suspect", () => {
  it("is poison when its host crashes while it runs", async () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "suspect", fingerprint: "a" });
    await die(parts, "SIGSEGV");
    assert.deepEqual([parts.told, specOf(parts).poison], [["a"], ["a"]]);
  });

  it("is poison when its run does not end", async () => {
    const parts = setUp();
    makeReady(parts);
    say(
      parts,
      { type: "suspect", fingerprint: "a" },
      { type: "overrun", fingerprint: "a", reason: "long" },
    );
    assert.equal(parts.forks.child.kills, 1);
    await die(parts, "SIGKILL");
    assert.deepEqual([parts.told, parts.down[0]?.[1].cause], [["a"], "overrun"]);
  });

  it("is innocent when its host dies of too much memory", async () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "suspect", fingerprint: "a" });
    parts.host.slot.kill("memory-limit");
    await die(parts, "SIGKILL");
    assert.deepEqual([parts.told, specOf(parts).poison], [[], []]);
  });

  const innocent: readonly (readonly [string, readonly HostEvent[], NodeJS.Signals])[] = [
    ["the kill came from outside", [{ type: "suspect", fingerprint: "a" }], "SIGKILL"],
    [
      "it was survived",
      [
        { type: "suspect", fingerprint: "a" },
        { type: "cleared", fingerprint: "a" },
      ],
      "SIGSEGV",
    ],
  ];
  for (const [name, events, signal] of innocent) {
    it(`is no poison where ${name}`, async () => {
      const parts = setUp();
      makeReady(parts);
      say(parts, ...events);
      await die(parts, signal);
      assert.deepEqual([parts.told, specOf(parts).poison], [[], []]);
    });
  }

  it("does not burden the next host", async () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, { type: "suspect", fingerprint: "a" });
    await die(parts, "SIGKILL");
    makeReady(parts);
    await die(parts, "SIGSEGV");
    assert.deepEqual(parts.told, []);
  });

  it("spends a budget of its own", async () => {
    const parts = setUp();
    for (let crashes = 0; crashes < 8; crashes += 1) {
      makeReady(parts);
      say(parts, { type: "suspect", fingerprint: `${crashes}` });
      await die(parts, "SIGSEGV");
    }
    const before = parts.host.slot.phase.name;
    for (let crashes = 0; crashes < 5; crashes += 1) {
      makeReady(parts);
      await die(parts, "SIGSEGV");
      parts.clock.advance(10_000);
      await turn();
    }
    assert.deepEqual([before, parts.host.slot.phase.name], ["starting", "starting"]);
  });
});

describe("a run that does not end", () => {
  const overrun = { type: "overrun", fingerprint: "a", reason: "long" } as const;

  it("has its host killed, and its inputs are poison the second time", async () => {
    const parts = setUp();
    makeReady(parts);
    say(parts, overrun);
    assert.equal(parts.forks.child.kills, 1);
    await die(parts, "SIGKILL");
    const before = [...parts.told];
    makeReady(parts);
    say(parts, overrun);
    await die(parts, "SIGKILL");
    assert.deepEqual([before, parts.told, specOf(parts).poison], [[], ["a"], ["a"]]);
  });

  it("accuses nobody where several ran together", async () => {
    const parts = setUp();
    for (let round = 0; round < 3; round += 1) {
      makeReady(parts);
      say(parts, { ...overrun, fingerprint: null });
      await die(parts, "SIGKILL");
    }
    assert.deepEqual([parts.told, parts.poison.fingerprints], [[], []]);
  });
});
