/** A model for tests that takes memory and keeps it. */
import { encodeModel } from "./onnx-writer.ts";

/**
 * `size` INT64 [1] → `sum` FP32 [1], of as many ones. They take four bytes each, which ONNX Runtime's arena keeps for
 * good: resident memory grows with the largest size that has been asked for, and more where sizes differ.
 */
export function growingMemoryModel(): Uint8Array {
  return encodeModel({
    name: "growing-memory",
    inputs: [{ name: "size", elementType: "INT64", shape: [1] }],
    outputs: [{ name: "sum", elementType: "FP32", shape: [1] }],
    initializers: [{ name: "axis", elementType: "INT64", shape: [1], values: [0] }],
    nodes: [
      {
        op: "ConstantOfShape",
        inputs: ["size"],
        outputs: ["ones"],
        attributes: {
          value: { tensor: { name: "one", elementType: "FP32", shape: [1], values: [1] } },
        },
      },
      { op: "ReduceSum", inputs: ["ones", "axis"], outputs: ["sum"] },
    ],
  });
}
