import type { Tensor } from "./tensor.ts";

/**
 * FP16 and BF16 tensors as FP32, of the same shape and the same values exactly; every other tensor as it is. IEEE 754
 * binary16: 1 sign, 5 exponent, 10 fraction bits; bfloat16 is the upper half of a binary32.
 */
export function widenHalf(tensor: Tensor): Tensor {
  const { datatype, shape, data } = tensor;
  if (datatype === "FP16")
    return { datatype: "FP32", shape, data: widenFloat16(data as Uint16Array) };
  if (datatype === "BF16")
    return { datatype: "FP32", shape, data: widenBfloat16(data as Uint16Array) };
  return tensor;
}

function widenFloat16(bits: Uint16Array): Float32Array {
  const floats = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) floats[i] = float16Value(bits[i] as number);
  return floats;
}

function widenBfloat16(bits: Uint16Array): Float32Array {
  const words = new Uint32Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) words[i] = (bits[i] as number) << 16;
  return new Float32Array(words.buffer);
}

function float16Value(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0x1f) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  // Exponent 0 holds zero and the subnormals, which have no hidden bit.
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

interface HalfFormat {
  readonly fractionBits: number;
  /** Of the smallest number that is not subnormal. */
  readonly leastExponent: number;
  /** The bits of infinity. */
  readonly infinity: number;
}

const halfFormats: Readonly<Record<"FP16" | "BF16", HalfFormat>> = {
  FP16: { fractionBits: 10, leastExponent: -14, infinity: 0x7c00 },
  BF16: { fractionBits: 7, leastExponent: -126, infinity: 0x7f80 },
};

const signBit = 0x8000;

/** The bits of the nearest number, of equals the even one; undefined where that is infinite, and for NaN. */
export function narrowToHalf(value: number, datatype: "FP16" | "BF16"): number | undefined {
  const { fractionBits, leastExponent, infinity } = halfFormats[datatype];
  const size = Math.abs(value);
  if (!Number.isFinite(size)) return undefined;
  const exponent = Math.max(leastExponent, exponentOf(size));
  // A fraction that is rounded up to the next power of two carries into the exponent, as it should.
  const fraction = roundToEven(size / 2 ** (exponent - fractionBits));
  const bits = ((exponent - leastExponent) << fractionBits) + fraction;
  if (bits >= infinity) return undefined;
  return value < 0 || Object.is(value, -0) ? bits + signBit : bits;
}

/** Of the power of two at or below it. */
function exponentOf(size: number): number {
  if (size === 0) return Number.NEGATIVE_INFINITY;
  // The logarithm may be rounded past a whole number.
  const near = Math.floor(Math.log2(size));
  if (2 ** near > size) return near - 1;
  return 2 ** (near + 1) <= size ? near + 1 : near;
}

function roundToEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  if (rest === 0.5) return below % 2 === 0 ? below : below + 1;
  return rest > 0.5 ? below + 1 : below;
}
