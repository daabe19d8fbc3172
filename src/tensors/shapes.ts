import { invalidRequest, quoted } from "./wording.ts";

/** Beyond this no tensor is taken; ONNX Runtime and the clients index with 32 bits in places. */
const maxElements = 2 ** 31;

const maxDimsShown = 32;

/** The product of the dims from `from` on up to, not including, `to`; 1 where there are none. */
export function product(dims: readonly number[], from = 0, to = dims.length): number {
  let total = 1;
  for (let axis = from; axis < to; axis += 1) total *= dims[axis] as number;
  return total;
}

/**
 * The number of elements of input `name`, whose dims are integers of at least 0. Throws `invalid-request` above 2^31;
 * a zero does not excuse the other dims, as what a model makes of them need not be empty.
 */
export function elementCount(name: string, shape: readonly number[]): number {
  let isEmpty = false;
  let total = 1;
  for (const dim of shape) {
    if (dim === 0) isEmpty = true;
    // The cap keeps the product a number.
    else total = Math.min(total * dim, Number.MAX_SAFE_INTEGER);
  }
  if (total <= maxElements) return isEmpty ? 0 : total;
  throw invalidRequest(
    `shape ${shapeText(shape)} of input ${quoted(name)} causes total element count to exceed maximum size of ${maxElements}`,
  );
}

/** Whether every dim is the spec's, where -1 stands for any size; so does the spec's dim at `freeAxis`. */
export function matchesSpec(
  shape: readonly number[],
  spec: readonly number[],
  freeAxis: number | null = null,
): boolean {
  if (shape.length !== spec.length) return false;
  for (let axis = 0; axis < spec.length; axis += 1) {
    const wanted = spec[axis];
    if (wanted !== -1 && wanted !== shape[axis] && axis !== freeAxis) return false;
  }
  return true;
}

/** The shape of one row: without the batch axis. */
export function rowShape(shape: readonly number[], batchAxis: number | null): readonly number[] {
  return batchAxis === null ? shape : shape.toSpliced(batchAxis, 1);
}

export function withDim(shape: readonly number[], axis: number, size: number): number[] {
  const changed = shape.slice();
  changed[axis] = size;
  return changed;
}

/** As Triton writes shapes: `[-1,16]`. A client may send any rank, so a long one is cut. */
export function shapeText(shape: readonly number[]): string {
  if (shape.length <= maxDimsShown) return `[${shape.join(",")}]`;
  return `[${shape.slice(0, maxDimsShown).join(",")},… ${shape.length} dims in all]`;
}
