import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { ModelFolder } from "../../src/config/model-folder.ts";
import type { ModelConfig } from "../../src/protocol/model-settings.ts";
import type { JournalEntry } from "../../supervisor/journal-entry.ts";
import { foldJournal } from "../../supervisor/journal-facts.ts";
import { bootPlanOf, hostKey, planOf } from "../../supervisor/model-plan.ts";
import { versionOf } from "./life-parts.ts";

const condemned = { digest: "d", reason: "r", at: "t" };

function plannedFor(entries: readonly JournalEntry[], config: Partial<ModelConfig> = {}): unknown {
  const versions = ["1", "2", "3"].map(versionOf);
  const whole = { ...defaultModelConfig, ...config };
  const folder: ModelFolder = { name: "m", versions, wanted: versions.slice(-1), config: whole };
  const plan = planOf(folder, foldJournal(entries));
  return plan.type === "serve" ? plan.versions.map(({ version }) => version) : plan.problem;
}

const rows: readonly (readonly [string, readonly JournalEntry[], readonly string[]])[] = [
  ["the newest", [], ["3"]],
  ["the newest that is not unloaded", [{ type: "unloaded", model: "m", version: "3" }], ["2"]],
  [
    "the newest that was not rolled back",
    [{ type: "rolled-back", model: "m", version: "3", ...condemned }],
    ["2"],
  ],
  [
    "one that was forgiven",
    [
      { type: "rolled-back", model: "m", version: "3", ...condemned },
      { type: "forgiven", model: "m", version: "3" },
    ],
    ["3"],
  ],
  ["what was asked for beside it", [{ type: "loaded", model: "m", version: "1" }], ["1", "3"]],
  ["nothing of an unloaded model", [{ type: "unloaded", model: "m", version: null }], []],
  [
    "only what was asked for of an unloaded model",
    [
      { type: "unloaded", model: "m", version: null },
      { type: "loaded", model: "m", version: "2" },
    ],
    ["2"],
  ],
  ["what concerns another model", [{ type: "unloaded", model: "n", version: null }], ["3"]],
];

describe("planOf", () => {
  for (const [words, entries, expected] of rows) {
    it(`takes ${words}: ${expected.join(", ") || "none"}`, () => {
      assert.deepEqual(plannedFor(entries), expected);
    });
  }

  it("says why a folder cannot be served", () => {
    const config = defaultModelConfig;
    const folder: ModelFolder = { name: "m", versions: [], wanted: [], config, problem: "no" };
    assert.deepEqual(planOf(folder, foldJournal([])), { type: "broken", problem: "no" });
  });
});

describe("hostKey", () => {
  const without: readonly Partial<ModelConfig>[] = [
    { description: "x" },
    { replicas: 9 },
    { versions: { type: "all" } },
    { required: true },
    { defaultVersion: "2" },
    { limits: { memoryMb: 100 } },
    { bakeMs: 1 },
    { timeouts: { ...defaultModelConfig.timeouts, requestMs: 5 } },
  ];
  const within: readonly Partial<ModelConfig>[] = [
    { labels: ["a"] },
    { golden: [{ request: "{}", outputs: "{}", tolerance: 1 }] },
    { warmup: [] },
    { batching: { maxBatchSize: 2, maxQueueDelayMs: 0 } },
    { timeouts: { ...defaultModelConfig.timeouts, runMs: 5 } },
    { session: { ...defaultModelConfig.session, threads: 2 } },
  ];
  const before = hostKey(defaultModelConfig);

  for (const change of without) {
    it(`is the same with ${JSON.stringify(change)}`, () => {
      assert.equal(hostKey({ ...defaultModelConfig, ...change }), before);
    });
  }

  for (const change of within) {
    it(`is another with ${JSON.stringify(change)}`, () => {
      assert.notEqual(hostKey({ ...defaultModelConfig, ...change }), before);
    });
  }
});

describe("bootPlanOf", () => {
  function bootedFor(entries: readonly JournalEntry[], ...versions: readonly string[]): unknown {
    const found = versions.map(versionOf);
    const config = { ...defaultModelConfig, replicas: 2 };
    const folder: ModelFolder = { name: "m", versions: found, wanted: found.slice(-1), config };
    const plan = bootPlanOf(folder, foldJournal(entries));
    if (plan.type === "broken") return plan.problem;
    return [...plan.versions.map(({ version }) => version), plan.config.replicas];
  }

  const begun = { type: "rolling-out", model: "m", id: "r", served: ["1"], versions: [] } as const;
  const rewrite = { before: "replicas: 3\n", written: "replicas: 2\n" };

  it("begins with what the folder holds", () => {
    assert.deepEqual(bootedFor([], "1", "2"), ["2", 2]);
  });

  it("begins with what served before a rollout that was cut off", () => {
    assert.deepEqual(bootedFor([{ ...begun, rewrite: null }], "1", "2"), ["1", 2]);
    assert.deepEqual(bootedFor([{ ...begun, rewrite }], "1", "2"), ["1", 3]);
    assert.deepEqual(bootedFor([{ ...begun, served: ["2"], rewrite }], "1", "2"), ["2", 3]);
  });

  it("begins with what served before the first of several", () => {
    const next = { ...begun, id: "s", served: ["2"], rewrite: null };
    const last = { ...next, id: "t", rewrite: { before: "replicas: 2\n", written: "" } };
    assert.deepEqual(bootedFor([{ ...begun, rewrite }, next, last], "1", "2", "3"), ["1", 3]);
  });

  it("begins with all there is where nothing served before, or that is gone or condemned", () => {
    const rolledBack = { type: "rolled-back", model: "m", version: "1", ...condemned } as const;
    assert.deepEqual(bootedFor([{ ...begun, rewrite }], "2"), ["2", 2]);
    assert.deepEqual(bootedFor([{ ...begun, served: [], rewrite }], "1", "2"), ["2", 2]);
    assert.deepEqual(bootedFor([{ ...begun, rewrite }, rolledBack], "1", "2"), ["2", 2]);
  });

  it("begins with nothing of what was unloaded since", () => {
    const cutOff = { ...begun, served: ["1", "2"], rewrite };
    const unloaded = { type: "unloaded", model: "m" } as const;
    assert.deepEqual(bootedFor([cutOff, { ...unloaded, version: null }], "1", "2"), [2]);
    assert.deepEqual(bootedFor([cutOff, { ...unloaded, version: "1" }], "1", "2"), ["2", 3]);
  });

  it("keeps the present configuration where the one before cannot be read any more", () => {
    const broken = { before: "replicas: many\n", written: "" };
    assert.deepEqual(bootedFor([{ ...begun, rewrite: broken }], "1", "2"), ["1", 2]);
  });

  it("begins with what the folder holds when the rollout is over", () => {
    const over = { type: "rolled-out", model: "m", id: "r" } as const;
    assert.deepEqual(bootedFor([{ ...begun, rewrite }, over], "1", "2"), ["2", 2]);
  });
});
