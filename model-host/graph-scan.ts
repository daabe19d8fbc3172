/*
 * Which operators a model is made of, read from its bytes without ONNX Runtime. Only the few fields on the way to a
 * node's `op_type` are looked at (onnx.proto: ModelProto.graph 7, .functions 25; GraphProto.node 1; NodeProto.op_type 4).
 */
import { type Field, fieldsOf } from "./protobuf-fields.ts";

const graphField = 7;
const functionsField = 25;
const nodeField = 1;
const opTypeField = 4;

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
