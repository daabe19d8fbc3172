import { isUtf8 } from "node:buffer";
import type { Datatype } from "../protocol/model-metadata.ts";
import { datatypeTraits, type TypedArray } from "./datatypes.ts";
import { elementCount, shapeText } from "./shapes.ts";
import type { Tensor, TensorData } from "./tensor.ts";
import { invalidRequest, quoted } from "./wording.ts";

// The bytes of a tensor as the binary extension of Open Inference V2 has them: row-major, little-endian as every machine
// that ONNX Runtime is built for, without padding. A BYTES element is its length (u32) and so many bytes.

/** What a tensor is said to be, before its bytes are read. */
interface TensorHead {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
}

const lengthBytes = 4;

/**
 * The tensor that lies in `bytes`. Its data is a view of their memory where that is aligned to the datatype, else a
 * copy. Throws `invalid-request` where the bytes are not those of the shape, for a BOOL other than 0 and 1, and for
 * BYTES whose lengths do not fit, or which are no UTF-8 or hold NUL, as ONNX Runtime's binding takes C's strings only.
 */
export function readBinary({ name, datatype, shape }: TensorHead, bytes: Uint8Array): Tensor {
  const count = elementCount(name, shape);
  const { bytes: elementBytes, array } = datatypeTraits[datatype];
  if (array === null) return { datatype, shape, data: readStrings(name, bytes, count) };
  if (bytes.length !== count * elementBytes) {
    throw invalidRequest(
      `unexpected size for input ${quoted(name)}: ${datatype} of shape ${shapeText(shape)} has ${count * elementBytes} bytes, got ${bytes.length}`,
    );
  }
  if (datatype === "BOOL") checkBooleans(name, bytes);
  return { datatype, shape, data: viewOf(bytes, array, elementBytes) };
}

type ArrayOf = Exclude<(typeof datatypeTraits)[Datatype]["array"], null>;

function viewOf(bytes: Uint8Array, array: ArrayOf, elementBytes: number): TypedArray {
  const { buffer, byteOffset, length } = byteOffsetFits(bytes, elementBytes) ? bytes : copy(bytes);
  return new array(buffer as ArrayBuffer, byteOffset, length / elementBytes);
}

function byteOffsetFits({ byteOffset }: Uint8Array, elementBytes: number): boolean {
  return byteOffset % elementBytes === 0;
}

/** Not `slice`, which a Buffer has as a view. */
function copy(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes);
}

/** What is neither is undefined behaviour in the kernels. */
function checkBooleans(name: string, bytes: Uint8Array): void {
  const bad = bytes.findIndex((byte) => byte > 1);
  if (bad < 0) return;
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: expected 0 or 1 at byte ${bad} (BOOL), got ${bytes[bad]}`,
  );
}

function readStrings(name: string, bytes: Uint8Array, count: number): readonly string[] {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Each has four bytes at least, which bounds what a hostile shape can allocate.
  if (count * lengthBytes > buffer.length) throw wrongCount(name, count, buffer);
  const strings = new Array<string>(count);
  let at = 0;
  for (let i = 0; i < count; i += 1) {
    const from = at + lengthBytes;
    if (from > buffer.length) throw wrongCount(name, count, buffer);
    const length = buffer.readUInt32LE(at);
    at = from + length;
    if (at > buffer.length) throw tooLong(name, i, { length, left: buffer.length - from });
    strings[i] = readString(name, i, buffer.subarray(from, at));
  }
  if (at < buffer.length) throw leftOver(name, count, buffer.length - at);
  return strings;
}

function readString(name: string, i: number, bytes: Buffer): string {
  const text = bytes.toString("utf8");
  const isText = !text.includes("\ufffd") || isUtf8(bytes);
  if (isText && !text.includes("\0")) return text;
  const got = isText ? "a NUL" : "other bytes";
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: expected UTF-8 without NUL in string ${i} (BYTES), got ${got}`,
  );
}

/** As far as the bytes go, which end where a length should stand. */
function wrongCount(name: string, count: number, bytes: Buffer): Error {
  return invalidRequest(
    `incomplete string length indicator for input ${quoted(name)}: expected ${count} string elements of a length (4 bytes) and their bytes, got ${bytes.length} bytes in all`,
  );
}

function tooLong(
  name: string,
  i: number,
  { length, left }: { readonly length: number; readonly left: number },
): Error {
  return invalidRequest(
    `incomplete string data for input ${quoted(name)}: string ${i} has a length of ${length}, but ${left} bytes are left`,
  );
}

function leftOver(name: string, count: number, left: number): Error {
  return invalidRequest(
    `unexpected number of string elements for input ${quoted(name)}: expected ${count}, got ${left} bytes more`,
  );
}

/** The tensor's bytes: a view of its memory, or what BYTES take to write. */
export function writeBinary({ data }: Tensor): Uint8Array {
  if (!isStrings(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const sizes = data.map((text) => Buffer.byteLength(text));
  const total = sizes.reduce((sum, size) => sum + lengthBytes + size, 0);
  const bytes = Buffer.allocUnsafe(total);
  let at = 0;
  for (const [i, text] of data.entries()) {
    at = bytes.writeUInt32LE(sizes[i] as number, at);
    at += bytes.write(text, at);
  }
  return bytes;
}

function isStrings(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}
