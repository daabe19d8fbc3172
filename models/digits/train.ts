import { type Random, shuffle } from "../random.ts";
import type { DrawnDigit } from "./images.ts";
import type { Parameters } from "./layer.ts";
import { addSlopes, type Network, randomNetwork, zeroNetwork } from "./network.ts";

const epochs = 2;
/** Divides the number of images, so that every step sees as many. */
const imagesPerStep = 20;
/** The rate of learning falls evenly from the one to the other. */
const startRate = 0.008;
const endRate = 0.0001;

/** A table of parameters, the sums of their slopes in this step, and Adam's averages of slopes and of their squares. */
interface Table {
  readonly values: Float64Array;
  readonly slopes: Float64Array;
  readonly means: Float64Array;
  readonly squares: Float64Array;
}

const forgetMeans = 0.1;
const forgetSquares = 0.01;

function pairTables(network: Network, slopes: Network): Table[] {
  const pair = (values: Float64Array, slopesOfValues: Float64Array): Table => ({
    values,
    slopes: slopesOfValues,
    means: new Float64Array(values.length),
    squares: new Float64Array(values.length),
  });
  return network.flatMap(({ weights, biases }, layer) => {
    const ofLayer = slopes[layer] as Parameters;
    return [pair(weights, ofLayer.weights), pair(biases, ofLayer.biases)];
  });
}

/** Adam, https://arxiv.org/abs/1412.6980, without the correction of the first steps; leaves the slopes at zero. */
function correct({ values, slopes, means, squares }: Table, rate: number): void {
  for (let index = 0; index < values.length; index += 1) {
    const slope = (slopes[index] as number) / imagesPerStep;
    const mean = means[index] as number;
    const square = squares[index] as number;
    const newMean = mean + forgetMeans * (slope - mean);
    const newSquare = square + forgetSquares * (slope * slope - square);
    means[index] = newMean;
    squares[index] = newSquare;
    values[index] = (values[index] as number) - (rate * newMean) / (Math.sqrt(newSquare) + 1e-8);
  }
  slopes.fill(0);
}

/** Shows all images, in a new order each time, and corrects the network after every few. */
export function trainNetwork(drawn: readonly DrawnDigit[], random: Random): Network {
  const network = randomNetwork(random);
  const slopes = zeroNetwork();
  const tables = pairTables(network, slopes);
  const shown = Array.from({ length: epochs }, () => shuffle(random, drawn)).flat();
  for (let start = 0; start < shown.length; start += imagesPerStep) {
    for (const { image, digit } of shown.slice(start, start + imagesPerStep)) {
      addSlopes(network, image, digit, slopes);
    }
    const rate = startRate + (endRate - startRate) * (start / shown.length);
    for (const table of tables) correct(table, rate);
  }
  return network;
}
