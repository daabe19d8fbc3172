/** Models for tests about what tensors are made of: strings, 64-bit integers, every datatype, and what is no tensor. */
import {
  type ElementType,
  elementTypes,
  encodeModel,
  type Node,
  type TensorValue,
} from "./onnx-writer.ts";

function cast(input: string, output: string, to: ElementType): Node {
  return {
    op: "Cast",
    inputs: [input],
    outputs: [output],
    attributes: { to: { int: elementTypes[to] } },
  };
}

/**
 * `text` STRING [batch], `number` INT64 [batch,2] → `text_out` STRING [batch], the same; `sum` INT64 [batch,1] of the
 * two numbers; `big` INT64 [batch,2], the numbers times 2^53 + 1, which no double holds.
 */
export function stringsAndIntegersModel(): Uint8Array {
  return encodeModel({
    name: "strings-and-integers",
    inputs: [
      { name: "text", elementType: "STRING", shape: ["batch"] },
      { name: "number", elementType: "INT64", shape: ["batch", 2] },
    ],
    outputs: [
      { name: "text_out", elementType: "STRING", shape: ["batch"] },
      { name: "sum", elementType: "INT64", shape: ["batch", 1] },
      { name: "big", elementType: "INT64", shape: ["batch", 2] },
    ],
    initializers: [
      { name: "last_axis", elementType: "INT64", shape: [1], values: [1] },
      { name: "factor", elementType: "INT64", shape: [1], values: [9007199254740993n] },
    ],
    nodes: [
      { op: "Identity", inputs: ["text"], outputs: ["text_out"] },
      { op: "ReduceSum", inputs: ["number", "last_axis"], outputs: ["sum"] },
      { op: "Mul", inputs: ["number", "factor"], outputs: ["big"] },
    ],
  });
}

/**
 * `x` FP32 [batch,3] → `doubled` FP32 [batch,3]; `exact` FP64 [batch,3], x itself; `positive` BOOL [batch,3];
 * `rounded` INT32 [batch,3], halves to even; `largest` INT64 [batch], the index of the row's largest.
 */
export function severalOutputsModel(): Uint8Array {
  return encodeModel({
    name: "several-outputs",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", 3] }],
    outputs: [
      { name: "doubled", elementType: "FP32", shape: ["batch", 3] },
      { name: "exact", elementType: "FP64", shape: ["batch", 3] },
      { name: "positive", elementType: "BOOL", shape: ["batch", 3] },
      { name: "rounded", elementType: "INT32", shape: ["batch", 3] },
      { name: "largest", elementType: "INT64", shape: ["batch"] },
    ],
    initializers: [{ name: "zero", elementType: "FP32", shape: [1], values: [0] }],
    nodes: [
      { op: "Add", inputs: ["x", "x"], outputs: ["doubled"] },
      cast("x", "exact", "FP64"),
      { op: "Greater", inputs: ["x", "zero"], outputs: ["positive"] },
      { op: "Round", inputs: ["x"], outputs: ["whole"] },
      cast("whole", "rounded", "INT32"),
      {
        op: "ArgMax",
        inputs: ["x"],
        outputs: ["largest"],
        attributes: { axis: { int: 1 }, keepdims: { int: 0 } },
      },
    ],
  });
}

/** The datatypes that allDatatypesModel takes, in the order of its inputs. */
export const echoedDatatypes = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "FP32",
  "FP64",
  "STRING",
] as const satisfies readonly ElementType[];

/** For each echoed datatype `in_<datatype>` [batch,2] → `out_<datatype>` [batch,2], the same values; so `in_FP32` → `out_FP32`. */
export function allDatatypesModel(): Uint8Array {
  const values = (direction: string): TensorValue[] =>
    echoedDatatypes.map((elementType) => ({
      name: `${direction}_${elementType}`,
      elementType,
      shape: ["batch", 2],
    }));
  return encodeModel({
    name: "all-datatypes",
    inputs: values("in"),
    outputs: values("out"),
    nodes: echoedDatatypes.map((datatype) => ({
      op: "Identity",
      inputs: [`in_${datatype}`],
      outputs: [`out_${datatype}`],
    })),
  });
}

/**
 * What scikit-learn's converter makes of a classifier: `X` FP32 [batch,4] → `output_label` INT64 [batch], the index of
 * the largest of the first three, and `output_probability`, a sequence of maps from INT64 to FP32, which is no tensor.
 */
export function zipMapModel(): Uint8Array {
  return encodeModel({
    name: "zip-map",
    inputs: [{ name: "X", elementType: "FP32", shape: ["batch", 4] }],
    outputs: [
      { name: "output_label", elementType: "INT64", shape: ["batch"] },
      { name: "output_probability", maps: { key: "INT64", value: "FP32" } },
    ],
    extraOpsets: { "ai.onnx.ml": 1 },
    nodes: [
      {
        op: "LinearClassifier",
        domain: "ai.onnx.ml",
        inputs: ["X"],
        outputs: ["output_label", "probabilities"],
        attributes: {
          coefficients: { floats: [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0] },
          intercepts: { floats: [0, 0, 0] },
          classlabels_ints: { ints: [0, 1, 2] },
          post_transform: { string: "SOFTMAX" },
        },
      },
      {
        op: "ZipMap",
        domain: "ai.onnx.ml",
        inputs: ["probabilities"],
        outputs: ["output_probability"],
        attributes: { classlabels_int64s: { ints: [0, 1, 2] } },
      },
    ],
  });
}
