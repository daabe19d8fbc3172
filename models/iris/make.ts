import type { MadeModel } from "../made-model.ts";
import { encodeModel } from "../onnx-writer.ts";
import { indexOfLargest } from "../softmax.ts";
import { readFlowers, speciesNames } from "./flowers.ts";
import { type Regression, scoresOf, trainRegression } from "./regression.ts";

/** As the model keeps its numbers. */
function toSinglePrecision({ weights, biases }: Regression): Regression {
  return { weights: weights.map((row) => row.map(Math.fround)), biases: biases.map(Math.fround) };
}

function encodeRegression({ weights, biases }: Regression): Uint8Array {
  const species = speciesNames.length;
  return encodeModel({
    name: "iris",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", 4] }],
    outputs: [{ name: "probabilities", elementType: "FP32", shape: ["batch", species] }],
    initializers: [
      { name: "weights", elementType: "FP32", shape: [species, 4], values: weights.flat() },
      { name: "biases", elementType: "FP32", shape: [species], values: biases },
    ],
    nodes: [
      {
        op: "Gemm",
        inputs: ["x", "weights", "biases"],
        outputs: ["scores"],
        attributes: { transB: { int: 1 } },
      },
      {
        op: "Softmax",
        inputs: ["scores"],
        outputs: ["probabilities"],
        attributes: { axis: { int: 1 } },
      },
    ],
  });
}

export function makeIris(): MadeModel {
  const { training, heldOut } = readFlowers();
  const regression = toSinglePrecision(trainRegression(training));
  const correct = heldOut.filter(
    ({ measures, species }) => indexOfLargest(scoresOf(regression, measures)) === species,
  );
  return { bytes: encodeRegression(regression), correct: correct.length, heldOut: heldOut.length };
}
