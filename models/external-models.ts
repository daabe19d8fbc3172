/** Models for tests that keep their weights in another file. */
import {
  type ExternalInitializer,
  encodeModel,
  type Graph,
  type Initializer,
  type Node,
} from "./onnx-writer.ts";

export interface ExternalModel {
  readonly onnx: Uint8Array;
  /** What the file of the weights holds. */
  readonly data: Uint8Array;
}

const weights = Float32Array.of(1, 2, 3, 4);

function weightsIn(location: string): ExternalInitializer {
  return { name: "w", elementType: "FP32", shape: [weights.length], location };
}

/** `x` FP32 [batch,4] → `y` FP32 [batch,4], x times 1, 2, 3 and 4, which stand in the file at `location`. */
export function externalScale(location = "weights.bin"): ExternalModel {
  const onnx = encodeModel({
    name: "external-scale",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", 4] }],
    outputs: [{ name: "y", elementType: "FP32", shape: ["batch", 4] }],
    initializers: [weightsIn(location)],
    nodes: [{ op: "Mul", inputs: ["x", "w"], outputs: ["y"] }],
  });
  return { onnx, data: new Uint8Array(weights.buffer.slice()) };
}

/**
 * `x` FP32 [1] → `y` FP32 [4] with the depth behind its name, the weights of `externalScale`, which a node keeps within
 * as many Ifs. ONNX Runtime takes such weights from memory only at depth 0.
 */
export function externalConstant(depth = 1, location = "weights.bin"): ExternalModel {
  const onnx = encodeModel({
    ...branch(depth, location),
    name: "external-constant",
    inputs: [{ name: "x", elementType: "FP32", shape: [1] }],
  });
  return { onnx, data: new Uint8Array(weights.buffer.slice()) };
}

/** Gives the weights; the branches not taken have a copy of their own. */
function branch(depth: number, location: string): Graph {
  if (depth === 0) return constant(0, weightsIn(location));
  const { name, elementType, shape } = weightsIn(location);
  const inside = { name, elementType, shape, values: weights };
  const attributes = {
    then_branch: { graph: branch(depth - 1, location) },
    else_branch: { graph: constant(depth - 1, inside) },
  };
  const yes = { name: `yes${depth}`, elementType: "BOOL", shape: [], values: [1] } as const;
  const node = { op: "If", inputs: [yes.name], outputs: [`y${depth}`], attributes };
  return { ...graphOf(depth, node), initializers: [yes] };
}

function constant(depth: number, tensor: Initializer | ExternalInitializer): Graph {
  const attributes = { value: { tensor } };
  return graphOf(depth, { op: "Constant", inputs: [], outputs: [`y${depth}`], attributes });
}

function graphOf(depth: number, node: Node): Graph {
  const outputs = [{ name: `y${depth}`, elementType: "FP32", shape: [weights.length] }] as const;
  return { name: `graph-${depth}`, inputs: [], outputs, nodes: [node] };
}
