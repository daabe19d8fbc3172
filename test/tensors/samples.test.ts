import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import {
  readBase64,
  readFormat,
  readSamples,
  sampleFormats,
  signalDatatypes,
} from "../../src/tensors/samples.ts";

function bytes(hex: string): Buffer {
  return Buffer.from(hex.replaceAll(" ", ""), "hex");
}

describe("readSamples", () => {
  const int16 = "0000 0100 ff7f 0080 ffff 0040";
  const int32 = "00000000 01000000 ffffff7f 00000080 00000040";
  const float32 = "00000000 0000803f 000000c0 cdcccc3d 01000000";
  for (const [format, datatype, hex, expected] of [
    ["int16", "FP32", int16, Float32Array.of(0, 2 ** -15, 32767 / 32768, -1, -(2 ** -15), 0.5)],
    ["int16", "FP64", int16, Float64Array.of(0, 2 ** -15, 32767 / 32768, -1, -(2 ** -15), 0.5)],
    ["int16", "INT16", int16, Int16Array.of(0, 1, 32767, -32768, -1, 16384)],
    ["int16", "INT32", int16, Int32Array.of(0, 1, 32767, -32768, -1, 16384)],
    ["int32", "FP32", int32, Float32Array.of(0, 2 ** -31, 1, -1, 0.5)],
    ["int32", "FP64", int32, Float64Array.of(0, 2 ** -31, 1 - 2 ** -31, -1, 0.5)],
    ["int32", "INT32", int32, Int32Array.of(0, 1, 2 ** 31 - 1, -(2 ** 31), 2 ** 30)],
    ["float32", "FP32", float32, Float32Array.of(0, 1, -2, 0.1, 2 ** -149)],
    ["float32", "FP64", float32, Float64Array.of(0, 1, -2, Math.fround(0.1), 2 ** -149)],
  ] as const) {
    it(`reads ${format} for an input of ${datatype}`, () =>
      assert.deepEqual(readSamples(bytes(hex), format, datatype), expected));
  }

  for (const format of sampleFormats) {
    it(`reads no samples of ${format}`, () =>
      assert.deepEqual(readSamples(new Uint8Array(0), format, "FP32"), new Float32Array(0)));
  }

  it("does not scale floats", () => {
    const loud = Buffer.from(Float32Array.of(3e38, -32768).buffer);
    assert.deepEqual(readSamples(loud, "float32", "FP32"), Float32Array.of(3e38, -32768));
  });

  it("reads from memory that is aligned in no way, and no more than it is given", () => {
    const framed = bytes("ff 0040 0080 ff").subarray(1, 5);
    assert.deepEqual(readSamples(framed, "int16", "FP32"), Float32Array.of(0.5, -1));
  });

  it("gives memory of its own", () => {
    const given = bytes("0040");
    const read = readSamples(given, "int16", "INT16");
    given.fill(0);
    assert.deepEqual(read, Int16Array.of(16384));
  });

  for (const [format, datatype, hex, words] of [
    ["int16", "FP32", "00", "expected a multiple of 2 bytes (int16), got 1 bytes"],
    ["int16", "INT16", "000000", "expected a multiple of 2 bytes (int16), got 3 bytes"],
    ["int32", "FP32", "000000", "expected a multiple of 4 bytes (int32), got 3 bytes"],
    ["float32", "FP32", "000000000000", "expected a multiple of 4 bytes (float32), got 6 bytes"],
    ["float32", "INT16", "00000000", "float32 does not fit the model's INT16"],
    ["float32", "INT32", "00000000", "float32 does not fit the model's INT32"],
    ["int32", "INT16", "00000000", "int32 does not fit the model's INT16"],
    ["int32", "INT16", "", "int32 does not fit the model's INT16"],
    ["float32", "FP32", "00000000 0000c07f", "expected a finite number at [1], got NaN"],
    ["float32", "FP32", "0000807f", "expected a finite number at [0], got Infinity"],
    [
      "float32",
      "FP64",
      "00000000 00000000 000080ff",
      "expected a finite number at [2], got -Infinity",
    ],
  ] as const) {
    it(`refuses ${hex || "nothing"} as ${format} for ${datatype}`, () =>
      assert.throws(() => readSamples(bytes(hex), format, datatype), {
        code: "invalid-request",
        message: `Cannot read samples: ${words}`,
      }));
  }
});

describe("signalDatatypes", () => {
  it("are those for which there is a format", () => {
    const readable = datatypes.filter((datatype) => signalDatatypes.includes(datatype));
    assert.deepEqual(readable, ["INT16", "INT32", "FP32", "FP64"]);
    for (const datatype of readable) {
      assert.doesNotThrow(() => readSamples(bytes("0100"), "int16", datatype));
    }
  });
});

describe("readFormat", () => {
  for (const format of sampleFormats) {
    it(`knows ${format}`, () => assert.equal(readFormat(format), format));
  }

  for (const [value, words] of [
    [undefined, "nothing"],
    [null, "null"],
    ["", '""'],
    ["INT16", '"INT16"'],
    ["int16 ", '"int16 "'],
    ["toString", '"toString"'],
    [16, "16"],
    [["int16"], "a list of 1"],
    [{}, "an object"],
    ["x".repeat(1_000), `"${"x".repeat(40)}…"`],
  ] as const) {
    it(`refuses ${words}`, () =>
      assert.throws(() => readFormat(value), {
        code: "invalid-request",
        message: `Cannot read 'encoding': expected one of int16, int32, float32, got ${words}`,
      }));
  }
});

describe("readBase64", () => {
  for (const [text, hex] of [
    ["", ""],
    ["AA==", "00"],
    ["AAE=", "0001"],
    ["AAEC", "000102"],
    ["+/+/", "fbffbf"],
    ["AAECAw==", "00010203"],
    ["////////", "ffffffffffff"],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => assert.deepEqual(readBase64(text), bytes(hex)));
  }

  for (const text of [
    "A",
    "AA",
    "AAE",
    "AA=",
    "A===",
    "====",
    "=",
    "AAEC=",
    "AA==AAEC",
    "AA=A",
    "AAEC\n",
    " AAEC",
    "AA EC",
    "AAE-",
    "AAE_",
    "AAEé",
    "data:;base64,AAEC",
  ]) {
    it(`refuses ${JSON.stringify(text)}`, () =>
      assert.throws(() => readBase64(text), {
        code: "invalid-request",
        message: `Cannot read 'samples': expected base64, got ${JSON.stringify(text)}`,
      }));
  }

  it("shows no more than the beginning of what it refuses", () =>
    assert.throws(() => readBase64("!".repeat(1_000)), {
      message: `Cannot read 'samples': expected base64, got "${"!".repeat(40)}…"`,
    }));

  it("reads as much as the largest message may carry", () => {
    const whole = Buffer.alloc(24 * 2 ** 20, "samples");
    assert.ok(whole.equals(readBase64(whole.toString("base64"))));
  });

  it("refuses as much, for its last letter", () =>
    assert.throws(() => readBase64(`${"A".repeat(32 * 2 ** 20 - 1)}!`), {
      code: "invalid-request",
    }));
});
