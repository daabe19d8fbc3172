import type { Random } from "../random.ts";
import { softmax } from "../softmax.ts";
import { imageSize } from "./draw.ts";
import {
  backward,
  convolution,
  dense,
  forward,
  type Parameters,
  randomParameters,
  zeroParameters,
} from "./layer.ts";

export const channels = { first: 8, second: 16 } as const;
export const digits = 10;
/** Pixels along an edge of what the convolutions hand on. */
export const innerSize = imageSize / 4;

const first = convolution(imageSize, 1, channels.first);
const second = convolution(imageSize / 2, channels.first, channels.second);
const last = dense(innerSize * innerSize, channels.second, digits);

/** In the order of the layers; slopes of the loss have the same form. */
export type Network = readonly [Parameters, Parameters, Parameters];

export function randomNetwork(random: Random): Network {
  return [
    randomParameters(first, random),
    randomParameters(second, random),
    randomParameters(last, random),
  ];
}

export function zeroNetwork(): Network {
  return [zeroParameters(first), zeroParameters(second), zeroParameters(last)];
}

export function scoresOf(network: Network, image: Float64Array): Float64Array {
  const edges = forward(first, network[0], image);
  return forward(last, network[2], forward(second, network[1], edges));
}

/** Adds to `slopes` those of this image's cross-entropy. */
export function addSlopes(
  network: Network,
  image: Float64Array,
  digit: number,
  slopes: Network,
): void {
  const edges = forward(first, network[0], image);
  const parts = forward(second, network[1], edges);
  const probabilities = softmax(forward(last, network[2], parts));
  const ofScores = Float64Array.from(probabilities, (probability, index) =>
    index === digit ? probability - 1 : probability,
  );
  const ofParts = backward(last, network[2], { input: parts, outputSlopes: ofScores }, slopes[2]);
  const ofEdges = backward(second, network[1], { input: edges, outputSlopes: ofParts }, slopes[1]);
  backward(first, network[0], { input: image, outputSlopes: ofEdges }, slopes[0]);
}
