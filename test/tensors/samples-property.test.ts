import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { readBase64, readSamples } from "../../src/tensors/samples.ts";

const runs = { numRuns: 300, includeErrorInReport: true };

describe("readSamples", () => {
  for (const [format, array, least, most] of [
    ["int16", Int16Array, -(2 ** 15), 2 ** 15 - 1],
    ["int32", Int32Array, -(2 ** 31), 2 ** 31 - 1],
  ] as const) {
    it(`reads ${format} as they were written, as whole numbers and as fractions of the range`, () => {
      const samples = fc.array(fc.integer({ min: least, max: most }), { maxLength: 400 });
      const property = fc.property(samples, fc.nat({ max: 3 }), (values, offset) => {
        const bytes = unaligned(new Uint8Array(array.from(values).buffer), offset);
        assert.deepEqual(readSamples(bytes, format, "INT32"), Int32Array.from(values));
        const fractions = Float64Array.from(values, (value) => value / -least);
        assert.deepEqual(readSamples(bytes, format, "FP64"), fractions);
      });
      fc.assert(property, runs);
    });
  }

  it("reads float32 as they were written, wherever they lie", () => {
    const finite = fc.float({ noNaN: true, noDefaultInfinity: true });
    const property = fc.property(fc.array(finite), fc.nat({ max: 3 }), (values, offset) => {
      const floats = Float32Array.from(values);
      const bytes = unaligned(new Uint8Array(floats.buffer), offset);
      assert.deepEqual(readSamples(bytes, "float32", "FP32"), floats);
    });
    fc.assert(property, runs);
  });
});

describe("readBase64", () => {
  it("reads what was written", () => {
    const property = fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const text = Buffer.from(bytes).toString("base64");
      assert.deepEqual(Uint8Array.from(readBase64(text)), bytes);
    });
    fc.assert(property, runs);
  });
});

/** The bytes at so many bytes past the beginning of their memory. */
function unaligned(bytes: Uint8Array, offset: number): Uint8Array {
  const whole = new Uint8Array(offset + bytes.length);
  whole.set(bytes, offset);
  return whole.subarray(offset);
}
