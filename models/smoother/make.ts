import { encodeModel, type Initializer, type Node, type TensorValue } from "../onnx-writer.ts";

/** Values that count: each newer one moves the mean by at least 1/50 of its distance. */
export const memory = 50;
/** Before so many values nothing is unusual. */
export const warmUp = 10;
/** Keeps the score finite where the signal has not moved at all. */
export const leastVariance = 1e-9;

export interface Smoothed {
  readonly mean: number;
  readonly variance: number;
  /** Values seen, up to one less than the memory. */
  readonly count: number;
}

/** The formula itself, for tests: the model computes the same in single precision. */
export function smooth({ mean, variance, count }: Smoothed, x: number): Smoothed & { z: number } {
  const weight = 1 / (count + 1);
  const distance = x - mean;
  return {
    mean: mean + weight * distance,
    variance: (1 - weight) * (variance + weight * distance * distance),
    count: Math.min(count + 1, memory - 1),
    z: count < warmUp ? 0 : distance / Math.sqrt(variance + leastVariance),
  };
}

function column(name: string, size: number): TensorValue {
  return { name, elementType: "FP32", shape: ["batch", size] };
}

function constant(name: string, ...values: readonly number[]): Initializer {
  return { name, elementType: "FP32", shape: [values.length, 1], values };
}

function scalar(name: string, value: number): Initializer {
  return { name, elementType: "FP32", shape: [], values: [value] };
}

function node(op: string, inputs: readonly string[], output: string): Node {
  return { op, inputs, outputs: [output] };
}

/** Made of nothing but arithmetic: the state is [mean, variance, count], and each part of it is picked by a product. */
export function makeSmoother(): Uint8Array {
  return encodeModel({
    name: "smoother",
    inputs: [column("x", 1), column("state", 3)],
    outputs: [column("z", 1), column("mean", 1), column("variance", 1), column("state_out", 3)],
    initializers: [
      constant("pick_mean", 1, 0, 0),
      constant("pick_variance", 0, 1, 0),
      constant("pick_count", 0, 0, 1),
      scalar("one", 1),
      scalar("zero", 0),
      scalar("most", memory - 1),
      scalar("cold", warmUp - 1),
      scalar("least", leastVariance),
    ],
    nodes: [
      node("MatMul", ["state", "pick_mean"], "old_mean"),
      node("MatMul", ["state", "pick_variance"], "old_variance"),
      node("MatMul", ["state", "pick_count"], "count"),
      node("Add", ["count", "one"], "seen"),
      node("Div", ["one", "seen"], "weight"),
      node("Sub", ["x", "old_mean"], "distance"),
      node("Mul", ["weight", "distance"], "step"),
      node("Add", ["old_mean", "step"], "mean"),
      node("Mul", ["step", "distance"], "spread"),
      node("Add", ["old_variance", "spread"], "widened"),
      node("Sub", ["one", "weight"], "rest"),
      node("Mul", ["rest", "widened"], "variance"),
      node("Min", ["seen", "most"], "new_count"),
      node("Greater", ["count", "cold"], "is_warm"),
      node("Add", ["old_variance", "least"], "bounded"),
      node("Sqrt", ["bounded"], "deviation"),
      node("Div", ["distance", "deviation"], "score"),
      node("Where", ["is_warm", "score", "zero"], "z"),
      {
        op: "Concat",
        inputs: ["mean", "variance", "new_count"],
        outputs: ["state_out"],
        attributes: { axis: { int: 1 } },
      },
    ],
  });
}
