import type { Datatype } from "../src/protocol/model-metadata.ts";
import { allocate } from "../src/tensors/datatypes.ts";
import type { Tensor, TensorData } from "../src/tensors/tensor.ts";
import type { BatchAxes } from "./batch-hypotheses.ts";
import type { ModelInterface, NamedTensor, ValueInfo } from "./engine.ts";

/** Free axes get the first of these sizes that the model takes. */
export const freeSizes = [2, 1, 8, 32, 128, 512];

/** Small ones fit every table, but a model may be numerically wild where they are all it gets. */
export const integerRanges = [2, 8];

export interface SampleSizes {
  /** Where rows stand in each input; null leaves every free axis at `freeSize`. */
  readonly axes: BatchAxes | null;
  readonly freeSize: number;
  /** How many rows stand along the batch axis. */
  readonly rows: number;
  /** Integers are drawn from 0 up to, but not including, this. */
  readonly integersBelow: number;
}

/** Rows for each input: small numbers that embedding tables and shape inputs take too; `seed` tells rows apart. */
export function sampleRows(model: ModelInterface, sizes: SampleSizes, seed: number): NamedTensor[] {
  return model.inputs.map((input, at) => {
    const shape = sampleShape(input, sizes.axes?.[at] ?? null, sizes);
    const datatype = input.datatype ?? "FP32";
    const count = shape.reduce((product, size) => product * size, 1);
    const data = allocate(datatype, count);
    const draw = drawer(input.dims.length === 0 ? 1 : seed);
    fill(data, datatype, draw, datatype === "BOOL" ? 2 : sizes.integersBelow);
    return { name: input.name, datatype, shape, data } satisfies Tensor & { name: string };
  });
}

/** A dimension such as `past + sequence` is the sum of two free ones. */
function sampleShape(
  input: ValueInfo,
  batchAxis: number | null,
  { rows, freeSize }: SampleSizes,
): number[] {
  return input.dims.map((dim, axis) => {
    if (axis === batchAxis) return rows;
    return typeof dim === "number" ? dim : freeSize * dim.split(" + ").length;
  });
}

/** 31 bits at a time, the same for the same seed. */
function drawer(seed: number): () => number {
  let state = seed * 7_919 + 1;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state;
  };
}

/** The bits of FP16 numbers from 0.5 to 1. */
const halfBits = 0x3800;

function fill(
  data: TensorData,
  datatype: Datatype,
  draw: () => number,
  integersBelow: number,
): void {
  const next = valuesOf(datatype, draw, integersBelow);
  const values = data as unknown as unknown[];
  for (let at = 0; at < values.length; at += 1) values[at] = next();
}

function valuesOf(datatype: Datatype, draw: () => number, integersBelow: number): () => unknown {
  const drawInteger = () => (draw() >> 16) % integersBelow;
  switch (datatype) {
    case "FP32":
    case "FP64":
      return () => (draw() >> 8) / 0x80_0000;
    case "FP16":
      return () => halfBits + ((draw() >> 16) & 0x3ff);
    case "INT64":
    case "UINT64":
      return () => BigInt(drawInteger());
    case "BYTES":
      return () => (drawInteger() % 2 === 1 ? "a" : "b");
    default:
      return drawInteger;
  }
}
