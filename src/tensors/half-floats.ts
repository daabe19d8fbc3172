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
