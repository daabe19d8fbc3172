import type { Datatype } from "../protocol/model-metadata.ts";
import {
  datatypeTraits,
  type IntegerRange,
  type TypedArray,
  type WritableData,
} from "./datatypes.ts";
import { narrowToHalf } from "./half-floats.ts";

// One loop a kind of element, each on one class of array, so that the engine compiles each to a few instructions.

/** Where the elements go: `data` from element `at` on. */
export interface Target {
  readonly datatype: Datatype;
  readonly data: WritableData;
  at: number;
}

/**
 * Reads a flat list of JSON values into the target and moves `at` past it. Gives the index of the first value that is
 * no element of the datatype, or -1; nothing is ever rounded into the range, wrapped or truncated. FP32, FP16 and BF16
 * take numbers to the nearest float, as every reader of decimal numbers must, and refuse those whose nearest is infinite.
 */
export function readRun(values: readonly unknown[], target: Target): number {
  const bad = readInto(values, target);
  target.at += values.length;
  return bad;
}

function readInto(values: readonly unknown[], { datatype, data, at }: Target): number {
  if (datatype === "FP32") return readFloat32s(values, data as Float32Array, at);
  const traits = datatypeTraits[datatype];
  switch (traits.kind) {
    case "integer":
      return readIntegers(values, { data: data as IntegerArray, at, range: traits.range });
    case "long":
      return readLongs(values, { data: data as LongArray, at, range: traits.range });
    case "float":
      return readFloat64s(values, data as Float64Array, at);
    case "boolean":
      return readBooleans(values, data as Uint8Array, at);
    case "string":
      return readStrings(values, data as string[], at);
    case "half":
      return readHalves(values, { data: data as Uint16Array, at, datatype: traits.datatype });
  }
}

type LongArray = BigInt64Array | BigUint64Array;
type IntegerArray = Exclude<TypedArray, LongArray | Float32Array | Float64Array>;

function readFloat32s(values: readonly unknown[], data: Float32Array, at: number): number {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (typeof value !== "number") return i;
    const rounded = Math.fround(value);
    // Only what is not finite leaves something when it is taken from itself.
    if (rounded - rounded !== 0) return i;
    data[at + i] = rounded;
  }
  return -1;
}

function readFloat64s(values: readonly unknown[], data: Float64Array, at: number): number {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (typeof value !== "number" || value - value !== 0) return i;
    data[at + i] = value;
  }
  return -1;
}

interface HalfTarget {
  readonly data: Uint16Array;
  readonly at: number;
  readonly datatype: "FP16" | "BF16";
}

function readHalves(values: readonly unknown[], { data, at, datatype }: HalfTarget): number {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    const bits = typeof value === "number" ? narrowToHalf(value, datatype) : undefined;
    if (bits === undefined) return i;
    data[at + i] = bits;
  }
  return -1;
}

interface IntegerTarget {
  readonly data: IntegerArray;
  readonly at: number;
  readonly range: IntegerRange<number>;
}

function readIntegers(values: readonly unknown[], { data, at, range }: IntegerTarget): number {
  const { min, max } = range;
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (typeof value !== "number" || !(value >= min && value <= max)) return i;
    if (Math.floor(value) !== value) return i;
    data[at + i] = value;
  }
  return -1;
}

interface LongTarget {
  readonly data: LongArray;
  readonly at: number;
  readonly range: IntegerRange<bigint>;
}

function readLongs(values: readonly unknown[], { data, at, range }: LongTarget): number {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    const long = typeof value === "number" ? longOfNumber(value) : longOfDigits(value);
    if (long === undefined || long < range.min || long > range.max) return i;
    data[at + i] = long;
  }
  return -1;
}

/** From 2^53 on a JSON number may have been rounded on its way here: 9007199254740993 arrives as …992. */
function longOfNumber(value: number): bigint | undefined {
  return Number.isSafeInteger(value) ? BigInt(value) : undefined;
}

const longestDigits = 20;

function longOfDigits(value: unknown): bigint | undefined {
  if (typeof value !== "string") return undefined;
  const start = value.charCodeAt(0) === 0x2d ? 1 : 0;
  const count = value.length - start;
  if (count < 1 || count > longestDigits) return undefined;
  for (let i = start; i < value.length; i += 1) {
    const code = value.charCodeAt(i);
    if (code < 0x30 || code > 0x39) return undefined;
  }
  return BigInt(value);
}

function readBooleans(values: readonly unknown[], data: Uint8Array, at: number): number {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (typeof value !== "boolean") return i;
    data[at + i] = value ? 1 : 0;
  }
  return -1;
}

function readStrings(values: readonly unknown[], data: string[], at: number): number {
  for (let i = 0; i < values.length; i += 1) {
    const value = values[i];
    if (typeof value !== "string" || !isWhole(value)) return i;
    data[at + i] = value;
  }
  return -1;
}

/**
 * Half a surrogate pair ("\ud800") has no UTF-8 form: the model would get U+FFFD in its place. And ONNX Runtime's binding
 * for Node ends a text at its first NUL.
 */
function isWhole(text: string): boolean {
  // Node 20 has it; the types follow with ES2024.
  return (text as string & { isWellFormed(): boolean }).isWellFormed() && !text.includes("\0");
}
