import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import { v2Codec } from "../../src/tensors/v2-codec.ts";

// Bodies that lie about their tensors, as text, since much of this cannot be said with JSON.stringify.

function model(datatype: Datatype): ServedModel {
  const x: TensorSpec = { name: "x", datatype, shape: [-1, 2], batchAxis: 0 };
  const y: TensorSpec = { name: "y", datatype, shape: [-1, 2], batchAxis: 0 };
  const batching = { type: "batched", maxBatchSize: 4 } as const;
  return {
    name: "m",
    version: "1",
    labels: [],
    metadata: {
      inputs: [x],
      outputs: [y],
      batching,
      notServable: [],
      externalFiles: [],
      state: [],
      stream: null,
    },
    standIns: [null],
  };
}

function v2(datatype: string, shape: string, data: string): string {
  return `{"inputs":[{"name":"x","datatype":"${datatype}","shape":${shape},"data":${data}}]}`;
}

function nested(depth: number): string {
  return `${"[".repeat(depth)}1${"]".repeat(depth)}`;
}

const ones = `[${"1,".repeat(1000)}1]`;
const input = '{"name":"x","datatype":"FP32","shape":[1,2],"data":[1,2]}';

const refusedByV2: [why: string, datatype: Datatype, body: string, message: RegExp][] = [
  [
    "too few elements",
    "FP32",
    v2("FP32", "[2,2]", "[1,2,3]"),
    /'x' of shape \[2,2\] has 4 elements, got 3/,
  ],
  [
    "too many elements",
    "FP32",
    v2("FP32", "[1,2]", "[1,2,3]"),
    /'x' of shape \[1,2\] has 2 elements, got 3/,
  ],
  ["a scalar's shape", "FP32", v2("FP32", "[]", "[1]"), /Expected \[-1,2\], got \[\]/],
  ["no elements for a row", "FP32", v2("FP32", "[1,2]", "[]"), /has 2 elements, got 0/],
  [
    "zero rows",
    "FP32",
    v2("FP32", "[0,2]", "[]"),
    /at least one row along axis 0, got shape \[0,2\]/,
  ],
  [
    "a negative dim",
    "FP32",
    v2("FP32", "[1,-2]", "[1,2]"),
    /non-unsigned-integer.*at \[1\], got -2/,
  ],
  [
    "two negative dims",
    "FP32",
    v2("FP32", "[-1,-2]", "[1,2]"),
    /should be specified for input 'x'/,
  ],
  ["a fractional dim", "FP32", v2("FP32", "[1.5,2]", "[1,2,3]"), /at \[0\], got 1\.5/],
  ["a dim of 2^53", "FP32", v2("FP32", "[9007199254740992,2]", "[1,2]"), /got 9007199254740992/],
  ["a dim of 2^53-1", "FP32", v2("FP32", "[9007199254740991,2]", "[1,2]"), /exceed maximum size/],
  [
    "dims that overflow to a good count",
    "FP32",
    v2("FP32", "[4294967296,4294967296]", "[1]"),
    /exceed maximum size/,
  ],
  ["an infinite dim", "FP32", v2("FP32", "[1e999,2]", "[1,2]"), /a number beyond the range/],
  ["rank 1001", "FP32", v2("FP32", ones, "[1]"), /Expected \[-1,2\], got \[1,.*1001 dims in all\]/],
  [
    "rank 1001 in data",
    "FP32",
    v2("FP32", "[1,2]", nested(1001)),
    /nesting depth exceeds .* \(100\)/,
  ],
  ["string dims", "FP32", v2("FP32", '["1",2]', "[1,2]"), /at \[0\], got "1"/],
  ["null for a dim", "FP32", v2("FP32", "[null,2]", "[1,2]"), /at \[0\], got null/],
  ["a list for a dim", "FP32", v2("FP32", "[[1],2]", "[1,2]"), /at \[0\], got a list of 1/],
  ["a number for a shape", "FP32", v2("FP32", "2", "[1,2]"), /expected a list of sizes, got 2/],
  [
    "an object for a shape",
    "FP32",
    v2("FP32", '{"length":2}', "[1,2]"),
    /list of sizes, got an object/,
  ],
  [
    "an object for data",
    "FP32",
    v2("FP32", "[1,2]", '{"0":1,"1":2}'),
    /expected a list, got an object/,
  ],
  ["the same input twice", "FP32", `{"inputs":[${input},${input}]}`, /input 'x' already exists/],
  [
    "an input of nobody",
    "FP32",
    `{"inputs":[${input.replace('"x"', '"z"')}]}`,
    /unexpected inference input 'z'/,
  ],
  ["no inputs", "FP32", '{"inputs":[]}', /expected 1 inputs but got 0 inputs/],
  [
    "another datatype",
    "INT32",
    v2("FP32", "[1,2]", "[1,2]"),
    /data-type is 'FP32', but model 'm' expects 'INT32'/,
  ],
  [
    "a datatype of Object.prototype",
    "FP32",
    v2("constructor", "[1,2]", "[1,2]"),
    /got "constructor"/,
  ],
  [
    "inputs in the prototype",
    "FP32",
    `{"__proto__":{"inputs":[${input}]}}`,
    /expected a list, got nothing/,
  ],
  [
    "a name in the prototype",
    "FP32",
    '{"inputs":[{"__proto__":{"name":"x"}}]}',
    /'name' to be a string, got nothing/,
  ],
  [
    "an output in the prototype",
    "FP32",
    `{"inputs":[${input}],"outputs":[{"name":"__proto__"}]}`,
    /output '__proto__'/,
  ],
];

/** What stands for the two elements of one row, refused whatever the wire format. */
const refusedElements: [why: string, datatype: Datatype, row: string, message: RegExp][] = [
  ["NaN", "FP32", "[NaN,1]", /expected a JSON value, got 'NaN' at position/],
  ["Infinity", "FP32", "[1,Infinity]", /got 'Infinity'/],
  ["-Infinity", "FP32", "[1,-Infinity]", /got 'Infinity'/],
  ["1e999", "FP32", "[1,1e999]", /at \[.*1\], got a number beyond the range of 64-bit floats/],
  ["1e999 for doubles", "FP64", "[1e999,1]", /a number beyond the range of 64-bit floats/],
  ["1e39 for floats", "FP32", "[1,1e39]", /in the range of FP32 at \[.*1\], got 1e\+39/],
  ["null", "FP32", "[1,null]", /got null/],
  ["a string for a float", "FP32", '[1,"2"]', /got "2"/],
  ["true for a float", "FP32", "[1,true]", /got true/],
  [
    "uneven lists",
    "FP32",
    "[[1],[2,3]]",
    /expected a list of 1 at \[.*1\], as before it, got a list of 2/,
  ],
  ["a list among numbers", "FP32", "[1,[2]]", /got a list of 1/],
  ["a fraction for an integer", "INT32", "[1,2.5]", /got 2\.5/],
  ["one above INT8", "INT8", "[1,128]", /from -128 to 127 \(INT8\)/],
  ["one below UINT8", "UINT8", "[1,-1]", /from 0 to 255 \(UINT8\)/],
  ["2^31 for INT32", "INT32", "[1,2147483648]", /got 2147483648/],
  ["2^32 for UINT32", "UINT32", "[1,4294967296]", /got 4294967296/],
  [
    "2^53+1 as a number",
    "INT64",
    "[1,9007199254740993]",
    /a string of digits, as for every integer beyond 2\^53/,
  ],
  ["-2^53 as a number", "INT64", "[1,-9007199254740992]", /a string of digits/],
  ["2^63 for INT64", "INT64", '[1,"9223372036854775808"]', /got "9223372036854775808"/],
  ["2^64 for UINT64", "UINT64", '[1,"18446744073709551616"]', /got "18446744073709551616"/],
  ["-1 for UINT64", "UINT64", '[1,"-1"]', /got "-1"/],
  ["a fraction as digits", "INT64", '[1,"1.0"]', /got "1\.0"/],
  ["a million digits", "INT64", `[1,"${"9".repeat(1e6)}"]`, /got "9{40}…"$/],
  ["1 for BOOL", "BOOL", "[true,1]", /expected true or false at \[.*1\], got 1/],
  [
    "a number for BYTES",
    "BYTES",
    '["a",1]',
    /expected a string of whole characters without NUL \(BYTES\)/,
  ],
  ["a NUL in BYTES", "BYTES", '["a\\u0000b","c"]', /without NUL \(BYTES\) at \[.*0\]/],
  ["half a surrogate pair", "BYTES", '["a","\\ud800"]', /got "\\ud800"/],
  ["100 levels of one element", "FP32", nested(98), /.+/],
  ["101 levels", "FP32", nested(101), /nesting depth exceeds maximum allowed limit \(100\)/],
  ["250000 levels", "FP32", nested(250_000), /nesting depth exceeds maximum allowed limit \(100\)/],
];

describe("a body that lies about its tensors", () => {
  for (const [why, datatype, body, message] of refusedByV2) {
    it(`is refused by V2 for ${why}`, () => {
      assert.throws(() => v2Codec.decode(Buffer.from(body), model(datatype)), {
        code: "invalid-request",
        message,
      });
    });
  }

  it("is refused by V2 for FP16 at all, and by predict past its range", () => {
    const served = model("FP16");
    for (const [codec, body, message] of [
      [v2Codec, v2("FP16", "[1,2]", "[1,2]"), /^receiving FP16 data via JSON is not supported/],
      [predictCodec, '{"features":[1,65520]}', /in the range of FP16 at \[1\], got 65520$/],
    ] as const) {
      const refusal = { code: "invalid-request", message };
      assert.throws(() => codec.decode(Buffer.from(body), served), refusal);
    }
  });

  for (const [why, datatype, row, message] of refusedElements) {
    it(`is refused by both codecs for ${why}`, () => {
      const served = model(datatype);
      for (const [codec, body] of [
        [v2Codec, v2(datatype, "[1,2]", row)],
        [predictCodec, `{"features":${row}}`],
        [predictCodec, `{"inputs":{"x":[${row}]}}`],
      ] as const) {
        assert.throws(() => codec.decode(Buffer.from(body), served), {
          code: "invalid-request",
          message,
        });
      }
    });
  }

  for (const [datatype, row, data] of [
    [
      "INT64",
      '["9223372036854775807","-9223372036854775808"]',
      BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n)),
    ],
    [
      "UINT64",
      '["18446744073709551615",9007199254740991]',
      BigUint64Array.of(2n ** 64n - 1n, 2n ** 53n - 1n),
    ],
    ["FP32", "[-0,3.4028234663852886e38]", Float32Array.of(-0, 3.4028234663852886e38)],
    ["FP64", "[-0.0,1.7976931348623157e308]", Float64Array.of(-0, Number.MAX_VALUE)],
    ["BYTES", '["ä€😀\\u0001","\\ud83d\\ude00"]', ["ä€😀\x01", "😀"]],
    ["INT8", "[1e2,-128.0]", Int8Array.of(100, -128)],
  ] as const) {
    it(`is told from the true ${datatype} ${row}, which both codecs read exactly`, () => {
      const served = model(datatype);
      const inputs = [{ datatype, shape: [1, 2], data }];
      const flat = v2Codec.decode(Buffer.from(v2(datatype, "[1,2]", row)), served);
      const features = predictCodec.decode(Buffer.from(`{"features":${row}}`), served);
      assert.deepEqual([flat.inputs, features.inputs], [inputs, inputs]);
    });
  }
});
