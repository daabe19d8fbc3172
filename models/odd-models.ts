/** Small models for tests, each with one peculiarity. Those that loop are in loop-models.ts, those about datatypes in datatype-models.ts. */
import { encodeModel, type TensorValue } from "./onnx-writer.ts";

function fp32(name: string, shape: TensorValue["shape"]): TensorValue {
  return { name, elementType: "FP32", shape };
}

/** `x` FP32 [batch,4] → `y` FP32 [batch,4], the same values. */
export function echoModel(): Uint8Array {
  return encodeModel({
    name: "echo",
    inputs: [fp32("x", ["batch", 4])],
    outputs: [fp32("y", ["batch", 4])],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

/** `x` FP32 [batch,width] → `y` FP32 [batch,width], the same values. */
export function freeWidthModel(): Uint8Array {
  return encodeModel({
    name: "free-width",
    inputs: [fp32("x", ["batch", "width"])],
    outputs: [fp32("y", ["batch", "width"])],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

/** `x` FP32 [1,4] → `y` FP32 [1,2], the sums of the first and of the last two. Takes no other batch than 1. */
export function fixedBatchModel(): Uint8Array {
  return encodeModel({
    name: "fixed-batch",
    inputs: [fp32("x", [1, 4])],
    outputs: [fp32("y", [1, 2])],
    initializers: [{ ...fp32("pairs", []), shape: [4, 2], values: [1, 0, 1, 0, 0, 1, 0, 1] }],
    nodes: [{ op: "MatMul", inputs: ["x", "pairs"], outputs: ["y"] }],
  });
}

/** `index` INT64 [batch] → `y` FP32 [batch,2], the index and its square. ONNX Runtime throws while running unless -10 ≤ index < 10. */
export function gatherModel(): Uint8Array {
  const rows = Array.from({ length: 10 }, (_, index) => [index, index * index]);
  return encodeModel({
    name: "gather",
    inputs: [{ name: "index", elementType: "INT64", shape: ["batch"] }],
    outputs: [fp32("y", ["batch", 2])],
    initializers: [{ name: "table", elementType: "FP32", shape: [10, 2], values: rows.flat() }],
    nodes: [{ op: "Gather", inputs: ["table", "index"], outputs: ["y"] }],
  });
}

/** `shape` INT64 [2] → `y` FP32 [rows,columns], zeros: the request chooses how much memory is taken. */
export function allocModel(): Uint8Array {
  return encodeModel({
    name: "alloc",
    inputs: [{ name: "shape", elementType: "INT64", shape: [2] }],
    outputs: [fp32("y", ["rows", "columns"])],
    nodes: [{ op: "ConstantOfShape", inputs: ["shape"], outputs: ["y"] }],
  });
}

/** `x` FP32 [batch,1] → `log` FP32 [batch,1], NaN below zero and -Infinity at zero, and `inverse` FP32 [batch,1], Infinity at zero. */
export function nanModel(): Uint8Array {
  return encodeModel({
    name: "nan",
    inputs: [fp32("x", ["batch", 1])],
    outputs: [fp32("log", ["batch", 1]), fp32("inverse", ["batch", 1])],
    initializers: [{ name: "one", elementType: "FP32", shape: [1], values: [1] }],
    nodes: [
      { op: "Log", inputs: ["x"], outputs: ["log"] },
      { op: "Div", inputs: ["one", "x"], outputs: ["inverse"] },
    ],
  });
}

/** `x` FP32 [batch,4] → `sums` FP32 [4], over the batch: its shape is the same for every batch. */
export function constantOutputModel(): Uint8Array {
  return encodeModel({
    name: "constant-output",
    inputs: [fp32("x", ["batch", 4])],
    outputs: [fp32("sums", [4])],
    initializers: [{ name: "batch_axis", elementType: "INT64", shape: [1], values: [0] }],
    nodes: [
      {
        op: "ReduceSum",
        inputs: ["x", "batch_axis"],
        outputs: ["sums"],
        attributes: { keepdims: { int: 0 } },
      },
    ],
  });
}

/** `x` FP32 [batch,4] → `y` FP32 [batch,4], x less the batch's mean: a row's answer depends on the rows beside it. */
export function batchMixingModel(): Uint8Array {
  return encodeModel({
    name: "batch-mixing",
    inputs: [fp32("x", ["batch", 4])],
    outputs: [fp32("y", ["batch", 4])],
    nodes: [
      {
        op: "ReduceMean",
        inputs: ["x"],
        outputs: ["mean"],
        attributes: { axes: { ints: [0] } },
      },
      { op: "Sub", inputs: ["x", "mean"], outputs: ["y"] },
    ],
  });
}

/** No ONNX at all: loading it fails. */
export function brokenModel(): Uint8Array {
  return new TextEncoder().encode("this is not an ONNX model");
}

/** `x` FP32 [batch,4] → `y` FP32 [batch,4], so much more: the answer tells which file was loaded. */
export function plusModel(amount: number): Uint8Array {
  return encodeModel({
    name: "plus",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", 4] }],
    outputs: [{ name: "y", elementType: "FP32", shape: ["batch", 4] }],
    initializers: [{ name: "amount", elementType: "FP32", shape: [1], values: [amount] }],
    nodes: [{ op: "Add", inputs: ["x", "amount"], outputs: ["y"] }],
  });
}
