import { NumberList } from "./number-list.ts";
import { product } from "./shapes.ts";
import { invalidRequest, quoted, wordFor } from "./wording.ts";

/**
 * The sizes of nested lists, outermost first: [[1,2,3],[4,5,6]] has [2,3], a bare value has none. Throws
 * `invalid-request` where lists of one level differ in length, so that the product of the sizes never exceeds what
 * the client really sent. What the innermost lists hold is not looked at.
 */
export function nestingOf(name: string, value: unknown): readonly number[] {
  if (value instanceof NumberList) return value.dims;
  const dims: number[] = [];
  let level = value;
  while (Array.isArray(level)) {
    dims.push(level.length);
    level = level[0];
  }
  if (dims.length < 2) return dims;
  const uneven = findUneven(value as unknown[], dims, 1);
  if (uneven === undefined) return dims;
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: expected a list of ${dims[uneven.path.length]} at ` +
      `[${uneven.path.join(",")}], as before it, got ${wordFor(uneven.value)}`,
  );
}

interface Uneven {
  /** Indexes from the outermost list inward. */
  readonly path: number[];
  readonly value: unknown;
}

function findUneven(
  lists: readonly unknown[],
  dims: readonly number[],
  axis: number,
): Uneven | undefined {
  const size = dims[axis];
  const isInnermost = axis === dims.length - 1;
  for (let i = 0; i < lists.length; i += 1) {
    const list = lists[i];
    if (!Array.isArray(list) || list.length !== size) return { path: [i], value: list };
    const inside = isInnermost ? undefined : findUneven(list, dims, axis + 1);
    if (inside !== undefined) return { path: [i, ...inside.path], value: inside.value };
  }
  return undefined;
}

/** Where the element at the row-major `index` stands: `[0,2]`, and `[]` for a bare value. */
export function pathText(index: number, dims: readonly number[]): string {
  const path = dims.map((dim, axis) => Math.floor(index / product(dims, axis + 1)) % dim);
  return `[${path.join(",")}]`;
}
