import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  checkWritable,
  numberText,
  stringText,
  writeElements,
} from "../../src/tensors/json-writer.ts";
import type { Tensor, TensorData } from "../../src/tensors/tensor.ts";

function tensor(datatype: Tensor["datatype"], data: TensorData, shape = [data.length]): Tensor {
  return { datatype, shape, data };
}

function write(written: Tensor, nested = true): { text: string; warnings: string[] } {
  const warnings: string[] = [];
  return { text: writeElements("y", written, { nested, warnings }), warnings };
}

const { NaN: nan, POSITIVE_INFINITY: infinity, NEGATIVE_INFINITY: minusInfinity } = Number;

describe("writeElements", () => {
  for (const [written, text] of [
    [tensor("FP64", Float64Array.of(0.5, -2, 1e-7, 1e21)), "[0.5,-2,1e-7,1e+21]"],
    [tensor("FP64", Float64Array.of(0.1, -0, 0)), "[0.1,-0.0,0]"],
    [tensor("BOOL", Uint8Array.of(1, 0)), "[true,false]"],
    [tensor("INT8", Int8Array.of(-128, 127)), "[-128,127]"],
    [tensor("UINT32", Uint32Array.of(4294967295)), "[4294967295]"],
    [
      tensor("INT64", BigInt64Array.of(2n ** 53n - 1n, 1n - 2n ** 53n, 1n)),
      "[9007199254740991,-9007199254740991,1]",
    ],
    [tensor("INT64", BigInt64Array.of(-(2n ** 53n), 1n)), '["-9007199254740992","1"]'],
    [tensor("UINT64", BigUint64Array.of(2n ** 53n)), '["9007199254740992"]'],
    [tensor("INT64", BigInt64Array.of(1n, 2n ** 53n + 1n)), '["1","9007199254740993"]'],
    [tensor("INT64", BigInt64Array.of(-(2n ** 63n))), '["-9223372036854775808"]'],
    [tensor("UINT64", BigUint64Array.of(2n ** 64n - 1n, 0n)), '["18446744073709551615","0"]'],
    [tensor("BYTES", ['a"b', "ä\n", ""]), '["a\\"b","ä\\n",""]'],
    [tensor("FP32", Float32Array.of(1, 2, 3, 4, 5, 6), [3, 1, 2]), "[[[1,2]],[[3,4]],[[5,6]]]"],
    [tensor("INT64", BigInt64Array.of(1n, 2n ** 60n), [2, 1]), '[["1"],["1152921504606846976"]]'],
    [tensor("BYTES", ["a", "b"], [2, 1]), '[["a"],["b"]]'],
    [tensor("FP32", Float32Array.of(5), []), "5"],
    [tensor("BYTES", ["a"], []), '"a"'],
    [tensor("FP32", new Float32Array(0), [0, 3]), "[]"],
    [tensor("FP32", new Float32Array(0), [2, 0]), "[[],[]]"],
    [tensor("INT64", new BigInt64Array(0), [2, 0]), "[[],[]]"],
    [tensor("BOOL", new Uint8Array(0), [1, 0]), "[[]]"],
  ] as const) {
    it(`writes ${written.datatype} [${written.shape}] as ${text}`, () => {
      assert.deepEqual(write(written), { text, warnings: [] });
      JSON.parse(text);
    });
  }

  it("writes one flat list when not nested", () => {
    assert.equal(
      write(tensor("FP32", Float32Array.of(1, 2, 3, 4), [2, 2]), false).text,
      "[1,2,3,4]",
    );
    assert.equal(write(tensor("FP32", Float32Array.of(5), []), false).text, "[5]");
  });

  it("writes null for what is not finite, and warns", () => {
    assert.deepEqual(write(tensor("FP32", Float32Array.of(nan, 1, infinity, minusInfinity, -0))), {
      text: "[null,1,null,null,-0.0]",
      warnings: ["output 'y': 3 values that are not finite were replaced by null"],
    });
    assert.deepEqual(write(tensor("FP64", Float64Array.of(nan))).warnings, [
      "output 'y': 1 value that is not finite was replaced by null",
    ]);
  });

  it("writes long rows as it writes short ones", () => {
    const data = Float32Array.from({ length: 100 }, (_, i) => i / 7);
    const expected = `[${Array.from(data).join(",")}]`;
    assert.equal(write(tensor("FP32", data)).text, expected);
    assert.equal(
      write(tensor("FP32", data, [50, 2])).text.replaceAll(/[[\]]/g, ""),
      expected.slice(1, -1),
    );
  });

  it("keeps every float exactly", () => {
    const data = Float32Array.from({ length: 1000 }, (_, i) => Math.sin(i) * 10 ** ((i % 70) - 35));
    assert.deepEqual(Float32Array.from(JSON.parse(write(tensor("FP32", data)).text)), data);
  });

  for (const datatype of ["FP16", "BF16"] as const) {
    it(`refuses ${datatype} with Triton's text`, () => {
      const refusal = {
        code: "invalid-request",
        message: `sending ${datatype} data via JSON is not supported. Please use the binary data format for output y`,
      };
      assert.throws(() => write(tensor(datatype, Uint16Array.of(1))), refusal);
      assert.throws(() => checkWritable("y", datatype), refusal);
    });
  }
});

describe("numberText and stringText", () => {
  it("write JSON", () => {
    assert.deepEqual([0.98, -0, nan, infinity].map(numberText), ["0.98", "-0.0", "null", "null"]);
    for (const text of ["a-1", "", 'a"', "a\\", "a\n", "ä", "\ud800", "x".repeat(100), "\u007f"]) {
      assert.equal(JSON.parse(stringText(text)), text);
    }
  });
});

describe("long lists of floats", () => {
  for (const [datatype, data] of [
    ["FP32", Float32Array.from({ length: 10_000 }, (_, i) => Math.sin(i) * 10 ** ((i % 50) - 40))],
    ["FP64", Float64Array.from({ length: 8_192 }, (_, i) => Math.cos(i) * 10 ** ((i % 50) - 40))],
  ] as const) {
    it(`are written as JSON.stringify does (${datatype})`, () => {
      assert.equal(write(tensor(datatype, data)).text, JSON.stringify(Array.from(data)));
      const rows = [data.subarray(0, data.length / 2), data.subarray(data.length / 2)];
      assert.equal(
        write(tensor(datatype, data, [2, data.length / 2])).text,
        JSON.stringify(rows.map((row) => Array.from(row))),
      );
    });
  }
});
