import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { VersionView } from "../../src/protocol/views.ts";
import type { Phase } from "../../supervisor/instance.ts";
import { type ReplicaFacts, viewModel } from "../../supervisor/model-view.ts";
import { metadata } from "./metadata.ts";

const now = 1_000;

const queued: Phase = { name: "queued", since: 900 };
const starting: Phase = { name: "starting", since: 950 };
const ready: Phase = { name: "ready", since: 900 };
const backingOff: Phase = { name: "backing-off", since: 900, restartAt: 1_400 };
const givenUp: Phase = { name: "given-up", since: 900, reason: "6 crashes in a row" };
const draining: Phase = { name: "draining", since: 900 };
const stopped: Phase = { name: "stopped", since: 900 };

function replica(phase: Phase, fields: Partial<ReplicaFacts> = {}): ReplicaFacts {
  const view = { hostId: `host ${phase.name}`, socketPath: "/s" };
  return { phase, view, metadata: undefined, hasBeenReady: false, readyMs: 0, ...fields };
}

function seen(phase: Phase, readyMs = 300): ReplicaFacts {
  return replica(phase, { hasBeenReady: true, readyMs, metadata });
}

function viewVersion(...replicas: readonly ReplicaFacts[]): VersionView | undefined {
  const facts = {
    name: "iris",
    config: defaultModelConfig,
    problem: null,
    versions: [{ version: "1", stage: "serving" as const, failure: null, known: null, replicas }],
  };
  return viewModel(facts, now).versions[0];
}

function version(fields: Partial<VersionView>): VersionView {
  return {
    version: "1",
    state: "ready",
    reason: null,
    backAt: null,
    metadata: null,
    hosts: [],
    ...fields,
  };
}

const loading = version({ state: "loading", reason: "it is being loaded" });
const recovering = version({
  state: "recovering",
  reason: "its host is being restarted",
  metadata,
});

describe("the view of a version", () => {
  const rows: readonly (readonly [string, readonly ReplicaFacts[], VersionView])[] = [
    ["waits for its first start", [replica(queued)], loading],
    ["starts for the first time", [replica(starting)], loading],
    ["has crashed before it was ever ready", [replica(backingOff)], loading],
    [
      "is ready",
      [seen(ready)],
      version({ metadata, hosts: [{ hostId: "host ready", socketPath: "/s" }] }),
    ],
    [
      "is ready with one of two replicas",
      [seen(givenUp), seen(ready)],
      version({ metadata, hosts: [{ hostId: "host ready", socketPath: "/s" }] }),
    ],
    ["waits for its turn to come back", [seen(queued)], { ...recovering, backAt: now + 300 }],
    ["is on its way back", [seen(starting)], { ...recovering, backAt: 950 + 300 }],
    ["should be back already", [seen(starting, 10)], { ...recovering, backAt: now }],
    ["waits before it comes back", [seen(backingOff)], { ...recovering, backAt: 1_400 + 300 }],
    [
      "is back as soon as the first of its replicas",
      [seen(backingOff), seen(starting), seen(givenUp)],
      { ...recovering, backAt: 950 + 300 },
    ],
    [
      "was ready in another replica than the one that comes",
      [seen(givenUp), replica(starting)],
      version({ state: "loading", reason: "it is being loaded", metadata }),
    ],
    [
      "is given up",
      [replica(givenUp)],
      version({ state: "unavailable", reason: "6 crashes in a row" }),
    ],
    [
      "is given up after it was ready",
      [seen(givenUp)],
      version({ state: "unavailable", reason: "6 crashes in a row", metadata }),
    ],
    [
      "is being stopped",
      [seen(draining)],
      version({ state: "unavailable", reason: "it is being stopped", metadata }),
    ],
    [
      "is stopped",
      [seen(stopped)],
      version({ state: "unavailable", reason: "it is being stopped", metadata }),
    ],
    [
      "is stopped in one replica and given up in another",
      [replica(stopped), replica(givenUp)],
      version({ state: "unavailable", reason: "6 crashes in a row" }),
    ],
  ];
  for (const [name, replicas, expected] of rows) {
    it(`says so when it ${name}`, () => assert.deepEqual(viewVersion(...replicas), expected));
  }
});

describe("viewModel", () => {
  it("shows what front doors need of the configuration", () => {
    const config = {
      ...defaultModelConfig,
      description: "Irises",
      labels: ["setosa"],
      required: true,
      batching: { maxBatchSize: 8, maxQueueDelayMs: 0 },
      queue: { ...defaultModelConfig.queue, maxRows: 100, maxBytes: 1_000, maxSequences: 30 },
      defaults: { sr: 16_000 },
      timeouts: { ...defaultModelConfig.timeouts, requestMs: 7 },
    };
    const facts = { name: "iris", config, problem: null, versions: [] };
    assert.deepEqual(viewModel(facts, now), {
      name: "iris",
      description: "Irises",
      labels: ["setosa"],
      required: true,
      defaults: { sr: 16_000 },
      requestMs: 7,
      maxOutstandingRequests: 116,
      maxOutstandingBytes: 2_000,
      maxSequences: 30,
      defaultVersion: null,
      versions: [],
      problem: null,
    });
  });

  it("shows the problem of a model that has no configuration", () => {
    const facts = { name: "bad", config: null, problem: "model.yaml: no", versions: [] };
    const { required, problem, versions, maxSequences } = viewModel(facts, now);
    assert.deepEqual([required, problem, versions, maxSequences], [false, "model.yaml: no", [], 0]);
  });
});

describe("a version that does not serve", () => {
  const base = { version: "1", failure: null, known: metadata, replicas: [] };
  const rows = [
    [{ ...base, stage: "new" }, "loading", "it is being loaded"],
    [{ ...base, stage: "leaving" }, "draining", "it is being drained"],
    [{ ...base, stage: null }, "unloaded", null],
    [{ ...base, stage: null, failure: "rolled back: x" }, "unavailable", "rolled back: x"],
    [{ ...base, stage: "leaving", failure: "rolled back: x" }, "unavailable", "rolled back: x"],
    [{ ...base, stage: "new", failure: "rolled back: x" }, "loading", "it is being loaded"],
  ] as const;

  for (const [facts, state, reason] of rows) {
    it(`is ${state} where its stage is ${facts.stage} and its failure ${facts.failure}`, () => {
      const whole = { name: "iris", config: defaultModelConfig, problem: null, versions: [facts] };
      const expected = version({ state, reason, metadata });
      assert.deepEqual(viewModel(whole, now).versions[0], expected);
    });
  }

  for (const [facts, state, reason] of [
    [{ ...base, stage: null }, "unavailable", "model.yaml: no"],
    [{ ...base, stage: null, failure: "rolled back: x" }, "unavailable", "rolled back: x"],
    [{ ...base, stage: "leaving" }, "draining", "it is being drained"],
  ] as const) {
    it(`is ${state} in a broken folder where its stage is ${facts.stage}: ${reason}`, () => {
      const whole = { name: "bad", config: null, problem: "model.yaml: no", versions: [facts] };
      const expected = version({ state, reason, metadata });
      assert.deepEqual(viewModel(whole, now).versions[0], expected);
    });
  }

  it("shows the hosts of what stands by", () => {
    const standby = { ...base, stage: "standby" as const, replicas: [replica(ready)] };
    const whole = { name: "iris", config: defaultModelConfig, problem: null, versions: [standby] };
    assert.deepEqual(viewModel(whole, now).versions[0]?.hosts.length, 1);
  });

  it("sends what names no version to the one that serves while a newer one stands by", () => {
    const of = (version: string, stage: "serving" | "standby") => ({
      ...base,
      version,
      stage,
      replicas: [replica(ready)],
    });
    const whole = { name: "iris", config: defaultModelConfig, problem: null };
    const back = { ...whole, versions: [of("1", "serving"), of("2", "standby")] };
    assert.equal(viewModel(back, now).defaultVersion, "1");
    const calm = { ...whole, versions: [of("1", "serving"), of("2", "serving")] };
    assert.equal(viewModel(calm, now).defaultVersion, null);
    const config = { ...defaultModelConfig, defaultVersion: "2" };
    assert.equal(viewModel({ ...back, config }, now).defaultVersion, "2");
  });
});
