import type { Datatype } from "../protocol/model-metadata.ts";
import { FloatWriter, longestNumber } from "./float-writer.ts";
import { product } from "./shapes.ts";
import type { Tensor, TensorData } from "./tensor.ts";
import { invalidRequest } from "./wording.ts";

/** How a tensor is written, and where its warnings go. */
interface Writing {
  /** Lists nested as the shape is, or one flat list. */
  readonly nested: boolean;
  readonly warnings: string[];
}

/** The elements from `from` up to, not including, `to` as a JSON list. */
type WriteRun = (data: TensorData, from: number, to: number) => string;

/** Not 2^53: a reader that gets it as a number cannot tell it from 2^53 + 1, and refuses both as this server does. */
const largestExact = 2n ** 53n - 1n;

/**
 * The elements of output `name` as JSON text. What is not finite becomes null, with a warning; -0 keeps its sign as
 * -0.0; an INT64 or UINT64 tensor with any value beyond 2^53 - 1 is written as strings, all of it; BYTES are strings.
 * A rank-0 tensor is a bare value when nested, else a list of one. Throws as `checkWritable`: who wants FP16 and BF16 as
 * numbers widens them first.
 */
export function writeElements(name: string, tensor: Tensor, writing: Writing): string {
  const { datatype, shape, data } = tensor;
  checkWritable(name, datatype);
  const write = writerFor(name, tensor, writing.warnings);
  if (!writing.nested) return write(data, 0, data.length);
  if (shape.length === 0) return write(data, 0, 1).slice(1, -1);
  return writeNested(write, tensor, { axis: 0, from: 0 });
}

/** A number as `writeElements` writes it. */
export function numberText(value: number): string {
  if (value - value !== 0) return "null";
  // Without the point some readers take it for the integer 0.
  return Object.is(value, -0) ? "-0.0" : String(value);
}

const longestPlain = 64;

/** A JSON string; ids, which need no escapes, are found to be plain faster than JSON.stringify writes them. */
export function stringText(text: string): string {
  if (text.length > longestPlain) return JSON.stringify(text);
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20 || code > 0x7e || code === 0x22 || code === 0x5c) return JSON.stringify(text);
  }
  return `"${text}"`;
}

/** Throws `invalid-request` with Triton's text for an output that has no form in JSON: FP16 and BF16. */
export function checkWritable(name: string, datatype: Datatype): void {
  if (datatype !== "FP16" && datatype !== "BF16") return;
  throw invalidRequest(
    `sending ${datatype} data via JSON is not supported. Please use the binary data format for output ${name}`,
  );
}

function writerFor(name: string, { datatype, data }: Tensor, warnings: string[]): WriteRun {
  switch (datatype) {
    case "FP32":
    case "FP64":
      return floatWriter(name, data as Float32Array | Float64Array, warnings);
    case "INT64":
    case "UINT64":
      return isExact(data as BigInt64Array | BigUint64Array) ? writeLongs : writeLongsAsStrings;
    case "BOOL":
      return writeBooleans;
    case "BYTES":
      return writeStrings;
    default:
      return writeNumbers;
  }
}

function writeNested(
  write: WriteRun,
  tensor: Tensor,
  place: { readonly axis: number; readonly from: number },
): string {
  const { shape, data } = tensor;
  const { axis, from } = place;
  const size = shape[axis] as number;
  if (axis === shape.length - 1) return write(data, from, from + size);
  const stride = product(shape, axis + 1);
  let text = "[";
  for (let i = 0; i < size; i += 1) {
    if (i > 0) text += ",";
    text += writeNested(write, tensor, { axis: axis + 1, from: from + i * stride });
  }
  return `${text}]`;
}

function floatWriter(
  name: string,
  data: Float32Array | Float64Array,
  warnings: string[],
): WriteRun {
  const replaced = countNonFinite(data);
  if (replaced > 0) warnings.push(replacementWarning(name, replaced));
  return replaced > 0 || hasNegativeZero(data) ? writeOddFloats : writeFloats;
}

function replacementWarning(name: string, count: number): string {
  const values =
    count === 1 ? "1 value that is not finite was" : `${count} values that are not finite were`;
  return `output '${name}': ${values} replaced by null`;
}

function countNonFinite(data: Float32Array | Float64Array): number {
  let count = 0;
  for (let i = 0; i < data.length; i += 1) {
    const value = data[i] as number;
    if (value - value !== 0) count += 1;
  }
  return count;
}

function hasNegativeZero(data: Float32Array | Float64Array): boolean {
  for (let i = 0; i < data.length; i += 1) {
    if (Object.is(data[i], -0)) return true;
  }
  return false;
}

/**
 * Integers, and floats that are all finite and not -0. A list for JSON.stringify beats joined strings at every length,
 * and a list that grows beats `Array.from`.
 */
function writeNumbers(data: TensorData, from: number, to: number): string {
  const numbers = data as Float32Array;
  const list: number[] = [];
  for (let i = from; i < to; i += 1) list.push(numbers[i] as number);
  return JSON.stringify(list);
}

// Of 32 floats both cost the same, of 64 JSON.stringify takes 1.4 times as long, of 1000 twice as long (2026-11-25, both
// writers alternating on lists of 3 to 4096 floats).
const fewestFloats = 64;
/** So many at a time go through memory of their own. */
const pieceFloats = 4_096;
const comma = 0x2c;

/** Floats that are all finite and not -0. */
function writeFloats(data: TensorData, from: number, to: number): string {
  if (to - from < fewestFloats) return writeNumbers(data, from, to);
  const bytes = Buffer.allocUnsafe(Math.min(to - from, pieceFloats) * (longestNumber + 1));
  let text = "[";
  for (let at = from; at < to; at += pieceFloats) {
    const end = Math.min(at + pieceFloats, to);
    const length = writePiece((data as Float32Array).subarray(at, end), bytes);
    text += bytes.toString("latin1", 0, end === to ? length - 1 : length);
  }
  return `${text}]`;
}

/** With a comma behind each number; gives how many bytes these are. */
function writePiece(numbers: Float32Array, bytes: Buffer): number {
  const writer = new FloatWriter(bytes);
  for (let i = 0; i < numbers.length; i += 1) {
    writer.write(numbers[i] as number);
    writer.put(comma);
  }
  return writer.at;
}

function writeOddFloats(data: TensorData, from: number, to: number): string {
  const numbers = data as Float32Array;
  let text = "[";
  for (let i = from; i < to; i += 1) {
    if (i > from) text += ",";
    text += numberText(numbers[i] as number);
  }
  return `${text}]`;
}

function isExact(data: BigInt64Array | BigUint64Array): boolean {
  for (let i = 0; i < data.length; i += 1) {
    const value = data[i] as bigint;
    if (value > largestExact || value < -largestExact) return false;
  }
  return true;
}

function writeLongs(data: TensorData, from: number, to: number): string {
  const longs = data as BigInt64Array;
  const list: number[] = [];
  // Exact, as `isExact` saw to, and twice as fast as the text of a bigint.
  for (let i = from; i < to; i += 1) list.push(Number(longs[i]));
  return JSON.stringify(list);
}

function writeLongsAsStrings(data: TensorData, from: number, to: number): string {
  const longs = data as BigInt64Array;
  return from === to ? "[]" : `["${longs.subarray(from, to).join('","')}"]`;
}

function writeBooleans(data: TensorData, from: number, to: number): string {
  let text = "[";
  for (let i = from; i < to; i += 1) {
    if (i > from) text += ",";
    text += data[i] === 0 ? "false" : "true";
  }
  return `${text}]`;
}

function writeStrings(data: TensorData, from: number, to: number): string {
  const strings = data as readonly string[];
  return JSON.stringify(strings.slice(from, to));
}
