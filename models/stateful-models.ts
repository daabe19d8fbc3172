/** Small models for tests that remember: each takes a state and gives the next one. */
import { encodeModel, type Node, type TensorValue } from "./onnx-writer.ts";

function fp32(name: string, shape: TensorValue["shape"]): TensorValue {
  return { name, elementType: "FP32", shape };
}

function node(op: string, inputs: readonly string[], output: string): Node {
  return { op, inputs, outputs: [output] };
}

/**
 * `x` FP32 [batch,2], `h` FP32 [3,batch,2], `c` FP32 [batch,2] → `y` FP32 [batch,2], `hn`, `cn`: two states, one of which
 * has its batch at axis 1. hn = h + x in each of the three layers, cn = c / 2 + x, y = the sum of the layers of hn, plus cn.
 */
export function layeredModel(): Uint8Array {
  return encodeModel({
    name: "layered",
    inputs: [fp32("x", ["batch", 2]), fp32("h", [3, "batch", 2]), fp32("c", ["batch", 2])],
    outputs: [fp32("y", ["batch", 2]), fp32("hn", [3, "batch", 2]), fp32("cn", ["batch", 2])],
    initializers: [
      { name: "half", elementType: "FP32", shape: [1], values: [0.5] },
      { name: "layers", elementType: "INT64", shape: [1], values: [0] },
    ],
    nodes: [
      node("Add", ["h", "x"], "hn"),
      node("Mul", ["c", "half"], "halved"),
      node("Add", ["halved", "x"], "cn"),
      { ...node("ReduceSum", ["hn", "layers"], "sum"), attributes: { keepdims: { int: 0 } } },
      node("Add", ["sum", "cn"], "y"),
    ],
  });
}

/**
 * `x` FP32 [batch,1], `past` FP32 [batch,length] → `y` FP32 [batch,1], `present` FP32 [batch,length + 1]: a state that
 * grows by x with every frame; y is the sum of all.
 */
export function growingModel(): Uint8Array {
  return encodeModel({
    name: "growing",
    inputs: [fp32("x", ["batch", 1]), fp32("past", ["batch", "length"])],
    outputs: [fp32("y", ["batch", 1]), fp32("present", ["batch", "length_and_one"])],
    initializers: [{ name: "columns", elementType: "INT64", shape: [1], values: [1] }],
    nodes: [
      { ...node("Concat", ["past", "x"], "present"), attributes: { axis: { int: 1 } } },
      node("ReduceSum", ["present", "columns"], "y"),
    ],
  });
}

/** `x` FP32 [1,4], `state` FP32 [1,4] → `y` FP32 [1,4], `stateN` = `y` = x + state: its batch is fixed at one. */
export function singleStateModel(): Uint8Array {
  const row = (name: string) => fp32(name, [1, 4]);
  return encodeModel({
    name: "single-state",
    inputs: [row("x"), row("state")],
    outputs: [row("y"), row("stateN")],
    nodes: [node("Add", ["x", "state"], "y"), node("Identity", ["y"], "stateN")],
  });
}
