import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { binaryRequest, jsonRequest, tensorValues } from "../../bench/tensor-request.ts";

const values = tensorValues(6);

describe("jsonRequest", () => {
  it("holds the values as they read in single precision", () => {
    const { headers, body } = jsonRequest([2, 3], values);
    assert.deepEqual(headers, { "content-type": "application/json" });
    const [input] = JSON.parse(String(body)).inputs;
    assert.deepEqual([input.name, input.datatype, input.shape], ["x", "FP32", [2, 3]]);
    assert.deepEqual(Float32Array.from(input.data), values);
  });
});

describe("binaryRequest", () => {
  it("holds the same bytes, aligned behind its JSON", () => {
    const { headers, body } = binaryRequest([2, 3], values);
    const jsonLength = Number(headers["inference-header-content-length"]);
    const bytes = Buffer.from(body);
    const [input] = JSON.parse(bytes.toString("latin1", 0, jsonLength)).inputs;
    assert.equal(jsonLength % 8, 0);
    assert.deepEqual(input.shape, [2, 3]);
    assert.equal(input.parameters.binary_data_size, 24);
    assert.deepEqual(new Float32Array(Uint8Array.from(bytes.subarray(jsonLength)).buffer), values);
  });
});

describe("tensorValues", () => {
  it("are between 0 and 1, and always the same", () => {
    assert.ok(values.every((value) => value >= 0 && value < 1));
    assert.deepEqual(tensorValues(6), values);
  });
});
