import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTritonJson } from "../../src/config/triton-json.ts";
import { TroupeError } from "../../src/protocol/errors.ts";

function refusal(text: string): readonly [string, string] {
  try {
    parseTritonJson(text, "m");
    return ["taken", ""];
  } catch (thrown) {
    assert.ok(thrown instanceof TroupeError, String(thrown));
    return [thrown.code, thrown.message];
  }
}

const written = (value: unknown) => parseTritonJson(JSON.stringify(value), "m");

describe("Triton's ModelConfig in JSON", () => {
  it("becomes a model.yaml, and keeps what it declares for the trial", () => {
    const { text, config, declared } = written({
      name: "m",
      platform: "onnxruntime_onnx",
      backend: "onnxruntime",
      max_batch_size: 8,
      input: [
        { name: "a", data_type: "TYPE_FP32", dims: [4] },
        { name: "b", data_type: "TYPE_INT64", dims: ["4", 2] },
      ],
      output: [{ name: "y", data_type: "TYPE_FP32", dims: [4], label_filename: null }],
      version_policy: { specific: { versions: ["1", 3] } },
      instance_group: [{ kind: "KIND_CPU", count: 2 }],
      dynamic_batching: { max_queue_delay_microseconds: "2000", preferred_batch_size: [4, 8] },
      parameters: { intra_op_thread_count: { string_value: "2" } },
      default_model_filename: "model.onnx",
    });
    assert.equal(config.batching.maxBatchSize, 8);
    assert.equal(config.batching.maxQueueDelayMs, 2);
    assert.equal(config.session.threads, 2);
    assert.equal(config.replicas, 2);
    assert.deepEqual(config.versions, { type: "listed", names: ["1", "3"] });
    assert.equal(config.triton, undefined);
    assert.deepEqual(
      declared.triton?.inputs?.map(({ name, dims }) => [name, dims]),
      [
        ["a", [4]],
        ["b", [4, 2]],
      ],
    );
    assert.match(text, /^batching:\n {2}max_batch_size: 8\n/);
  });

  it("has no file of labels beside it, and says so", () => {
    const output = [{ name: "y", data_type: "TYPE_FP32", dims: [4], label_filename: "l.txt" }];
    const { config, warnings } = written({ output });
    assert.deepEqual(config.labels, []);
    assert.match(
      warnings.join(),
      /^output\.label_filename \(line 1\): answers have no labels: a load/,
    );
  });

  it("may say nothing", () => {
    const { config, declared } = written({});
    assert.equal(config.replicas, 1);
    assert.equal(declared.triton?.inputs, null);
  });

  const rows: readonly (readonly [string, string, RegExp])[] = [
    ["", "invalid-request", /JSON object/],
    ["[]", "invalid-request", /JSON object/],
    ["replicas: 1", "invalid-request", /JSON object/],
    ['{"a":1,"a":2}', "invalid-request", /unique|twice/i],
    ['{"max_batchsize":1}', "invalid-model", /unknown key "max_batchsize".*max_batch_size/],
    ['{"replicas":1}', "invalid-model", /unknown key "replicas"/],
    ['{\n"max_batch_size":\n-1}', "invalid-model", /config: max_batch_size .*\(line 3\)/],
    ['{"name":"other"}', "invalid-model", /name must be/],
    ['{"backend":"tensorrt"}', "invalid-model", /backend must be/],
    ['{"default_model_filename":"m.onnx"}', "invalid-model", /must be 'model.onnx'/],
    ['{"ensemble_scheduling":{}}', "invalid-model", /joins several models/],
    [`{"name":"${"x".repeat(70_000)}"}`, "invalid-model", /at most 65536 bytes/],
    [`{"a":${"[".repeat(99)}${"]".repeat(99)}}`, "invalid-request", /levels deep/],
  ];
  for (const [text, code, words] of rows) {
    it(`is ${code}: ${text.slice(0, 60)}`, () => {
      const [came, message] = refusal(text);
      assert.equal(came, code, message);
      assert.match(message, words);
    });
  }
});
