import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { modelYamlFor } from "../../src/cli/model-yaml.ts";
import type { Batching, ModelMetadata } from "../../src/protocol/model-metadata.ts";

function metadata(shape: readonly number[], batching: Batching): ModelMetadata {
  return {
    inputs: [],
    outputs: [{ name: "y", datatype: "FP32", shape, batchAxis: 0 }],
    batching,
    notServable: [],
    state: [],
    stream: null,
    externalFiles: [],
  };
}

const batched: Batching = { type: "batched", maxBatchSize: 64 };

describe("modelYamlFor", () => {
  it("asks for the names of what looks like classes", () => {
    assert.match(modelYamlFor(metadata([-1, 10], batched), 1), /# labels: .* of the 10 scores/);
    assert.doesNotMatch(modelYamlFor(metadata([-1, 1], batched), 1), /labels/);
    assert.doesNotMatch(modelYamlFor(metadata([-1, 4_096], batched), 1), /labels/);
  });

  it("says nothing of batches where there are none", () => {
    const text = modelYamlFor(metadata([-1, 10], { type: "unbatched", reason: "" }), 1);
    assert.doesNotMatch(text, /batching/);
  });
});
