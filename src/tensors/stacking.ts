import { allocate, type WritableData } from "./datatypes.ts";
import { product, withDim } from "./shapes.ts";
import type { Tensor, TensorData } from "./tensor.ts";

/** Some rows of a tensor, as they go into a batch. */
export interface Part {
  readonly tensor: Tensor;
  readonly fromRow: number;
  readonly rows: number;
}

/** Equally long runs of elements at equal distances; all numbers count elements. */
interface Runs {
  readonly count: number;
  readonly length: number;
  readonly sourceAt: number;
  readonly sourceStride: number;
  readonly targetAt: number;
  readonly targetStride: number;
}

// Below it a plain loop is faster than a subarray and `set`, which cost about 70 ns.
const shortRun = 40;

/**
 * Puts the parts side by side along `axis`. The caller sees to it that datatypes, ranks and all other dims are equal.
 * A single part is a slice, so it may share memory with its tensor; several are always copied. Throws RangeError
 * for no parts.
 */
export function stack(parts: readonly Part[], axis: number): Tensor {
  const first = parts[0];
  if (first === undefined) throw new RangeError("Cannot stack tensors: expected at least one part");
  if (parts.length === 1) return slice(first.tensor, axis, first.fromRow, first.rows);
  let rows = 0;
  for (const part of parts) rows += part.rows;
  const { datatype, shape } = first.tensor;
  const outer = product(shape, 0, axis);
  const inner = product(shape, axis + 1);
  const data = allocate(datatype, outer * rows * inner);
  let row = 0;
  for (const part of parts) {
    const sourceRows = part.tensor.shape[axis] as number;
    copyRuns(part.tensor.data, data, {
      count: outer,
      length: part.rows * inner,
      sourceAt: part.fromRow * inner,
      sourceStride: sourceRows * inner,
      targetAt: row * inner,
      targetStride: rows * inner,
    });
    row += part.rows;
  }
  return { datatype, shape: withDim(shape, axis, rows), data };
}

/** Whole tensors side by side along `axis`, as `stack`. */
export function concatenate(tensors: readonly Tensor[], axis: number): Tensor {
  return stack(
    tensors.map((tensor) => ({ tensor, fromRow: 0, rows: tensor.shape[axis] as number })),
    axis,
  );
}

/**
 * `rows` rows along `axis`, from `fromRow` on. Where these lie in one piece (axis 0, or only dims of 1 before it) the
 * result is a view on the same memory, and the tensor itself where it is all of it; otherwise a copy. The caller sees
 * to it that the rows exist.
 */
export function slice(tensor: Tensor, axis: number, fromRow: number, rows: number): Tensor {
  const { datatype, shape } = tensor;
  const size = shape[axis] as number;
  if (fromRow === 0 && rows === size) return tensor;
  const outer = product(shape, 0, axis);
  const inner = product(shape, axis + 1);
  const sliced = withDim(shape, axis, rows);
  if (outer === 1) {
    const data = view(tensor.data, fromRow * inner, (fromRow + rows) * inner);
    return { datatype, shape: sliced, data };
  }
  const data = allocate(datatype, outer * rows * inner);
  copyRuns(tensor.data, data, {
    count: outer,
    length: rows * inner,
    sourceAt: fromRow * inner,
    sourceStride: size * inner,
    targetAt: 0,
    targetStride: rows * inner,
  });
  return { datatype, shape: sliced, data };
}

function view(data: TensorData, from: number, to: number): TensorData {
  return isStrings(data) ? data.slice(from, to) : data.subarray(from, to);
}

function copyRuns(source: TensorData, target: WritableData, runs: Runs): void {
  let from = runs.sourceAt;
  let to = runs.targetAt;
  for (let run = 0; run < runs.count; run += 1) {
    copyRun(source, target, { from, to, length: runs.length });
    from += runs.sourceStride;
    to += runs.targetStride;
  }
}

function copyRun(
  source: TensorData,
  target: WritableData,
  run: { readonly from: number; readonly to: number; readonly length: number },
): void {
  const { from, to, length } = run;
  if (length > shortRun && !isStrings(source)) {
    // Source and target are of one datatype, so of one class; the cast only spares ten equal branches.
    (target as Float32Array).set((source as Float32Array).subarray(from, from + length), to);
    return;
  }
  const elements = source as Float32Array;
  const copied = target as Float32Array;
  for (let i = 0; i < length; i += 1) copied[to + i] = elements[from + i] as number;
}

function isStrings(data: TensorData): data is readonly string[] {
  return Array.isArray(data);
}
