import { matchesSpec, product } from "./shapes.ts";

/** One input as the model wants it, and the axis along which a request may bring rows, or null. */
export interface Layout {
  readonly shape: readonly number[];
  readonly rowAxis: number | null;
}

/**
 * The shape that nested lists of the sizes `dims` have for the predict route. In this order: as they are, where they
 * are as deep as the input; one row, or a tensor without its leading 1, where they are one level short; a flat row or
 * tensor, and a list of flat rows, whose elements just fill the fixed dims; lists that are empty before the input's
 * depth is reached. What fits none of these keeps the nearest reading, for the shape check to refuse.
 */
export function fitShape(dims: readonly number[], layout: Layout): readonly number[] {
  const { shape, rowAxis } = layout;
  if (dims.length === shape.length) return dims;
  const nearest = isOneShort(dims, layout) ? dims.toSpliced(rowAxis ?? 0, 0, 1) : dims;
  if (matchesSpec(nearest, shape, rowAxis)) return nearest;
  const flat = rowAxis === null ? flatTensor(dims, shape) : flatRows(dims, shape, rowAxis);
  return flat ?? emptyLists(dims, shape) ?? nearest;
}

function isOneShort(dims: readonly number[], { shape, rowAxis }: Layout): boolean {
  if (dims.length !== shape.length - 1) return false;
  return rowAxis !== null || shape[0] === 1 || shape[0] === -1;
}

/** At most one dim may be unknown: it is what the others leave. */
function flatTensor(dims: readonly number[], shape: readonly number[]): number[] | undefined {
  const [count] = dims;
  if (count === undefined || dims.length !== 1) return undefined;
  const unknown = shape.filter((dim) => dim === -1).length;
  const known = Math.abs(product(shape));
  if (unknown === 0) return count === known ? shape.slice() : undefined;
  if (unknown > 1 || known === 0 || count % known !== 0) return undefined;
  return shape.map((dim) => (dim === -1 ? count / known : dim));
}

/** One flat row, or, where the rows lie along axis 0, a list of them; all dims of a row must be fixed. */
function flatRows(
  dims: readonly number[],
  shape: readonly number[],
  rowAxis: number,
): number[] | undefined {
  const row = shape.toSpliced(rowAxis, 1);
  const size = dims[dims.length - 1];
  if (dims.length > 2 || row.includes(-1) || size !== product(row)) return undefined;
  const rows = dims.length === 2 ? (dims[0] as number) : 1;
  return rows === 1 || rowAxis === 0 ? row.toSpliced(rowAxis, 0, rows) : undefined;
}

/** An empty list hides the dims inside it: [[],[]] for [-1,-1,8] is [2,0,8]. */
function emptyLists(dims: readonly number[], shape: readonly number[]): number[] | undefined {
  if (dims.length > shape.length || dims[dims.length - 1] !== 0) return undefined;
  return [...dims, ...shape.slice(dims.length).map((dim) => Math.max(dim, 0))];
}
