import assert from "node:assert/strict";
import { describe, it } from "node:test";
import protobuf from "protobufjs";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import { readContents } from "../../src/tensors/typed-contents.ts";

const root = new protobuf.Root();
root.resolvePath = (_origin, target) => new URL(`../../proto/${target}`, import.meta.url).pathname;
root.loadSync("inference.proto", { keepCase: true });
const contents = root.lookupType("inference.InferTensorContents");

function encode(fields: object): Uint8Array {
  return contents.encode(contents.fromObject(fields)).finish();
}

function read(datatype: Datatype, count: number, message: Uint8Array) {
  return readContents({ name: "x", datatype, shape: [count] }, message).data;
}

const taken: readonly (readonly [Datatype, object, ArrayLike<unknown>])[] = [
  ["BOOL", { bool_contents: [true, false] }, Uint8Array.of(1, 0)],
  ["INT8", { int_contents: [-128, 127] }, Int8Array.of(-128, 127)],
  ["INT16", { int_contents: [-32_768, 300] }, Int16Array.of(-32_768, 300)],
  ["INT32", { int_contents: [-(2 ** 31), 2 ** 31 - 1] }, Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
  [
    "INT64",
    { int64_contents: ["-9223372036854775808", "9223372036854775807", -1] },
    BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n, -1n),
  ],
  ["UINT8", { uint_contents: [0, 255] }, Uint8Array.of(0, 255)],
  ["UINT16", { uint_contents: [65_535] }, Uint16Array.of(65_535)],
  ["UINT32", { uint_contents: [2 ** 32 - 1] }, Uint32Array.of(2 ** 32 - 1)],
  [
    "UINT64",
    { uint64_contents: ["18446744073709551615", "4294967296"] },
    BigUint64Array.of(2n ** 64n - 1n, 2n ** 32n),
  ],
  ["FP32", { fp32_contents: [1.5, Number.NaN] }, Float32Array.of(1.5, Number.NaN)],
  ["FP64", { fp64_contents: [0.1] }, Float64Array.of(0.1)],
  ["BYTES", { bytes_contents: [Buffer.from("é"), Buffer.from("")] }, ["é", ""]],
  ["FP32", {}, new Float32Array(0)],
];

const refused: readonly (readonly [string, Datatype, number, Uint8Array, RegExp])[] = [
  [
    "another field",
    "FP32",
    1,
    encode({ int_contents: [1] }),
    /expected its elements in 'fp32_contents' \(FP32\), got 'int_contents'/,
  ],
  [
    "too few elements",
    "INT64",
    3,
    encode({ int64_contents: [1, 2] }),
    /expected 3 elements in 'int64_contents', got 2/,
  ],
  [
    "too many strings",
    "BYTES",
    0,
    encode({ bytes_contents: [Buffer.from("a")] }),
    /expected 0 elements in 'bytes_contents', got 1/,
  ],
  [
    "a byte that is none",
    "INT8",
    1,
    encode({ int_contents: [128] }),
    /expected INT8 at element 0, got 128/,
  ],
  [
    "a negative one that is too low",
    "INT8",
    1,
    encode({ int_contents: [-129] }),
    /expected INT8 at element 0, got -129/,
  ],
  [
    "a UINT8 of 256",
    "UINT8",
    2,
    encode({ uint_contents: [1, 256] }),
    /expected UINT8 at element 1, got 256/,
  ],
  [
    "an INT32 of more than 32 bits, in one piece with others",
    "INT32",
    2,
    // Packed: 1, and 2^32.
    Uint8Array.of(0x12, 6, 1, 0x80, 0x80, 0x80, 0x80, 0x10),
    /expected INT32 at element 1, got 4294967296/,
  ],
  [
    "a UINT32 of more than 32 bits, alone",
    "UINT32",
    1,
    Uint8Array.of(0x20, 0x85, 0x80, 0x80, 0x80, 0x10),
    /expected UINT32 at element 0, got 4294967301/,
  ],
  [
    "a BOOL that is neither",
    "BOOL",
    1,
    Uint8Array.of(0x08, 0x80, 0x80, 0x80, 0x80, 0x10),
    /expected BOOL at element 0, got 4294967296/,
  ],
  [
    "half-precision floats",
    "FP16",
    1,
    encode({ fp32_contents: [1] }),
    /expected FP16 in 'raw_input_contents'/,
  ],
  [
    "three bytes of a float",
    "FP32",
    1,
    Uint8Array.of(0x32, 3, 0, 0, 0),
    /expected 1 elements in 'fp32_contents', got 0.75/,
  ],
  [
    "a message that is cut off",
    "FP32",
    1,
    Uint8Array.of(0x32, 4, 0, 0),
    /no protocol buffer: field 6 has 4 bytes, but 2 are left/,
  ],
  [
    "a number that never ends",
    "INT32",
    1,
    new Uint8Array(20).fill(0xff),
    /no protocol buffer: a number has more than 10 bytes/,
  ],
  [
    "an integer as a float",
    "FP32",
    1,
    Uint8Array.of(0x30, 1),
    /'fp32_contents' is not encoded as its elements are/,
  ],
  ["a group", "FP32", 1, Uint8Array.of(0x33), /no protocol buffer: field 6 has wire type 3/],
];

describe("readContents", () => {
  for (const [datatype, fields, data] of taken) {
    it(`reads ${datatype} from ${Object.keys(fields)[0] ?? "nothing"}`, () =>
      assert.deepEqual(read(datatype, data.length, encode(fields)), data));
  }

  it("reads elements that come one by one", () => {
    const unpacked = Uint8Array.of(0x10, 5, 0x10, 6, 0x12, 2, 7, 8);
    assert.deepEqual(read("INT16", 4, unpacked), Int16Array.of(5, 6, 7, 8));
  });

  it("reads floats that come in pieces", () => {
    const pieces = Buffer.concat([
      encode({ fp32_contents: [1, 2] }),
      encode({ fp32_contents: [3] }),
    ]);
    assert.deepEqual(read("FP32", 3, pieces), Float32Array.of(1, 2, 3));
  });

  for (const [what, datatype, count, message, words] of refused) {
    it(`refuses ${what}`, () =>
      assert.throws(() => read(datatype, count, message), {
        code: "invalid-request",
        message: words,
      }));
  }
});
