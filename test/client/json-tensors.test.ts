import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { InferRequest } from "../../src/client/infer-messages.ts";
import { jsonCodec } from "../../src/client/json-tensors.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function written(request: InferRequest): unknown {
  const { body } = jsonCodec.write(request);
  return JSON.parse(body as string);
}

function read(output: object, parameters?: object) {
  const head = { model_name: "m", model_version: "2", outputs: [{ name: "y", ...output }] };
  const body = new TextEncoder().encode(JSON.stringify({ ...head, parameters }));
  return jsonCodec.read({ status: 200, body, header: () => null });
}

describe("tensors in JSON", () => {
  it("are written with what the request wants", () => {
    const x: Tensor = { datatype: "FP32", shape: [1, 2], data: new Float32Array([0.5, 2]) };
    const request = { id: "7", inputs: { x }, outputs: ["y"], parameters: { sequence_id: 3 } };
    assert.deepEqual(written(request), {
      id: "7",
      parameters: { sequence_id: 3 },
      inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [0.5, 2] }],
      outputs: [{ name: "y" }],
    });
  });

  for (const [tensor, data] of [
    [{ datatype: "INT64", data: new BigInt64Array([2n ** 60n]) }, ["1152921504606846976"]],
    [{ datatype: "BOOL", data: new Uint8Array([1]) }, [true]],
    [{ datatype: "BYTES", data: ["ä"] }, ["ä"]],
  ] as const) {
    it(`write ${tensor.datatype} exactly`, () => {
      const { inputs } = written({ inputs: { x: { ...tensor, shape: [1] } } }) as {
        inputs: readonly { readonly data: unknown }[];
      };
      assert.deepEqual(inputs[0]?.data, data);
    });
  }

  for (const datatype of ["FP16", "BF16"] as const) {
    it(`are refused for ${datatype}, of which the bits would be read as numbers`, () => {
      const x: Tensor = { datatype, shape: [1], data: Uint16Array.of(0x3c00) };
      assert.throws(() => jsonCodec.write({ inputs: { x } }), { code: "invalid-request" });
      assert.throws(() => read({ datatype, shape: [1], data: [1] }), {
        code: "unexpected-answer",
      });
    });
  }

  it("write the sign of -0", () => {
    const x: Tensor = { datatype: "FP32", shape: [3], data: new Float32Array([-0, 0, 0.5]) };
    assert.match(String(jsonCodec.write({ inputs: { x } }).body), /"data":\[-0\.0,0,0\.5\]/);
  });

  for (const [datatype, elements, data] of [
    ["FP32", [0.5, null], new Float32Array([0.5, Number.NaN])],
    ["INT64", ["9007199254740993", "1"], new BigInt64Array([9_007_199_254_740_993n, 1n])],
    ["INT64", [1, 2], new BigInt64Array([1n, 2n])],
    ["BOOL", [true, false], new Uint8Array([1, 0])],
    ["BYTES", ["a", "b"], ["a", "b"]],
  ] as const) {
    it(`are read as ${datatype} of ${JSON.stringify(elements)}`, () => {
      const { outputs } = read({ datatype, shape: [2], data: elements });
      assert.deepEqual(outputs, { y: { datatype, shape: [2], data } });
    });
  }

  it("come with who answered and what is to be warned of", () => {
    const warnings = ["y has a NaN"];
    const {
      model,
      version,
      warnings: came,
    } = read({ datatype: "FP32", shape: [0], data: [] }, { warnings });
    assert.deepEqual([model, version, came], ["m", "2", warnings]);
  });
});
