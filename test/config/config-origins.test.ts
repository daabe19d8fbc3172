import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type ConfigOrigin,
  type DescribedConfig,
  describeConfig,
  describeFrom,
} from "../../src/config/config-origins.ts";
import { parseModelConfig } from "../../src/config/model-config.ts";
import { parseTritonConfig } from "../../src/config/triton-config.ts";

const file = "m/model.yaml";

function described(text: string): DescribedConfig {
  return describeConfig(text, parseModelConfig(text, file));
}

function shown(text: string, key: string): unknown {
  return described(text).config[key];
}

describe("describeConfig", () => {
  it("says the defaults as model.yaml would", () => {
    assert.deepEqual(described("").config, {
      description: "",
      batching: { max_batch_size: 64, max_queue_delay_ms: 0 },
      objective: { p99_ms: null },
      queue: {
        max_rows: 1024,
        max_bytes: 67_108_864,
        max_sequences: 1024,
        max_state_bytes: 268_435_456,
      },
      timeouts: { request_ms: null, run_ms: 30_000, load_ms: 60_000, sequence_idle_ms: 60_000 },
      breaker: {
        error_threshold_percent: 50,
        min_requests: 10,
        window_ms: 10_000,
        reset_ms: 5000,
      },
      restart: { intensity: 5, period_ms: 60_000, min_backoff_ms: 100, max_backoff_ms: 10_000 },
      session: { threads: 1, execution_providers: ["cpu"], graph_optimization: "all" },
      replicas: 1,
      versions: { latest: 1 },
      required: false,
      labels: [],
      state: null,
      stream: null,
      defaults: {},
      default_version: null,
      warmup: null,
      golden: [],
      limits: { memory_mb: null },
      bake_ms: 10_000,
    });
  });

  it("says where each value is from", () => {
    const text = `
batching: { max_batch_size: 64 }
queue:
timeouts: { request_ms: , run_ms: 1 }
versions: { latest: 2 }
stream: { input: x, window: 4 }
defaults: { maxRate: 1 }
warmup: []
limits: {}
`;
    const given = [
      "batching.max_batch_size",
      "timeouts.run_ms",
      "versions",
      "stream",
      "defaults",
      "warmup",
    ];
    const { from } = described(text);
    const expected = Object.keys(described("").from).map((path): [string, ConfigOrigin] => {
      if (given.includes(path)) return [path, "model.yaml"];
      return [path, path === "timeouts.request_ms" ? "server" : "default"];
    });
    assert.equal(expected.length, 35);
    assert.deepEqual(from, Object.fromEntries(expected));
  });

  it("says that a deadline of its own is the model's", () => {
    const { from } = described("timeouts: { request_ms: 5 }");
    assert.equal(from["timeouts.request_ms"], "model.yaml");
  });

  const rows: readonly (readonly [string, string, unknown])[] = [
    ["versions: all", "versions", "all"],
    ["versions: [1.10, '2']", "versions", ["1.10", "2"]],
    ["defaults: { maxRate: 1 }", "defaults", { maxRate: 1 }],
    ["stream: { input: x, window: 4 }", "stream", { input: "x", window: 4, hop: 4, pad: "zeros" }],
    ["warmup: []", "warmup", []],
    ["warmup: [{ features: [1, a] }]", "warmup", [{ features: [1, "a"] }]],
    [
      "golden: [{ inputs: { x: [1] }, outputs: { y: [[2]] } }]",
      "golden",
      [{ inputs: { x: [1] }, outputs: { y: [[2]] }, tolerance: 0.0001 }],
    ],
  ];
  for (const [text, key, expected] of rows) {
    it(`describes ${text}`, () => assert.deepEqual(shown(text, key), expected));
  }

  it("describes what can be read again", () => {
    const text = `
labels: [a, b]
state: [{ input: s, output: t, initial: [0, 1] }]
golden: [{ features: [1], outputs: { y: [2] }, tolerance: 0 }]
warmup: [{ inputs: { x: 1 } }]
default_version: "2"
`;
    const { config } = described(text);
    const again = parseModelConfig(JSON.stringify(config), file);
    assert.deepEqual(again, parseModelConfig(text, file));
  });
});

describe("describeFrom", () => {
  it("tells what a config.pbtxt says from defaults, and shows no facts of its own", () => {
    const { config, modelYaml } = parseTritonConfig("max_batch_size: 8", "m");
    const described = describeFrom(modelYaml, "config.pbtxt", config);
    const { from } = described;
    assert.deepEqual(
      Object.keys(from).filter((path) => from[path] === "config.pbtxt"),
      ["batching.max_batch_size", "state"],
    );
    assert.equal(described.config["triton"], undefined);
  });
});
