import { allocate } from "../src/tensors/datatypes.ts";
import type { Tensor, TensorData } from "../src/tensors/tensor.ts";
import type { BatchAxes } from "./batch-hypotheses.ts";
import type { ModelInterface, NamedTensor, ValueInfo } from "./engine.ts";

export interface SampleSizes {
  /** Where rows stand in each input; null leaves every free axis at `freeSize`. */
  readonly axes: BatchAxes | null;
  readonly freeSize: number;
}

/** One row for each input: small numbers that embedding tables and shape inputs take too; `seed` tells rows apart. */
export function sampleRow(model: ModelInterface, sizes: SampleSizes, seed: number): NamedTensor[] {
  return model.inputs.map((input, at) => {
    const shape = sampleShape(input, sizes.axes?.[at] ?? null, sizes.freeSize);
    const datatype = input.datatype ?? "FP32";
    const count = shape.reduce((product, size) => product * size, 1);
    const data = allocate(datatype, count);
    fill(data, input.dims.length === 0 ? 1 : seed);
    return { name: input.name, datatype, shape, data } satisfies Tensor & { name: string };
  });
}

/** A dimension such as `past + sequence` is the sum of two free ones. */
function sampleShape(input: ValueInfo, batchAxis: number | null, freeSize: number): number[] {
  return input.dims.map((dim, axis) => {
    if (axis === batchAxis) return 1;
    return typeof dim === "number" ? dim : freeSize * dim.split(" + ").length;
  });
}

function fill(data: TensorData, seed: number): void {
  let state = seed * 7919 + 1;
  for (let at = 0; at < data.length; at += 1) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    put(data, at, state);
  }
}

function put(data: TensorData, at: number, state: number): void {
  const bit = (state >> 16) & 1;
  if (data instanceof Float32Array || data instanceof Float64Array) {
    data[at] = (state >> 8) / 0x80_0000;
  } else if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    data[at] = BigInt(bit);
  } else if (ArrayBuffer.isView(data)) {
    data[at] = bit;
  } else {
    (data as string[])[at] = bit === 1 ? "a" : "b";
  }
}
