import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig, parseModelConfig } from "../../src/config/model-config.ts";
import type { ModelConfig } from "../../src/protocol/model-settings.ts";

const file = "iris/model.yaml";

function parsed(text: string): Partial<ModelConfig> {
  const config = parseModelConfig(text, file);
  const keys = Object.keys(config) as (keyof ModelConfig)[];
  const changed = keys.filter((key) => config[key] !== defaultModelConfig[key]);
  return Object.fromEntries(changed.map((key) => [key, config[key]]));
}

const everything = `
description: Fisher's irises, three species
batching:    { max_batch_size: 32, max_queue_delay_ms: 2 }
objective:   { p99_ms: 20 }
queue:       { max_rows: 512, max_bytes: 1048576, max_sequences: 16 }
timeouts:    { request_ms: 1000, run_ms: 2000, load_ms: 3000, sequence_idle_ms: 4000 }
breaker:     { error_threshold_percent: 20, min_requests: 5, window_ms: 2000, reset_ms: 100 }
restart:     { intensity: 3, period_ms: 1000, min_backoff_ms: 10, max_backoff_ms: 20 }
session:     { threads: 2, execution_providers: [cuda, cpu], graph_optimization: basic }
replicas: 2
versions:    { latest: 2 }
required: true
labels:      [setosa, 7, true]
state:       [{ input: state, output: state_out, initial: [0.5, 1] }]
stream:      { input: x, window: 576, hop: 512, pad: none }
defaults:    { sr: 16000 }
default_version: "2"
warmup:      [{ features: [[1, 2.5]] }]
golden:      [{ inputs: { x: [1] }, outputs: { y: [0.5] }, tolerance: 0.01 }]
limits:      { memory_mb: 512 }
bake_ms: 0
`;

describe("parseModelConfig", () => {
  it("has a default for everything", () => {
    assert.deepEqual(parseModelConfig("", file), {
      description: "",
      batching: { maxBatchSize: 64, maxQueueDelayMs: 0 },
      objective: { p99Ms: null },
      queue: {
        maxRows: 1024,
        maxBytes: 67_108_864,
        maxSequences: 1024,
        maxStateBytes: 268_435_456,
      },
      timeouts: { requestMs: null, runMs: 30_000, loadMs: 60_000, sequenceIdleMs: 60_000 },
      breaker: { errorThresholdPercent: 50, minRequests: 10, windowMs: 10_000, resetMs: 5000 },
      restart: { intensity: 5, periodMs: 60_000, minBackoffMs: 100, maxBackoffMs: 10_000 },
      session: { threads: 1, executionProviders: ["cpu"], graphOptimization: "all" },
      replicas: 1,
      versions: { type: "latest", count: 1 },
      required: false,
      labels: [],
      state: null,
      stream: null,
      defaults: {},
      defaultVersion: null,
      warmup: null,
      golden: [],
      limits: { memoryMb: null },
      bakeMs: 10_000,
    } satisfies ModelConfig);
  });

  it("reads every key", () => {
    assert.deepEqual(parseModelConfig(everything, file), {
      description: "Fisher's irises, three species",
      batching: { maxBatchSize: 32, maxQueueDelayMs: 2 },
      objective: { p99Ms: 20 },
      queue: { maxRows: 512, maxBytes: 1_048_576, maxSequences: 16, maxStateBytes: 268_435_456 },
      timeouts: { requestMs: 1000, runMs: 2000, loadMs: 3000, sequenceIdleMs: 4000 },
      breaker: { errorThresholdPercent: 20, minRequests: 5, windowMs: 2000, resetMs: 100 },
      restart: { intensity: 3, periodMs: 1000, minBackoffMs: 10, maxBackoffMs: 20 },
      session: { threads: 2, executionProviders: ["cuda", "cpu"], graphOptimization: "basic" },
      replicas: 2,
      versions: { type: "latest", count: 2 },
      required: true,
      labels: ["setosa", "7", "true"],
      state: [{ input: "state", output: "state_out", initial: [0.5, 1] }],
      stream: { input: "x", window: 576, hop: 512, pad: "none" },
      defaults: { sr: 16_000 },
      defaultVersion: "2",
      warmup: ['{"features":[[1,2.5]]}'],
      golden: [{ request: '{"inputs":{"x":[1]}}', outputs: '{"y":[0.5]}', tolerance: 0.01 }],
      limits: { memoryMb: 512 },
      bakeMs: 0,
    } satisfies ModelConfig);
  });

  const taken: readonly (readonly [string, Partial<ModelConfig>])[] = [
    ["# nothing", {}],
    ["{}", {}],
    ["batching:\n  # max_batch_size: 3\nreplicas: 3", { replicas: 3 }],
    ["timeouts: { request_ms: null }", { timeouts: defaultModelConfig.timeouts }],
    ["versions: all", { versions: { type: "all" } }],
    ["versions: [1.10, v2]", { versions: { type: "listed", names: ["1.10", "v2"] } }],
    ["versions: {}", { versions: { type: "latest", count: 1 } }],
    ["default_version: 1.10", { defaultVersion: "1.10" }],
    ["default_version:", {}],
    ["limits: { memory_mb: 16777216 }", { limits: { memoryMb: 16_777_216 } }],
    ["limits: { memory_mb: 16 }", { limits: { memoryMb: 16 } }],
    [
      "objective: { p99_ms: 20 }",
      { objective: { p99Ms: 20 }, batching: { maxBatchSize: 64, maxQueueDelayMs: 20 } },
    ],
    [
      "batching: { max_queue_delay_ms: 0 }\nobjective: { p99_ms: 20 }",
      { objective: { p99Ms: 20 }, batching: defaultModelConfig.batching },
    ],
    ["objective: {}", { objective: { p99Ms: null } }],
    ["bake_ms: 604800000", { bakeMs: 604_800_000 }],
    ["labels: [007, 1.0, no, '']", { labels: ["007", "1.0", "no", ""] }],
  ];
  for (const [text, expected] of taken) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(parsed(text), expected));
  }

  const versionsExpected = "versions must be { latest: <number> }, all, or a list of versions";
  for (const [text, words] of [
    ["batchng: {}", 'unknown key "batchng", the nearest known one is batching (line 1)'],
    [
      "\nbatching: { max_batchsize: 3 }",
      'unknown key "max_batchsize" in batching, the nearest known one is max_batch_size (line 2)',
    ],
    ["replicas: 0", "replicas must be an integer from 1 to 64, got 0 (line 1)"],
    ["replicas: 65", "replicas must be an integer from 1 to 64, got 65 (line 1)"],
    ["replicas: '2'", 'replicas must be an integer from 1 to 64, got "2" (line 1)'],
    ["replicas: 1.5", "replicas must be an integer from 1 to 64, got 1.5 (line 1)"],
    ["required: 1", "required must be true or false, got 1 (line 1)"],
    ["description: [a]", "description must be a text, got a list (line 1)"],
    [
      "breaker: { error_threshold_percent: 0 }",
      "breaker.error_threshold_percent must be an integer from 1 to 100, got 0 (line 1)",
    ],
    [
      "restart: { min_backoff_ms: 20000 }",
      "restart.max_backoff_ms must be at least min_backoff_ms (20000), got 10000 (line 1)",
    ],
    [
      "session: { graph_optimization: full }",
      'session.graph_optimization must be one of disabled, basic, extended, all, got "full" (line 1)',
    ],
    [
      "session: { execution_providers: [] }",
      "session.execution_providers must not be empty (line 1)",
    ],
    ["versions: newest", `${versionsExpected}, got "newest" (line 1)`],
    ["versions: 1", `${versionsExpected}, got 1 (line 1)`],
    [
      "versions: { latest: 0 }",
      "versions.latest must be an integer from 1 to 1000000, got 0 (line 1)",
    ],
    [
      "versions: { last: 1 }",
      'unknown key "last" in versions, the nearest known one is latest (line 1)',
    ],
    ["versions: []", "versions must not be empty (line 1)"],
    ["versions: [1, 1]", 'versions names "1" twice (line 1)'],
    [
      "versions: [../1]",
      'versions[0] must be a version\'s name: 1 to 64 letters, digits, dots, dashes or underscores, no dot first, no .onnx at the end, and not model.yaml, got "../1" (line 1)',
    ],
    [
      "default_version: ../1",
      'default_version must be a version\'s name: 1 to 64 letters, digits, dots, dashes or underscores, no dot first, no .onnx at the end, and not model.yaml, got "../1" (line 1)',
    ],
    ["default_version: [1]", "default_version must be a text, got a list (line 1)"],
    [
      "limits: { memory_mb: 15 }",
      "limits.memory_mb must be an integer from 16 to 16777216, got 15 (line 1)",
    ],
    [
      "objective: { p99_ms: 0 }",
      "objective.p99_ms must be an integer from 1 to 604800000, got 0 (line 1)",
    ],
    ["objective: 20", "objective must be a map, got 20 (line 1)"],
    ["objective: { p99: 20 }", 'unknown key "p99" in objective; known is p99_ms (line 1)'],
    [
      "limits: { memory_mb: 1GiB }",
      'limits.memory_mb must be an integer from 16 to 16777216, got "1GiB" (line 1)',
    ],
    ["bake_ms: -1", "bake_ms must be an integer from 0 to 604800000, got -1 (line 1)"],
    [
      "bake_ms: 604800001",
      "bake_ms must be an integer from 0 to 604800000, got 604800001 (line 1)",
    ],
    ["labels: a", 'labels must be a list, got "a" (line 1)'],
    ["labels: [a, ~]", "labels[1] must be a text, got nothing (line 1)"],
    [
      "queue: { max_sequences: 0 }",
      "queue.max_sequences must be an integer from 1 to 1000000, got 0 (line 1)",
    ],
    [
      "timeouts: { sequence_idle_ms: 0 }",
      "timeouts.sequence_idle_ms must be an integer from 1 to 604800000, got 0 (line 1)",
    ],
    ["- a", "it must be a map, got a list (line 1)"],
    ["a: *b", "not valid YAML: aliases are not supported (line 1)"],
    [
      "a: !!js/function x",
      "not valid YAML: Unresolved tag: tag:yaml.org,2002:js/function (line 1)",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseModelConfig(text, file), {
        name: "TroupeError",
        code: "invalid-model",
        message: `Cannot read iris/model.yaml: ${words}`,
      });
    });
  }

  it("refuses what is too long, wherever it is from", () => {
    const message = "Cannot read config: it must have at most 65536 bytes, got 65537";
    assert.throws(() => parseModelConfig("#".repeat(65_537), "config"), {
      code: "invalid-model",
      message,
    });
  });
});
