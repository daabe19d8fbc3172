/*
 * Which files a model keeps its weights in, read from its bytes without ONNX Runtime. The field numbers are those of
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto.
 */
import { type Field, fieldsOf } from "./protobuf-fields.ts";

type Kind = "model" | "graph" | "function" | "node" | "attribute" | "sparse" | "tensor" | "entry";

/** For each message, in which of its fields a tensor may be found, and what they hold. */
const within: Readonly<Record<Kind, Readonly<Record<number, Kind>>>> = {
  model: { 7: "graph", 25: "function" },
  graph: { 1: "node", 5: "tensor", 15: "sparse" },
  function: { 7: "node", 11: "attribute" },
  node: { 5: "attribute" },
  attribute: { 5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse" },
  sparse: { 1: "tensor", 2: "tensor" },
  tensor: { 13: "entry" },
  entry: {},
};

const keyField = 1;
const valueField = 2;
/** Of graphs within graphs, for whom it would take to read a model that is made to be deep. */
const maxGraphDepth = 16;

/**
 * The locations that tensors name, whether or not they are marked as external: a file too many does no harm. Undefined
 * where the bytes are unreadable or nested too deep.
 */
export function scanExternalData(model: Buffer): ReadonlySet<string> | undefined {
  const locations = new Set<string>();
  const whole: Field = { number: 0, from: 0, to: model.length };
  try {
    scan({ model, locations }, "model", whole, 0);
    return locations;
  } catch {
    return undefined;
  }
}

interface Scan {
  readonly model: Buffer;
  readonly locations: Set<string>;
}

function scan(into: Scan, kind: Kind, message: Field, graphDepth: number): void {
  if (kind === "entry") {
    noteLocation(into, message);
    return;
  }
  const depth = kind === "graph" ? graphDepth + 1 : graphDepth;
  if (depth > maxGraphDepth) throw new RangeError("graphs are nested too deep");
  for (const field of fieldsOf(into.model, message.from, message.to)) {
    const held = within[kind][field.number];
    if (held !== undefined) scan(into, held, field, depth);
  }
}

/** Of a field that comes twice the last counts. */
function noteLocation({ model, locations }: Scan, entry: Field): void {
  let key = "";
  let value = "";
  for (const { number, from, to } of fieldsOf(model, entry.from, entry.to)) {
    if (number === keyField) key = model.toString("utf8", from, to);
    if (number === valueField) value = model.toString("utf8", from, to);
  }
  if (key === "location") locations.add(value);
}
