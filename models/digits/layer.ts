/** One layer of the net, forwards and backwards. Pixels come one after the other, and each has its channels side by side. */
import { between, type Random } from "../random.ts";

/** Which input pixel reaches which output pixel through which tap of the kernel: [output, input, tap] after each other. */
type Connections = Int32Array;

export interface Layer {
  readonly connections: Connections;
  readonly inputPixels: number;
  readonly outputPixels: number;
  readonly taps: number;
  readonly inputChannels: number;
  readonly outputChannels: number;
  /** Negative sums become 0. */
  readonly rectified: boolean;
}

/** By tap, then input channel, then output channel. */
export interface Parameters {
  readonly weights: Float64Array;
  readonly biases: Float64Array;
}

/** A 3×3 convolution that moves by two pixels, over an image with a border of one pixel of nothing. */
export function convolution(edge: number, inputChannels: number, outputChannels: number): Layer {
  const outputEdge = edge / 2;
  const connections: number[] = [];
  for (let output = 0; output < outputEdge * outputEdge; output += 1) {
    for (let tap = 0; tap < 9; tap += 1) {
      const x = (output % outputEdge) * 2 - 1 + (tap % 3);
      const y = Math.floor(output / outputEdge) * 2 - 1 + Math.floor(tap / 3);
      const inside = x >= 0 && y >= 0 && x < edge && y < edge;
      if (inside) connections.push(output, y * edge + x, tap);
    }
  }
  return {
    connections: Int32Array.from(connections),
    inputPixels: edge * edge,
    outputPixels: outputEdge * outputEdge,
    taps: 9,
    inputChannels,
    outputChannels,
    rectified: true,
  };
}

/** Every input reaches the one output pixel through a tap of its own. */
export function dense(inputPixels: number, inputChannels: number, outputChannels: number): Layer {
  const connections = Array.from({ length: inputPixels }, (_, pixel) => [0, pixel, pixel]);
  return {
    connections: Int32Array.from(connections.flat()),
    inputPixels,
    outputPixels: 1,
    taps: inputPixels,
    inputChannels,
    outputChannels,
    rectified: false,
  };
}

export function zeroParameters(layer: Layer): Parameters {
  return {
    weights: new Float64Array(layer.taps * layer.inputChannels * layer.outputChannels),
    biases: new Float64Array(layer.outputChannels),
  };
}

/** He's uniform start: outputs vary about as much as inputs. */
export function randomParameters(layer: Layer, random: Random): Parameters {
  const limit = Math.sqrt(6 / (layer.taps * layer.inputChannels));
  const { weights, biases } = zeroParameters(layer);
  return { weights: weights.map(() => between(random, -limit, limit)), biases };
}

function repeat(values: Float64Array, times: number): Float64Array {
  const whole = new Float64Array(values.length * times);
  for (let at = 0; at < whole.length; at += values.length) whole.set(values, at);
  return whole;
}

export function forward(
  layer: Layer,
  { weights, biases }: Parameters,
  input: Float64Array,
): Float64Array {
  const { connections, inputChannels, outputChannels } = layer;
  const output = repeat(biases, layer.outputPixels);
  for (let at = 0; at < connections.length; at += 3) {
    const outputAt = (connections[at] as number) * outputChannels;
    const inputAt = (connections[at + 1] as number) * inputChannels;
    const weightsAt = (connections[at + 2] as number) * inputChannels * outputChannels;
    for (let channel = 0; channel < inputChannels; channel += 1) {
      const value = input[inputAt + channel] as number;
      if (value === 0) continue;
      const row = weightsAt + channel * outputChannels;
      for (let index = 0; index < outputChannels; index += 1) {
        const sum = output[outputAt + index] as number;
        output[outputAt + index] = sum + value * (weights[row + index] as number);
      }
    }
  }
  return layer.rectified ? output.map((value) => Math.max(value, 0)) : output;
}

/**
 * Adds to `slopes` what the loss gains by each parameter, and returns what it gains by each input. An input of 0 gains
 * nothing: the layer before has cut it off there, and nobody asks for the gains of an image.
 */
export function backward(
  layer: Layer,
  { weights }: Parameters,
  pass: { readonly input: Float64Array; readonly outputSlopes: Float64Array },
  slopes: Parameters,
): Float64Array {
  const { connections, inputChannels, outputChannels } = layer;
  const { input, outputSlopes } = pass;
  const inputSlopes = new Float64Array(input.length);
  for (const [at, slope] of outputSlopes.entries()) {
    const channel = at % outputChannels;
    slopes.biases[channel] = (slopes.biases[channel] as number) + slope;
  }
  for (let at = 0; at < connections.length; at += 3) {
    const outputAt = (connections[at] as number) * outputChannels;
    const inputAt = (connections[at + 1] as number) * inputChannels;
    const weightsAt = (connections[at + 2] as number) * inputChannels * outputChannels;
    for (let channel = 0; channel < inputChannels; channel += 1) {
      const value = input[inputAt + channel] as number;
      if (value === 0) continue;
      const row = weightsAt + channel * outputChannels;
      let gain = 0;
      for (let index = 0; index < outputChannels; index += 1) {
        const slope = outputSlopes[outputAt + index] as number;
        slopes.weights[row + index] = (slopes.weights[row + index] as number) + value * slope;
        gain += slope * (weights[row + index] as number);
      }
      inputSlopes[inputAt + channel] = (inputSlopes[inputAt + channel] as number) + gain;
    }
  }
  return inputSlopes;
}
