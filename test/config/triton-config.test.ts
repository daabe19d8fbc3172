import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import { parseTritonConfig } from "../../src/config/triton-config.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { ModelConfig, TritonFacts } from "../../src/protocol/model-settings.ts";

const { batching, queue, timeouts } = defaultModelConfig;
/** As it is where the file says nothing. */
const facts: TritonFacts = {
  file: "m/config.pbtxt",
  batched: false,
  inputs: null,
  outputs: [],
  modelFile: null,
};
const base: ModelConfig = { ...defaultModelConfig, state: [], triton: facts };
const batched = { ...facts, batched: true };

const sequence = `sequence_batching { state {
  input_name: "h" output_name: "hn" data_type: TYPE_FP32 dims: [4]
  initial_state { data_type: TYPE_FP32 dims: [4] zero_data: true name: "zeros" } } }`;
const h = { name: "h", datatype: "FP32", dims: [4], line: 1 } as const;

const honoured: readonly (readonly [string, string, Partial<ModelConfig>])[] = [
  ["nothing", "", {}],
  [
    "name, platform and backend",
    'name: "m" platform: "onnxruntime_onnx" backend: "onnxruntime"',
    {},
  ],
  [
    "max_batch_size",
    "max_batch_size: 8",
    { batching: { ...batching, maxBatchSize: 8 }, triton: batched },
  ],
  ["max_batch_size of 0", "max_batch_size: 0", {}],
  [
    "inputs and outputs",
    'input [ { name: "x" data_type: TYPE_FP32 dims: [ 3, -1 ] } ]\noutput { name: "y" data_type: TYPE_STRING dims: 1 }',
    {
      triton: {
        ...facts,
        inputs: [{ name: "x", datatype: "FP32", dims: [3, -1], line: 1 }],
        outputs: [{ name: "y", datatype: "BYTES", dims: [1], line: 2 }],
      },
    },
  ],
  [
    "a queue's delay, size and timeout",
    "max_batch_size: 4 dynamic_batching { max_queue_delay_microseconds: 5000 default_queue_policy { max_queue_size: 10 default_timeout_microseconds: 250000 } }",
    {
      batching: { maxBatchSize: 4, maxQueueDelayMs: 5 },
      queue: { ...queue, maxRows: 40 },
      timeouts: { ...timeouts, requestMs: 250 },
      triton: batched,
    },
  ],
  [
    "what is off, however that is spelled",
    "max_batch_size: 1 dynamic_batching { preserve_ordering: False priority_levels: 0x0 } response_cache { enable: f } input { name: 'x' data_type: TYPE_FP32 dims: 1 allow_ragged_batch: False optional: f }",
    {
      batching: { ...batching, maxBatchSize: 1 },
      triton: { ...batched, inputs: [{ name: "x", datatype: "FP32", dims: [1], line: 1 }] },
    },
  ],
  ["instances", "instance_group [ { count: 2 kind: KIND_CPU }, { } ]", { replicas: 3 }],
  ["no version policy", "version_policy { }", {}],
  [
    "the latest versions",
    "version_policy: { latest { num_versions: 2 } }",
    { versions: { type: "latest", count: 2 } },
  ],
  ["all versions", "version_policy { all { } }", { versions: { type: "all" } }],
  [
    "some versions",
    "version_policy { specific { versions: [1, 3] } }",
    { versions: { type: "listed", names: ["1", "3"] } },
  ],
  [
    "the file's name",
    'default_model_filename: "net.onnx"',
    { triton: { ...facts, modelFile: "net.onnx" } },
  ],
  [
    "threads",
    'parameters { key: "intra_op_thread_count" value { string_value: "4" } }',
    { session: { ...defaultModelConfig.session, threads: 4 } },
  ],
  ["one answer a request", "model_transaction_policy { decoupled: false }", {}],
  [
    "implicit state",
    sequence,
    {
      state: [{ input: "h", output: "hn", initial: "zeros" }],
      triton: { ...facts, outputs: [{ ...h, name: "hn" }] },
    },
  ],
  [
    "implicit state beside inputs",
    `input { name: "x" data_type: TYPE_FP32 dims: 1 } ${sequence}`,
    {
      state: [{ input: "h", output: "hn", initial: "zeros" }],
      triton: {
        ...facts,
        inputs: [{ name: "x", datatype: "FP32", dims: [1], line: 1 }, h],
        outputs: [{ ...h, name: "hn" }],
      },
    },
  ],
  [
    "when a sequence is given up",
    "sequence_batching { max_sequence_idle_microseconds: 7000000 }",
    { timeouts: { ...timeouts, sequenceIdleMs: 7000 } },
  ],
  [
    "warm-up",
    'max_batch_size: 2 model_warmup { name: "w" batch_size: 2 count: 2 inputs { key: "x" value { data_type: TYPE_INT64 dims: [2] zero_data: true } } }',
    {
      batching: { ...batching, maxBatchSize: 2 },
      triton: batched,
      warmup: Array.from({ length: 2 }, () =>
        JSON.stringify({
          inputs: [{ name: "x", shape: [2, 2], datatype: "INT64", data: [0, 0, 0, 0] }],
        }),
      ),
    },
  ],
];

const warnings: readonly (readonly [string, string, readonly RegExp[]])[] = [
  [
    "sizes that are preferred",
    "dynamic_batching {\n preferred_batch_size: [4, 8]\n}",
    [/^dynamic_batching\.preferred_batch_size \(line 2\): Troupe finds/],
  ],
  [
    "priorities",
    "dynamic_batching { priority_levels: 2 default_priority_level: 1 }",
    [/priority_levels/, /default_priority_level/],
  ],
  [
    "a delay between milliseconds",
    "dynamic_batching { max_queue_delay_microseconds: 1600 }",
    [/takes 2 of them/],
  ],
  [
    "a queue that delays",
    "dynamic_batching { default_queue_policy { default_timeout_microseconds: 9000 timeout_action: DELAY } }",
    [/timeout_action \(line 1\): Troupe sets no deadline/],
  ],
  [
    "GPUs, once",
    "instance_group [ { kind: KIND_GPU gpus: [0, 1] }, { kind: KIND_GPU } ]",
    [/^instance_group\.kind .*CPU/, /^instance_group\.gpus/],
  ],
  [
    "parameters, each by name",
    'parameters { key: "a" value { string_value: "1" } } parameters { key: "b" value { } }',
    [/^parameters\[a\]/, /^parameters\[b\]/],
  ],
  [
    "threads that are none",
    'parameters { key: "intra_op_thread_count" value { string_value: "0" } }',
    [/^parameters\[intra_op_thread_count\]/],
  ],
  [
    "optimization and a cache",
    "optimization { graph { level: 1 } } response_cache { enable: true }",
    [/^optimization/, /^response_cache\.enable/],
  ],
  [
    "labels of a second kind",
    `output { name: "y" data_type: TYPE_FP32 dims: 1 label_filename: "l.txt" }
     output { name: "z" data_type: TYPE_FP32 dims: 1 label_filename: "l.txt" }
     output { name: "a" data_type: TYPE_FP32 dims: 1 label_filename: "m.txt" }`,
    [/^output\.label_filename \(line 3\): a model has labels of one kind/],
  ],
  [
    "warm-up from a file",
    'model_warmup { inputs { key: "x" value { data_type: TYPE_FP32 dims: 1 input_data_file: "f" } } }',
    [/^model_warmup \(line 1\): a request reads its data from a file/],
  ],
  [
    "warm-up without end",
    'model_warmup { inputs { key: "x" value { data_type: TYPE_FP32 dims: [1000, 1000] zero_data: true } } }',
    [/too large/],
  ],
];

const mistakes: readonly (readonly [string, string, RegExp])[] = [
  [
    "two policies of versions",
    "version_policy { latest { }\nall { } }",
    /version_policy\.all stands beside latest, and only one of them may \(line 2\)$/,
  ],
  [
    "two schedulers",
    "sequence_batching { }\ndynamic_batching { }",
    /sequence_batching stands beside dynamic_batching, .* \(line 1\)$/,
  ],
  [
    "data of two kinds",
    'model_warmup { inputs { key: "x" value { data_type: TYPE_FP32 dims: 1 zero_data: true random_data: true } } }',
    /random_data stands beside zero_data/,
  ],
  [
    "what is no text format",
    "a: [",
    /^Cannot read m\/config\.pbtxt: expected a value, got the end of the file \(line 1\)$/,
  ],
  [
    "an unknown key",
    "\nmax_batchsize: 8",
    /unknown key "max_batchsize", the nearest known one is max_batch_size \(line 2\)$/,
  ],
  [
    "an unknown key inside",
    "dynamic_batching {\n max_delay: 8 }",
    /unknown key "max_delay" in dynamic_batching.*\(line 2\)$/,
  ],
  [
    "a key twice",
    "max_batch_size: 8\nmax_batch_size: 8",
    /max_batch_size stands there twice \(line 2\)$/,
  ],
  [
    "another name",
    'name: "other"',
    /name must be that of its folder, "m", got "other" \(line 1\)$/,
  ],
  [
    "another backend",
    'backend: "python"',
    /backend must be "onnxruntime", the only one that Troupe has, got "python"/,
  ],
  [
    "another platform",
    'platform: "tensorflow_graphdef"',
    /platform must be "onnxruntime_onnx".*"tensorflow_graphdef"/,
  ],
  ["an ensemble", 'platform: "ensemble"', /got "ensemble"/],
  [
    "an ensemble's steps",
    "ensemble_scheduling { step [ { } ] }",
    /ensemble_scheduling joins several models/,
  ],
  [
    "a size below zero",
    "max_batch_size: -1",
    /max_batch_size must be an integer from 0 to 1000000, got -1/,
  ],
  [
    "a text for a message",
    'dynamic_batching: "on"',
    /dynamic_batching must be a message in \{ \}, got "on"/,
  ],
  ["an input without a type", 'input { name: "x" dims: 1 }', /input x has no data_type/],
  ["an input without dims", 'input { name: "x" data_type: TYPE_FP32 }', /input x has no dims/],
  [
    "an input twice",
    'input { name: "x" data_type: TYPE_FP32 dims: 1 }\ninput { name: "x" data_type: TYPE_FP32 dims: 1 }',
    /input x stands there twice \(line 2\)$/,
  ],
  [
    "an unknown type",
    'input { name: "x" data_type: FP32 dims: 1 }',
    /input\.data_type must be one of TYPE_BOOL/,
  ],
  [
    "a shape that is changed",
    'input { name: "x" data_type: TYPE_FP32 dims: 1 reshape { } }',
    /input\.reshape gives the model another shape/,
  ],
  [
    "ragged rows",
    'input { name: "x" data_type: TYPE_FP32 dims: 1 allow_ragged_batch: true }',
    /allow_ragged_batch/,
  ],
  [
    "a decoupled model",
    "model_transaction_policy { decoupled: true }",
    /model_transaction_policy\.decoupled sends other than one answer/,
  ],
  [
    "controls of sequences",
    'sequence_batching { control_input { name: "START" } }',
    /control_input feeds the model/,
  ],
  [
    "a state from a file",
    sequence.replace("zero_data: true", 'data_file: "f"'),
    /data_file is not read/,
  ],
  [
    "too many instances",
    "instance_group { count: 60 } instance_group { count: 60 }",
    /at most 64 in all, got 120/,
  ],
  [
    "a path out of the folder",
    'default_model_filename: "../x.onnx"',
    /default_model_filename must be a file's name/,
  ],
];

describe("parseTritonConfig", () => {
  for (const [what, text, expected] of honoured) {
    it(`honours ${what}`, () => {
      const { config, warnings: said } = parseTritonConfig(text, "m");
      assert.deepEqual(config, { ...base, ...expected });
      assert.deepEqual(said, []);
    });
  }

  for (const [what, text, expected] of warnings) {
    it(`warns of ${what}`, () => {
      const { warnings: said } = parseTritonConfig(text, "m");
      assert.equal(said.length, expected.length, said.join("\n"));
      for (const [at, words] of expected.entries()) assert.match(said[at] ?? "", words);
    });
  }

  for (const [what, text, words] of mistakes) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => parseTritonConfig(text, "m"),
        (thrown) => {
          assert.ok(thrown instanceof TroupeError && thrown.code === "invalid-model");
          assert.match(thrown.message, /^Cannot read m\/config\.pbtxt: .* \(line \d+\)$/);
          assert.match(thrown.message, words);
          return true;
        },
      );
    });
  }

  it("takes a moment for the longest file", () => {
    const long = [
      `dynamic_batching { preferred_batch_size: [${"1,".repeat(32_000)}1] }`,
      "metric_tags {} ".repeat(4_000),
      'parameters { key: "a" } '.repeat(2_700),
      `max_batch_size: ${"9".repeat(60_000)}`,
      `name: "${"\\n".repeat(30_000)}"`,
      `version_policy { specific { versions: [${"1,".repeat(32_000)}1] } }`,
    ];
    const began = performance.now();
    for (const text of long) {
      try {
        parseTritonConfig(text, "m");
      } catch (thrown) {
        assert.ok(thrown instanceof TroupeError);
        assert.ok(thrown.message.length < 300, thrown.message);
      }
    }
    assert.ok(performance.now() - began < 2000);
  });

  it("takes no more than model.yaml may have", () => {
    assert.throws(() => parseTritonConfig("#".repeat(65_537), "m"), /at most 65536 bytes/);
  });

  it("fills warm-up with small numbers, the same each time", () => {
    const text =
      'model_warmup { inputs { key: "x" value { data_type: TYPE_FP32 dims: [3] random_data: true } } }';
    const [first, second] = [0, 1].map(() => parseTritonConfig(text, "m").config.warmup);
    assert.deepEqual(first, second);
    const { inputs } = JSON.parse(first?.[0] ?? "");
    assert.deepEqual(inputs[0].shape, [3]);
    assert.ok(inputs[0].data.every((value: number) => value >= 0 && value < 1));
  });
});
