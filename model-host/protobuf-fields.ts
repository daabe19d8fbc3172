/* Protocol Buffers' wire format, reading only: https://protobuf.dev/programming-guides/encoding */

const lengthDelimited = 2;

export interface Field {
  readonly number: number;
  /** Where its bytes stand; empty where it is no message, text or bytes. */
  readonly from: number;
  readonly to: number;
}

/** The fields of the message between `from` and `to`. Throws RangeError where it is none. */
export function* fieldsOf(bytes: Buffer, from: number, to: number): Generator<Field> {
  let at = from;
  while (at < to) {
    const key = readVarint(bytes, at);
    // Other readers cut a tag to 32 bits, and would see a field where this one sees none.
    if (key.value >= 2 ** 32) throw new RangeError("a tag is too large");
    const number = Math.floor(key.value / 8);
    const wireType = key.value % 8;
    const field =
      wireType === lengthDelimited ? readSpan(bytes, key.end) : skip(bytes, key.end, wireType);
    if (field.to > to) throw new RangeError("a field ends past its message");
    yield { number, ...field };
    at = field.to;
  }
}

function readSpan(bytes: Buffer, at: number): { readonly from: number; readonly to: number } {
  const length = readVarint(bytes, at);
  return { from: length.end, to: length.end + length.value };
}

function skip(
  bytes: Buffer,
  at: number,
  wireType: number,
): { readonly from: number; readonly to: number } {
  const sizes: Readonly<Record<number, number>> = { 1: 8, 5: 4 };
  const end = wireType === 0 ? readVarint(bytes, at).end : at + (sizes[wireType] ?? Number.NaN);
  if (Number.isNaN(end)) throw new RangeError("a field has an unknown wire type");
  return { from: end, to: end };
}

const maxVarintBytes = 10;

function readVarint(bytes: Buffer, at: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let index = 0; index < maxVarintBytes; index += 1) {
    const byte = bytes[at + index];
    if (byte === undefined) throw new RangeError("a number ends past the file");
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: at + index + 1 };
  }
  throw new RangeError("a number is too long");
}
