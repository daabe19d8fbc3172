import { softmax } from "../softmax.ts";
import { type Flower, speciesNames } from "./flowers.ts";

/** Scores are weights × measures + biases, one row of weights a species. */
export interface Regression {
  readonly weights: readonly (readonly number[])[];
  readonly biases: readonly number[];
}

const steps = 2000;
const learningRate = 1;
/** Pulls the weights towards zero, so that no flower gets a certainty that 120 of them cannot give. */
const decay = 0.0002;

interface Scale {
  readonly mean: number;
  readonly deviation: number;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function measureScale(values: readonly number[]): Scale {
  const mean = sum(values) / values.length;
  const variance = sum(values.map((value) => (value - mean) * (value - mean))) / values.length;
  return { mean, deviation: Math.sqrt(variance) };
}

export function scoresOf(regression: Regression, measures: readonly number[]): number[] {
  return regression.weights.map(
    (row, species) =>
      (regression.biases[species] ?? 0) +
      sum(row.map((weight, index) => weight * (measures[index] ?? 0))),
  );
}

/** One step of gradient descent on the cross-entropy of all flowers. */
function improve(regression: Regression, flowers: readonly Flower[]): Regression {
  const errors = flowers.map(({ measures, species }) =>
    softmax(scoresOf(regression, measures)).map(
      (probability, index) => probability - (index === species ? 1 : 0),
    ),
  );
  const rate = learningRate / flowers.length;
  const slope = (species: number, input: number) =>
    sum(
      flowers.map((flower, row) => (errors[row]?.[species] ?? 0) * (flower.measures[input] ?? 0)),
    );
  return {
    weights: regression.weights.map((row, species) =>
      row.map((weight, input) => weight * (1 - decay) - rate * slope(species, input)),
    ),
    biases: regression.biases.map(
      (bias, species) => bias - rate * sum(errors.map((error) => error[species] ?? 0)),
    ),
  };
}

/** So that the model takes centimetres: what standardising did goes into weights and biases. */
function takeCentimetres(regression: Regression, scales: readonly Scale[]): Regression {
  const weights = regression.weights.map((row) =>
    row.map((weight, input) => weight / (scales[input]?.deviation ?? 1)),
  );
  const biases = regression.biases.map(
    (bias, species) =>
      bias - sum(scales.map(({ mean }, input) => mean * (weights[species]?.[input] ?? 0))),
  );
  return { weights, biases };
}

/** Multinomial logistic regression, trained on standardised measures, for measures in centimetres. */
export function trainRegression(flowers: readonly Flower[]): Regression {
  const scales = [0, 1, 2, 3].map((input) =>
    measureScale(flowers.map(({ measures }) => measures[input] ?? 0)),
  );
  const standardised = flowers.map(({ measures, species }) => ({
    measures: scales.map(
      ({ mean, deviation }, input) => ((measures[input] ?? 0) - mean) / deviation,
    ),
    species,
  }));
  let regression: Regression = {
    weights: speciesNames.map(() => [0, 0, 0, 0]),
    biases: speciesNames.map(() => 0),
  };
  for (let step = 0; step < steps; step += 1) regression = improve(regression, standardised);
  return takeCentimetres(regression, scales);
}
