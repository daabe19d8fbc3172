import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeClientError } from "../../src/client/client-error.ts";
import { checkTensor, type InputTensor } from "../../src/client/typed-tensors.ts";

describe("checkTensor", () => {
  for (const [data, datatype] of [
    [new Float32Array(2), "FP32"],
    [new Float64Array(2), "FP64"],
    [new BigInt64Array(2), "INT64"],
    [new Uint8Array(2), "UINT8"],
    [Buffer.alloc(2), "UINT8"],
    [["a", "b"], "BYTES"],
  ] as const) {
    it(`takes a ${data.constructor.name} for ${datatype}`, () => {
      assert.equal(checkTensor("x", { data, shape: [2] }).datatype, datatype);
    });
  }

  it("takes raw bits for FP16, and bytes for BOOL", () => {
    const half: InputTensor = { data: new Uint16Array(1), shape: [1], datatype: "FP16" };
    assert.equal(checkTensor("x", half).datatype, "FP16");
    const flag: InputTensor = { data: new Uint8Array(1), shape: [1], datatype: "BOOL" };
    assert.equal(checkTensor("x", flag).datatype, "BOOL");
  });

  for (const [what, input, message] of [
    [
      "too few elements",
      { data: new Float32Array(3), shape: [1, 4] },
      "input 'x': expected 4 elements for shape [1,4], got 3",
    ],
    [
      "an array of another datatype",
      { data: new Float64Array(4), shape: [4], datatype: "FP32" },
      "input 'x': expected Float32Array for FP32, got Float64Array",
    ],
    [
      "no shape",
      { data: new Float32Array(4) },
      "input 'x': expected a shape, such as [1,4], got undefined",
    ],
    [
      "a list of numbers",
      { data: [1, 2], shape: [1, 2] },
      "input 'x': expected data as a typed array, or as a list of texts, got a list of others",
    ],
    [
      "no data",
      { shape: [1, 2] },
      "input 'x': expected data as a typed array, or as a list of texts, got undefined",
    ],
    [
      "numbers for BYTES",
      { data: new Uint8Array(1), shape: [1], datatype: "BYTES" },
      "input 'x': expected a list of texts for BYTES, got Uint8Array",
    ],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(
        () => checkTensor("x", input as unknown as InputTensor),
        (thrown) => {
          assert.ok(thrown instanceof TroupeClientError);
          assert.deepEqual([thrown.code, thrown.message], ["invalid-request", message]);
          return true;
        },
      );
    });
  }
});
