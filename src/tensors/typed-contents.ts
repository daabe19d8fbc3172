import type { Datatype } from "../protocol/model-metadata.ts";
import { FieldReader, VarintReader, wireType } from "../protocol/protobuf-fields.ts";
import { readBinary, type TensorHead } from "./binary-elements.ts";
import { elementCount } from "./shapes.ts";
import type { Tensor } from "./tensor.ts";
import { invalidRequest, quoted } from "./wording.ts";

// A tensor as an InferTensorContents of Open Inference V2's gRPC service: elements in row-major order, in the field that
// is their datatype's. A field may come in several pieces, of which each has one element or many.

interface ContentsField {
  readonly name: string;
  readonly number: number;
}

const fields = {
  bool: { name: "bool_contents", number: 1 },
  int: { name: "int_contents", number: 2 },
  int64: { name: "int64_contents", number: 3 },
  uint: { name: "uint_contents", number: 4 },
  uint64: { name: "uint64_contents", number: 5 },
  fp32: { name: "fp32_contents", number: 6 },
  fp64: { name: "fp64_contents", number: 7 },
  bytes: { name: "bytes_contents", number: 8 },
} as const satisfies Record<string, ContentsField>;

/** Null where the protocol has no field for it. */
const fieldOf: Readonly<Record<Datatype, ContentsField | null>> = {
  BOOL: fields.bool,
  INT8: fields.int,
  INT16: fields.int,
  INT32: fields.int,
  INT64: fields.int64,
  UINT8: fields.uint,
  UINT16: fields.uint,
  UINT32: fields.uint,
  UINT64: fields.uint64,
  FP16: null,
  BF16: null,
  FP32: fields.fp32,
  FP64: fields.fp64,
  BYTES: fields.bytes,
};

/**
 * The tensor in an encoded InferTensorContents. Throws `invalid-request` for another field than that of the datatype,
 * for another number of elements than the shape has, for an integer beyond its datatype, and as `readBinary` does.
 */
export function readContents(head: TensorHead, message: Uint8Array): Tensor {
  const field = fieldOf[head.datatype];
  if (field === null) {
    throw invalidRequest(
      `Cannot read input ${quoted(head.name)}: expected ${head.datatype} in 'raw_input_contents', as typed contents have no field for it`,
    );
  }
  return readBinary(head, elementsOf(head, field, piecesIn(head, field, message)));
}

interface Varint {
  readonly low: number;
  readonly high: number;
}

/** A lone varint has no bytes of its own: it is kept as what it is. */
type Piece = { readonly bytes: Uint8Array } | Varint;

function piecesIn(head: TensorHead, field: ContentsField, message: Uint8Array): readonly Piece[] {
  const pieces: Piece[] = [];
  const reader = new FieldReader(message);
  while (reader.next()) {
    if (reader.number !== field.number) throw wrongField(head, field, reader.number);
    const { low, high, content } = reader;
    pieces.push(reader.type === wireType.varint ? { low, high } : { bytes: content });
  }
  return pieces;
}

function wrongField({ name, datatype }: TensorHead, field: ContentsField, number: number): Error {
  const got = Object.values(fields).find((other) => other.number === number);
  return invalidRequest(
    `Cannot read input ${quoted(name)}: expected its elements in '${field.name}' (${datatype}), got '${got?.name ?? number}'`,
  );
}

/** The elements as the binary extension has them. */
function elementsOf(head: TensorHead, field: ContentsField, pieces: readonly Piece[]): Uint8Array {
  if (field === fields.bytes) return stringsOf(head, pieces);
  if (field === fields.fp32 || field === fields.fp64) return numbersOf(head, field, pieces);
  return integersOf(head, field, pieces);
}

function stringsOf(head: TensorHead, pieces: readonly Piece[]): Uint8Array {
  checkCount(head, fields.bytes, pieces.length);
  const parts = pieces.flatMap((piece): readonly Uint8Array[] => {
    const bytes = bytesOf(head, fields.bytes, piece);
    const length = Buffer.allocUnsafe(4);
    length.writeUInt32LE(bytes.length);
    return [length, bytes];
  });
  return Buffer.concat(parts);
}

/** Floating-point numbers are on the wire as they are in memory. */
function numbersOf(head: TensorHead, field: ContentsField, pieces: readonly Piece[]): Uint8Array {
  const parts = pieces.map((piece) => bytesOf(head, field, piece));
  const elementBytes = field === fields.fp32 ? 4 : 8;
  const bytes = parts.reduce((sum, { length }) => sum + length, 0);
  checkCount(head, field, bytes / elementBytes);
  const [only] = parts;
  return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts);
}

function bytesOf({ name }: TensorHead, field: ContentsField, piece: Piece): Uint8Array {
  if ("bytes" in piece) return piece.bytes;
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: '${field.name}' is not encoded as its elements are`,
  );
}

function integersOf(head: TensorHead, field: ContentsField, pieces: readonly Piece[]): Uint8Array {
  // Counted before anything is allocated: one byte of the wire may be an element of eight.
  const count = pieces.reduce((sum, piece) => sum + countIn(piece), 0);
  checkCount(head, field, count);
  const write = writers[head.datatype as keyof typeof writers];
  const out = new DataView(new ArrayBuffer(count * write.bytes));
  let at = 0;
  const put = ({ low, high }: Varint) => {
    if (!write.put(out, at, low, high)) throw outOfRange(head, at / write.bytes, { low, high });
    at += write.bytes;
  };
  for (const piece of pieces) {
    if (!("bytes" in piece)) put(piece);
    else
      for (const reader = new VarintReader(piece.bytes); !reader.isAtEnd; ) {
        reader.readVarint();
        put(reader);
      }
  }
  return new Uint8Array(out.buffer);
}

/** Only the last byte of each varint is below 0x80. */
function countIn(piece: Piece): number {
  if (!("bytes" in piece)) return 1;
  let count = 0;
  for (const byte of piece.bytes) if (byte < 0x80) count += 1;
  return count;
}

interface IntegerWriter {
  readonly bytes: number;
  /** False where the datatype does not hold the number. */
  readonly put: (out: DataView, at: number, low: number, high: number) => boolean;
}

/** The field is wider than some of the datatypes that are sent in it, and what is on the wire than the field. */
function narrow(bytes: keyof typeof setters, least: number, most: number): IntegerWriter {
  const write = setters[bytes];
  return {
    bytes,
    put: (out, at, low, high) => {
      const value = (least < 0 ? high | 0 : high) * 2 ** 32 + low;
      if (value < least || value > most) return false;
      write(out, at, value);
      return true;
    },
  };
}

const setters = {
  1: (out: DataView, at: number, value: number) => out.setUint8(at, value),
  2: (out: DataView, at: number, value: number) => out.setUint16(at, value, true),
  4: (out: DataView, at: number, value: number) => out.setUint32(at, value, true),
} as const;

const wide: IntegerWriter = {
  bytes: 8,
  put: (out, at, low, high) => {
    out.setUint32(at, low, true);
    out.setUint32(at + 4, high, true);
    return true;
  },
};

const writers = {
  BOOL: narrow(1, 0, 1),
  INT8: narrow(1, -128, 127),
  INT16: narrow(2, -32_768, 32_767),
  INT32: narrow(4, -(2 ** 31), 2 ** 31 - 1),
  INT64: wide,
  UINT8: narrow(1, 0, 255),
  UINT16: narrow(2, 0, 65_535),
  UINT32: narrow(4, 0, 2 ** 32 - 1),
  UINT64: wide,
} as const satisfies Partial<Record<Datatype, IntegerWriter>>;

function outOfRange({ name, datatype }: TensorHead, i: number, { low, high }: Varint): Error {
  const got = (BigInt(high) << 32n) + BigInt(low);
  const signed = datatype.startsWith("I") ? BigInt.asIntN(64, got) : got;
  return invalidRequest(
    `Cannot read input ${quoted(name)}: expected ${datatype} at element ${i}, got ${signed}`,
  );
}

function checkCount({ name, shape }: TensorHead, field: ContentsField, got: number): void {
  const count = elementCount(name, shape);
  if (got === count) return;
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: expected ${count} elements in '${field.name}', got ${got}`,
  );
}
