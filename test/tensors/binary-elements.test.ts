import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import { readBinary, writeBinary } from "../../src/tensors/binary-elements.ts";
import type { Tensor, TensorData } from "../../src/tensors/tensor.ts";

/** Each datatype with the bytes that two elements of it are. */
const rows: readonly (readonly [Datatype, string, TensorData])[] = [
  ["BOOL", "00 01", Uint8Array.of(0, 1)],
  ["UINT8", "00 ff", Uint8Array.of(0, 255)],
  ["UINT16", "0100 ffff", Uint16Array.of(1, 65535)],
  ["UINT32", "01000000 ffffffff", Uint32Array.of(1, 2 ** 32 - 1)],
  ["UINT64", "0100000000000000 ffffffffffffffff", BigUint64Array.of(1n, 2n ** 64n - 1n)],
  ["INT8", "80 7f", Int8Array.of(-128, 127)],
  ["INT16", "0080 ff7f", Int16Array.of(-32768, 32767)],
  ["INT32", "00000080 ffffff7f", Int32Array.of(-(2 ** 31), 2 ** 31 - 1)],
  ["INT64", "0000000000000080 ffffffffffffff7f", BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n)],
  ["FP16", "003c 00c0", Uint16Array.of(0x3c00, 0xc000)],
  ["BF16", "803f 00c0", Uint16Array.of(0x3f80, 0xc000)],
  ["FP32", "0000003f 000010c0", Float32Array.of(0.5, -2.25)],
  ["FP64", "000000000000e03f 00000000000002c0", Float64Array.of(0.5, -2.25)],
  ["BYTES", "02000000 c39f 00000000", ["ß", ""]],
];

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex.replaceAll(" ", ""), "hex"));
}

/** The same bytes in memory of their own, behind so many others. */
function behind(offset: number, bytes: Uint8Array): Uint8Array {
  const memory = new Uint8Array(offset + bytes.length + 3);
  memory.set(bytes, offset);
  return memory.subarray(offset, offset + bytes.length);
}

function read(datatype: Datatype, bytes: Uint8Array, shape: readonly number[] = [2]): Tensor {
  return readBinary({ name: "x", datatype, shape }, bytes);
}

describe("binary elements", () => {
  for (const [datatype, hex, data] of rows) {
    it(`are read as ${datatype}, wherever they lie`, () => {
      for (let offset = 0; offset < 9; offset += 1) {
        const tensor = read(datatype, behind(offset, bytesOf(hex)));
        assert.deepEqual(tensor, { datatype, shape: [2], data });
      }
    });

    it(`are written as ${datatype}`, () => {
      const bytes = writeBinary({ datatype, shape: [2], data });
      assert.equal(Buffer.from(bytes).toString("hex"), hex.replaceAll(" ", ""));
    });
  }

  it("of no elements are no bytes", () => {
    for (const [datatype] of rows) {
      const tensor = read(datatype, new Uint8Array(0), [0, 3]);
      assert.deepEqual([tensor.data.length, writeBinary(tensor).length], [0, 0]);
    }
  });

  it("of rank 0 are one element", () => {
    assert.deepEqual(read("INT16", bytesOf("0200"), []).data, Int16Array.of(2));
  });

  it("keep what JSON has no words for", () => {
    const data = Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY, -0);
    const bytes = writeBinary({ datatype: "FP32", shape: [3], data });
    assert.deepEqual(read("FP32", Uint8Array.from(bytes), [3]).data, data);
  });
});

describe("the memory of binary elements", () => {
  for (const [datatype, hex, data] of rows) {
    if (!ArrayBuffer.isView(data)) continue;
    const size = data.BYTES_PER_ELEMENT;
    it(`is shared where it is aligned to ${datatype}, and only there`, () => {
      for (let offset = 0; offset < 9; offset += 1) {
        const bytes = behind(offset, bytesOf(hex));
        const tensor = read(datatype, bytes).data;
        assert.ok(ArrayBuffer.isView(tensor));
        assert.equal(tensor.buffer === bytes.buffer, offset % size === 0, `at ${offset}`);
      }
    });

    it(`is shared by what is written of ${datatype}`, () => {
      const bytes = writeBinary({ datatype, shape: [2], data });
      assert.deepEqual([bytes.buffer, bytes.byteLength], [data.buffer, data.byteLength]);
    });
  }

  it("is a part of the tensor's where the tensor is a view", () => {
    const data = Float32Array.of(1, 2, 3).subarray(1, 2);
    assert.deepEqual(writeBinary({ datatype: "FP32", shape: [1], data }), bytesOf("00000040"));
  });
});

describe("binary elements that do not fit", () => {
  const lies: readonly (readonly [Datatype, readonly number[], string, string])[] = [
    [
      "FP32",
      [2],
      "00000000 000000",
      "unexpected size for input 'x': FP32 of shape [2] has 8 bytes, got 7",
    ],
    ["INT64", [1], "", "unexpected size for input 'x': INT64 of shape [1] has 8 bytes, got 0"],
    ["UINT8", [0], "00", "unexpected size for input 'x': UINT8 of shape [0] has 0 bytes, got 1"],
    ["BOOL", [3], "010002", "Cannot read input 'x': expected 0 or 1 at byte 2 (BOOL), got 2"],
    [
      "FP16",
      [2 ** 31, 2],
      "0000",
      "shape [2147483648,2] of input 'x' causes total element count to exceed maximum size of 2147483648",
    ],
    [
      "BYTES",
      [2],
      "01000000 61 0000",
      "incomplete string length indicator for input 'x': expected 2 string elements of a length (4 bytes) and their bytes, got 7 bytes in all",
    ],
    [
      "BYTES",
      [2],
      "05000000 6161616161",
      "incomplete string length indicator for input 'x': expected 2 string elements of a length (4 bytes) and their bytes, got 9 bytes in all",
    ],
    [
      "BYTES",
      [2 ** 31],
      "00000000",
      "incomplete string length indicator for input 'x': expected 2147483648 string elements of a length (4 bytes) and their bytes, got 4 bytes in all",
    ],
    [
      "BYTES",
      [1],
      "ffffffff 61",
      "incomplete string data for input 'x': string 0 has a length of 4294967295, but 1 bytes are left",
    ],
    [
      "BYTES",
      [1],
      "01000000 61 00000000",
      "unexpected number of string elements for input 'x': expected 1, got 4 bytes more",
    ],
    [
      "BYTES",
      [1],
      "01000000 ff",
      "Cannot read input 'x': expected UTF-8 without NUL in string 0 (BYTES), got other bytes",
    ],
    [
      "BYTES",
      [1],
      "03000000 610062",
      "Cannot read input 'x': expected UTF-8 without NUL in string 0 (BYTES), got a NUL",
    ],
  ];
  for (const [datatype, shape, hex, message] of lies) {
    it(`are refused: ${message}`, () => {
      assert.throws(() => read(datatype, bytesOf(hex), shape), {
        code: "invalid-request",
        message,
      });
    });
  }

  it("are no lie where the text itself has U+FFFD", () => {
    assert.deepEqual(read("BYTES", bytesOf("03000000 efbfbd"), [1]).data, ["\ufffd"]);
  });
});
