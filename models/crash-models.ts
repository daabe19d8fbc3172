/**
 * Models for tests that kill the process they are in: the smallest integer divided by -1 has no result, and x64
 * processors trap it, which ends the process with SIGFPE. ARM ones do not.
 */
import { encodeModel, type Initializer } from "./onnx-writer.ts";

const smallest = -(2 ** 31);

function integer(name: string, value: number): Initializer {
  return { name, elementType: "INT32", shape: [1], values: [value] };
}

/** `x` INT32 [batch,1] → `y` INT32 [batch,1], -2^31 / (x + 1): -2 kills the process, and at -1 ONNX Runtime throws. */
export function crashModel(): Uint8Array {
  return encodeModel({
    name: "crash",
    inputs: [{ name: "x", elementType: "INT32", shape: ["batch", 1] }],
    outputs: [{ name: "y", elementType: "INT32", shape: ["batch", 1] }],
    initializers: [integer("smallest", smallest), integer("one", 1)],
    nodes: [
      { op: "Add", inputs: ["x", "one"], outputs: ["divisor"] },
      { op: "Div", inputs: ["smallest", "divisor"], outputs: ["y"] },
    ],
  });
}

/**
 * `x` INT32 [batch,1] → `y` INT32 [batch,1], or it would be: the division is one of constants, which ONNX Runtime does
 * while it loads the model, unless it is told not to optimize.
 */
export function crashOnLoadModel(): Uint8Array {
  return encodeModel({
    name: "crash-on-load",
    inputs: [{ name: "x", elementType: "INT32", shape: ["batch", 1] }],
    outputs: [{ name: "y", elementType: "INT32", shape: ["batch", 1] }],
    initializers: [integer("smallest", smallest), integer("minus_one", -1)],
    nodes: [
      { op: "Div", inputs: ["smallest", "minus_one"], outputs: ["nothing"] },
      { op: "Add", inputs: ["x", "nothing"], outputs: ["y"] },
    ],
  });
}
