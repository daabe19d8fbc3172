/* Whether a row that ran beside another one gave what it gives alone. */
import { widenHalf } from "../src/tensors/half-floats.ts";
import type { Tensor } from "../src/tensors/tensor.ts";

/**
 * Kernels round differently for other batch sizes, and deep models amplify that (8e-4 in a softmax, measured): a − b may
 * be a thousandth of the largest value, plus a hundredth of its own. Rows that do mix differ by far more.
 */
const ofLargest = 1e-3;
const ofOwn = 1e-2;

/** The one axis that went from 1 to 2 while the others stayed. */
export function grownAxis(single: readonly number[], both: readonly number[]): number | undefined {
  if (single.length !== both.length) return undefined;
  const changed = both.flatMap((size, axis) => (size === single[axis] ? [] : [axis]));
  const [axis] = changed;
  if (changed.length !== 1 || axis === undefined) return undefined;
  return single[axis] === 1 && both[axis] === 2 ? axis : undefined;
}

/** Only floats are allowed to differ. */
export function isClose(first: Tensor, second: Tensor): boolean {
  const [a, b] = [widenHalf(first), widenHalf(second)];
  if (a.data.length !== b.data.length) return false;
  if (b.datatype !== "FP32" && b.datatype !== "FP64") return isEqual(a, b);
  const allowance = ofLargest * largestOf(b);
  for (let at = 0; at < a.data.length; at += 1) {
    if (!isCloseValue(a.data[at], b.data[at], allowance)) return false;
  }
  return true;
}

function isEqual(a: Tensor, b: Tensor): boolean {
  for (let at = 0; at < b.data.length; at += 1) if (a.data[at] !== b.data[at]) return false;
  return true;
}

function largestOf({ data }: Tensor): number {
  let largest = 0;
  for (const value of data) {
    if (typeof value === "number" && Number.isFinite(value)) {
      largest = Math.max(largest, Math.abs(value));
    }
  }
  return largest;
}

function isCloseValue(a: unknown, b: unknown, allowance: number): boolean {
  if (typeof a !== "number" || typeof b !== "number") return false;
  if (Object.is(a, b)) return true;
  // A hundredth of what is infinite would allow anything.
  return Number.isFinite(b) && Math.abs(a - b) <= allowance + ofOwn * Math.abs(b);
}
