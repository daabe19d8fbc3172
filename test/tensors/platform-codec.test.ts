import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { platformCodec } from "../../src/tensors/platform-codec.ts";

const metadata: ServedModel["metadata"] = {
  inputs: [{ name: "x", datatype: "FP32", shape: [-1, 2], batchAxis: 0 }],
  outputs: [{ name: "y", datatype: "FP32", shape: [-1, 2], batchAxis: 0 }],
  batching: { type: "batched", maxBatchSize: 8 },
  notServable: [],
  externalFiles: [],
  state: [],
  stream: null,
};
const model: ServedModel = {
  name: "m",
  version: "1",
  metadata,
  labels: ["no", "yes"],
  standIns: [null],
};

function decode(body: unknown) {
  return platformCodec.decode(Buffer.from(JSON.stringify(body)), model);
}

describe("platformCodec", () => {
  it("takes features, and inputs by name", () => {
    const byFeatures = decode({ model: "m", features: [1, 2], parameters: {} });
    assert.deepEqual(decode({ inputs: { x: [1, 2] } }), byFeatures);
  });

  it("takes null for what is left out", () => {
    const byFeatures = decode({ features: [1, 2] });
    assert.deepEqual(decode({ text: null, features: [1, 2], inputs: null }), byFeatures);
    assert.deepEqual(decode({ features: null, inputs: { x: [1, 2] } }), byFeatures);
    assert.throws(() => decode({ text: null, features: null }), { code: "invalid-request" });
  });

  it("says of text that it is for other models", () => {
    const message = /'text': model 'm' takes tensors, expected 'features' or 'inputs'/;
    assert.throws(() => decode({ text: "I love it" }), { code: "invalid-request", message });
  });

  it("writes the result alone", () => {
    const request = decode({ features: [1, 2] });
    const data = Float32Array.of(0.25, 0.75);
    const outputs = [{ datatype: "FP32", shape: [1, 2], data } as const];
    const { json } = platformCodec.encode({ request, requestId: "r", outputs }, model);
    assert.deepEqual(JSON.parse(Buffer.from(json).toString()), {
      predictions: [[0.25, 0.75]],
      labels: [{ label: "yes", score: 0.75 }],
    });
  });
});
