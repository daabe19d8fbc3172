import type { StreamSpec, TensorSpec } from "../protocol/model-metadata.ts";
import { allocate, type TypedArray } from "./datatypes.ts";
import type { Tensor } from "./tensor.ts";

/** What of a signal has not been cut off yet. */
export interface Signal {
  /** Samples that the next window begins with. */
  readonly carried: TypedArray;
  /** The number, in the whole signal, of the first of the last `hop` samples of the next window. */
  readonly position: number;
}

export interface Cut {
  /** How many windows are whole. */
  readonly count: number;
  /** One row of the input; windows share memory where they overlap. Made when asked for, as there may be millions. */
  readonly windowAt: (row: number) => Tensor;
  readonly signal: Signal;
}

/** A signal before its first sample. */
export function newSignal({ window, hop, pad }: StreamSpec, { datatype }: TensorSpec): Signal {
  const overlap = window - hop;
  const isPadded = pad === "zeros";
  return {
    carried: allocate(datatype, isPadded ? overlap : 0) as TypedArray,
    position: isPadded ? 0 : overlap,
  };
}

/** Cuts off every window that is whole once `samples` have come, each `hop` samples after the one before. */
export function cutWindows(
  { carried, position }: Signal,
  samples: TypedArray,
  { window, hop }: StreamSpec,
  spec: TensorSpec,
): Cut {
  const all = join(carried, samples, spec);
  const count = all.length < window ? 0 : Math.floor((all.length - window) / hop) + 1;
  const shape = windowShape(spec, window);
  const windowAt = (row: number): Tensor => {
    const data = all.subarray(row * hop, row * hop + window);
    return { datatype: spec.datatype, shape, data };
  };
  // A copy: a view would keep all that came alive for the sake of its last samples.
  const signal = { carried: all.slice(count * hop), position: position + count * hop };
  return { count, windowAt, signal };
}

function join(carried: TypedArray, samples: TypedArray, { datatype }: TensorSpec): TypedArray {
  const all = allocate(datatype, carried.length + samples.length) as Float32Array;
  // All are of one datatype, so of one class; the cast only spares equal branches.
  all.set(carried as Float32Array);
  all.set(samples as Float32Array, carried.length);
  return all;
}

/** Samples lie along the last axis; every other has the size 1. */
function windowShape({ shape }: TensorSpec, window: number): readonly number[] {
  return shape.map((_, axis) => (axis === shape.length - 1 ? window : 1));
}
