import type { MadeModel } from "../made-model.ts";
import { encodeModel, type Initializer } from "../onnx-writer.ts";
import { seededRandom } from "../random.ts";
import { indexOfLargest } from "../softmax.ts";
import { imageSize } from "./draw.ts";
import { drawHeldOut, drawTraining } from "./images.ts";
import type { Parameters } from "./layer.ts";
import { channels, digits, innerSize, type Network, scoresOf } from "./network.ts";
import { trainNetwork } from "./train.ts";

/** As the model keeps its numbers. */
function toSinglePrecision(network: Network): Network {
  const round = ({ weights, biases }: Parameters): Parameters => ({
    weights: weights.map((weight) => Math.fround(weight)),
    biases: biases.map((bias) => Math.fround(bias)),
  });
  return [round(network[0]), round(network[1]), round(network[2])];
}

/** From our order (tap, input, output) to ONNX's (output, input, tap), which also is the order of flattened pixels. */
function transpose(weights: Float64Array, inputs: number, outputs: number): number[] {
  const taps = weights.length / inputs / outputs;
  return Array.from(weights, (_, index) => {
    const tap = index % taps;
    const input = Math.floor(index / taps) % inputs;
    const output = Math.floor(index / taps / inputs);
    return weights[(tap * inputs + input) * outputs + output] as number;
  });
}

function initializers(
  name: string,
  { weights, biases }: Parameters,
  shape: readonly number[],
  inputs: number,
): Initializer[] {
  const outputs = biases.length;
  const values = transpose(weights, inputs, outputs);
  return [
    { name: `${name}_weights`, elementType: "FP32", shape: [outputs, ...shape], values },
    { name: `${name}_biases`, elementType: "FP32", shape: [outputs], values: biases },
  ];
}

function convolve(name: string, input: string) {
  const attributes = {
    kernel_shape: { ints: [3, 3] },
    strides: { ints: [2, 2] },
    pads: { ints: [1, 1, 1, 1] },
  };
  const inputs = [input, `${name}_weights`, `${name}_biases`];
  return [
    { op: "Conv", inputs, outputs: [`${name}_sums`], attributes },
    { op: "Relu", inputs: [`${name}_sums`], outputs: [name] },
  ];
}

function encodeNetwork([edges, parts, scores]: Network): Uint8Array {
  const flat = channels.second * innerSize * innerSize;
  return encodeModel({
    name: "digits",
    inputs: [{ name: "image", elementType: "FP32", shape: ["batch", 1, imageSize, imageSize] }],
    outputs: [{ name: "probabilities", elementType: "FP32", shape: ["batch", digits] }],
    initializers: [
      ...initializers("edges", edges, [1, 3, 3], 1),
      ...initializers("parts", parts, [channels.first, 3, 3], channels.first),
      ...initializers("scores", scores, [flat], channels.second),
    ],
    nodes: [
      ...convolve("edges", "image"),
      ...convolve("parts", "edges"),
      { op: "Flatten", inputs: ["parts"], outputs: ["flat"] },
      {
        op: "Gemm",
        inputs: ["flat", "scores_weights", "scores_biases"],
        outputs: ["scores"],
        attributes: { transB: { int: 1 } },
      },
      { op: "Softmax", inputs: ["scores"], outputs: ["probabilities"] },
    ],
  });
}

export function makeDigits(): MadeModel {
  const network = toSinglePrecision(trainNetwork(drawTraining(), seededRandom(3)));
  const heldOut = drawHeldOut();
  const correct = heldOut.filter(
    ({ image, digit }) => indexOfLargest(scoresOf(network, image)) === digit,
  );
  return { bytes: encodeNetwork(network), correct: correct.length, heldOut: heldOut.length };
}
