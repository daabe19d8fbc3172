/*
 * Which operators a model is made of, read from its bytes without ONNX Runtime. Only the few fields on the way to a
 * node's `op_type` are looked at (onnx.proto: ModelProto.graph 7, .functions 25; GraphProto.node 1; NodeProto.op_type 4).
 */

const graphField = 7;
const functionsField = 25;
const nodeField = 1;
const opTypeField = 4;
const lengthDelimited = 2;

interface Field {
  readonly number: number;
  /** Where its bytes stand; empty where it is no message, text or bytes. */
  readonly from: number;
  readonly to: number;
}

/** Operators of the main graph; undefined where the bytes are unreadable, or functions hide what is run. */
export function scanOperators(model: Buffer): ReadonlySet<string> | undefined {
  const operators = new Set<string>();
  try {
    for (const field of fieldsOf(model, 0, model.length)) {
      if (field.number === functionsField) return undefined;
      if (field.number === graphField) scanGraph(model, field, operators);
    }
  } catch {
    return undefined;
  }
  return operators;
}

function scanGraph(model: Buffer, graph: Field, operators: Set<string>): void {
  for (const node of fieldsOf(model, graph.from, graph.to)) {
    if (node.number !== nodeField) continue;
    for (const field of fieldsOf(model, node.from, node.to)) {
      if (field.number === opTypeField) operators.add(model.toString("utf8", field.from, field.to));
    }
  }
}

function* fieldsOf(bytes: Buffer, from: number, to: number): Generator<Field> {
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
