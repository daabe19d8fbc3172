// The models that are made for a run: what they cost matters, what they say only has to be the same everywhere.
import { encodeModel, type Initializer, type Node } from "../models/onnx-writer.ts";
import { seededRandom } from "../models/random.ts";

/** Values as small as keep the sums of so many inputs about as large as the inputs. */
function weights(name: string, shape: readonly number[], inputs: number): Initializer {
  const random = seededRandom(inputs);
  const count = shape.reduce((product, size) => product * size, 1);
  const width = 2 * Math.sqrt(3 / inputs);
  const values = Float32Array.from({ length: count }, () => (random() - 0.5) * width);
  return { name, elementType: "FP32", shape, values };
}

function dense(name: string, input: string, weight: string): readonly Node[] {
  return [
    { op: "MatMul", inputs: [input, weight], outputs: [`${name}_sums`] },
    { op: "Relu", inputs: [`${name}_sums`], outputs: [name] },
  ];
}

/** `x` FP32 [batch, first size] → `y` FP32 [batch, last size], which sums to 1: a layer between each two sizes. */
export function perceptron(sizes: readonly number[]): Uint8Array {
  const layers = sizes.slice(1).map((outputs, at) => ({ at, outputs, inputs: sizes[at] ?? 0 }));
  const last = sizes.length - 2;
  const initializers = layers.map(({ at, inputs, outputs }) =>
    weights(`w${at}`, [inputs, outputs], inputs),
  );
  const nodes = layers.flatMap(({ at }) =>
    dense(`h${at + 1}`, at === 0 ? "x" : `h${at}`, `w${at}`),
  );
  return encodeModel({
    name: "perceptron",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", sizes[0] ?? 0] }],
    outputs: [{ name: "y", elementType: "FP32", shape: ["batch", sizes.at(-1) ?? 0] }],
    initializers,
    nodes: [...nodes, { op: "Softmax", inputs: [`h${last + 1}`], outputs: ["y"] }],
  });
}

/** `x` FP32 [batch, width] → `y`, the same shape: the same square layer over and over, in a small file. */
export function repeated(width: number, layers: number): Uint8Array {
  const shape = ["batch", width];
  const nodes = Array.from({ length: layers }, (_, at) =>
    dense(`h${at + 1}`, at === 0 ? "x" : `h${at}`, "w"),
  );
  return encodeModel({
    name: "repeated",
    inputs: [{ name: "x", elementType: "FP32", shape }],
    outputs: [{ name: "y", elementType: "FP32", shape }],
    initializers: [weights("w", [width, width], width)],
    nodes: [...nodes.flat(), { op: "Softmax", inputs: [`h${layers}`], outputs: ["y"] }],
  });
}

interface Convolution {
  readonly name: string;
  readonly input: string;
  readonly from: number;
  readonly to: number;
}

const kernel = 3;
/** Each halves both sides of the picture. */
const convolutions: readonly Convolution[] = [
  { name: "edges", input: "x", from: 3, to: 24 },
  { name: "parts", input: "edges", from: 24, to: 48 },
  { name: "things", input: "parts", from: 48, to: 64 },
];
const classes = 10;

function convolve({ name, input }: Convolution): readonly Node[] {
  const attributes = {
    kernel_shape: { ints: [kernel, kernel] },
    strides: { ints: [2, 2] },
    pads: { ints: [1, 1, 1, 1] },
  };
  const inputs = [input, `${name}_w`];
  return [
    { op: "Conv", inputs, outputs: [`${name}_sums`], attributes },
    { op: "Relu", inputs: [`${name}_sums`], outputs: [name] },
  ];
}

/** `x` FP32 [batch, 3, 240, 320] → `y` FP32 [batch, 10], which sums to 1: 95 million products a picture. */
export function imageModel(): Uint8Array {
  return encodeModel({
    name: "image",
    inputs: [{ name: "x", elementType: "FP32", shape: ["batch", 3, 240, 320] }],
    outputs: [{ name: "y", elementType: "FP32", shape: ["batch", classes] }],
    initializers: [
      ...convolutions.map(({ name, from, to }) =>
        weights(`${name}_w`, [to, from, kernel, kernel], from * kernel * kernel),
      ),
      weights("classes_w", [64, classes], 64),
    ],
    nodes: [
      ...convolutions.flatMap(convolve),
      { op: "GlobalAveragePool", inputs: ["things"], outputs: ["means"] },
      { op: "Flatten", inputs: ["means"], outputs: ["flat"] },
      { op: "MatMul", inputs: ["flat", "classes_w"], outputs: ["sums"] },
      { op: "Softmax", inputs: ["sums"], outputs: ["y"] },
    ],
  });
}
