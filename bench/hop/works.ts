// What crosses the hop: a run that costs next to nothing, the shortest that gives a model a thread, and large memory.
import { encodeModel } from "../../models/onnx-writer.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";
import { perceptron, repeated } from "../made-models.ts";

export interface HopWork {
  readonly name: string;
  readonly model: () => Uint8Array;
  readonly shape: readonly number[];
  /** How many runs one measurement takes. */
  readonly runs: number;
}

const picture = [3, 240, 320];

function meansModel(): Uint8Array {
  return encodeModel({
    name: "means",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", ...picture] }],
    outputs: [{ name: "y", elementType: "FP32", shape: ["batch", 3, 1, 1] }],
    nodes: [{ op: "GlobalAveragePool", inputs: ["x"], outputs: ["y"] }],
  });
}

export const hopWorks: readonly HopWork[] = [
  { name: "one row of iris' size", model: () => perceptron([4, 3]), shape: [1, 4], runs: 2_000 },
  { name: "a run of 0.25 ms", model: () => repeated(64, 24), shape: [64, 64], runs: 600 },
  { name: "a picture of 921 600 bytes", model: meansModel, shape: [1, ...picture], runs: 100 },
];

/** Gives a new tensor each time, as a run takes its memory, of the same numbers. */
export function tensorsOf({ shape }: Pick<HopWork, "shape">): () => Tensor {
  const count = shape.reduce((product, size) => product * size, 1);
  const data = Float32Array.from({ length: count }, (_, at) => (at % 251) / 251);
  return () => ({ datatype: "FP32", shape, data: data.slice() });
}
