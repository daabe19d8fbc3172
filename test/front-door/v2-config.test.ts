import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modelConfigJson, type WrittenConfig } from "../../src/front-door/v2-config.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import { model } from "./door-parts.ts";

const metadata: ModelMetadata = {
  inputs: [
    { name: "x", datatype: "FP32", shape: [-1, 4], batchAxis: 0 },
    { name: "words", datatype: "BYTES", shape: [2], batchAxis: null },
  ],
  outputs: [{ name: "y", datatype: "INT64", shape: [3, -1], batchAxis: 1 }],
  batching: { type: "batched", maxBatchSize: 16 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};

const written: WrittenConfig = {
  batching: { max_queue_delay_ms: 2 },
  timeouts: { sequence_idle_ms: 60_000 },
  session: { threads: 1, execution_providers: ["cpu"], graph_optimization: "all" },
  replicas: 2,
  versions: { latest: 1 },
};

function configOf(
  changed: Partial<ModelMetadata> | null,
  config: Partial<WrittenConfig> = {},
): Record<string, unknown> {
  const view = model("m", { metadata: changed === null ? null : { ...metadata, ...changed } });
  const [version] = view.versions;
  assert.ok(version !== undefined);
  return modelConfigJson({ model: view, version }, { ...written, ...config });
}

describe("Triton's configuration of a model", () => {
  it("leaves the batch dimension out of the shapes", () => {
    assert.deepEqual(configOf({}), {
      name: "m",
      platform: "onnxruntime_onnx",
      backend: "onnxruntime",
      version_policy: { latest: { num_versions: 1 } },
      max_batch_size: 16,
      input: [
        { name: "x", data_type: "TYPE_FP32", dims: [4] },
        { name: "words", data_type: "TYPE_STRING", dims: [2] },
      ],
      output: [{ name: "y", data_type: "TYPE_INT64", dims: [3] }],
      dynamic_batching: { max_queue_delay_microseconds: 2_000 },
      instance_group: [{ name: "m", kind: "KIND_CPU", count: 2 }],
      default_model_filename: "model.onnx",
      parameters: {
        intra_op_thread_count: { string_value: "1" },
        execution_providers: { string_value: "cpu" },
        graph_optimization: { string_value: "all" },
      },
    });
  });

  for (const type of ["unbatched", "one-by-one"] as const) {
    it(`has whole shapes and no batcher where the model is ${type}`, () => {
      const config = configOf({ batching: { type, reason: "why" } });
      const dims = (config["input"] as { readonly dims: unknown }[]).map((one) => one.dims);
      assert.deepEqual([config["max_batch_size"], dims], [0, [[-1, 4], [2]]]);
      assert.ok(!("dynamic_batching" in config));
    });
  }

  it("has states under sequence_batching, and not among what clients send", () => {
    const state = { name: "h", datatype: "FP32", shape: [-1, 8], batchAxis: 0 } as const;
    const config = configOf({
      inputs: [...metadata.inputs, state],
      outputs: [...metadata.outputs, { ...state, name: "h_out" }],
      state: [{ input: 2, output: 1, found: true }],
    });
    const names = (config["input"] as { readonly name: string }[]).map(({ name }) => name);
    assert.deepEqual(names, ["x", "words"]);
    assert.deepEqual(config["sequence_batching"], {
      max_sequence_idle_microseconds: 60_000_000,
      oldest: { max_candidate_sequences: 2, max_queue_delay_microseconds: 2_000 },
      state: [{ input_name: "h", output_name: "h_out", data_type: "TYPE_FP32", dims: [8] }],
    });
  });

  const policies: readonly (readonly [WrittenConfig["versions"], unknown])[] = [
    ["all", { all: {} }],
    [{ latest: 3 }, { latest: { num_versions: 3 } }],
    [["1", "v2", "03"], { specific: { versions: [1, "v2", "03"] } }],
  ];
  for (const [versions, expected] of policies) {
    it(`says ${JSON.stringify(versions)} as ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(configOf({}, { versions })["version_policy"], expected);
    });
  }

  it("is not known before the model has been loaded", () => {
    const isUnavailable = (thrown: unknown) =>
      thrown instanceof TroupeError && thrown.code === "model-unavailable";
    assert.throws(() => configOf(null), isUnavailable);
  });
});
