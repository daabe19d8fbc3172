import type { Datatype } from "../protocol/model-metadata.ts";
import { allocate, datatypeTraits } from "./datatypes.ts";
import { readRun, type Target } from "./json-elements.ts";
import { nestingOf, pathText } from "./nesting.ts";
import { NumberList } from "./number-list.ts";
import { elementCount, product, shapeText } from "./shapes.ts";
import type { Tensor, TensorData } from "./tensor.ts";
import { invalidRequest, quoted, wordFor } from "./wording.ts";

/** What a tensor is said to be, before its elements are read. */
interface TensorHead {
  readonly name: string;
  readonly datatype: Datatype;
}

/**
 * A tensor from nested lists or a flat one. With a shape only the number of elements is compared, as Open Inference V2
 * has it (section "Tensor Data"); without one the nesting is the shape, and a bare value has rank 0. Throws
 * `invalid-request` naming the input, what was expected and what came, see `readElements`; and for FP16 and BF16, which
 * have no form in that protocol's JSON (Triton's text).
 */
export function readTensor(head: TensorHead, value: unknown, shape?: readonly number[]): Tensor {
  const { name, datatype } = head;
  if (datatype === "FP16" || datatype === "BF16") {
    throw invalidRequest(
      `receiving ${datatype} data via JSON is not supported. Please use the binary data format for input ${name}`,
    );
  }
  const dims = nestingOf(name, value);
  if (shape !== undefined) checkCount(name, product(dims), shape);
  return { datatype, shape: shape ?? dims, data: readElements(head, value, dims) };
}

/**
 * The elements of `value`, whose nesting is `dims` as `nestingOf` found it, in row-major order. BOOL takes true and
 * false; integers must be integral and in range; INT64 and UINT64 take strings of digits too, and numbers only up to
 * 2^53 - 1; floats take finite numbers, of any width; BYTES takes strings. Throws `invalid-request` for the first element
 * that is none of these.
 */
export function readElements(
  head: TensorHead,
  value: unknown,
  dims: readonly number[],
): TensorData {
  const { name, datatype } = head;
  if (value instanceof NumberList) {
    return datatype === "FP32" ? value.values : readElements(head, value.toLists(), dims);
  }
  const target: Target = { datatype, data: allocate(datatype, product(dims)), at: 0 };
  const bad = dims.length < 2 ? readOneList(value, target) : readLists(value, dims, target);
  if (bad === undefined) return target.data;
  const path = pathText(bad.index, dims);
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: expected ${wanted(datatype, bad.value)} at ${path}, got ${wordFor(bad.value)}`,
  );
}

interface BadElement {
  readonly index: number;
  readonly value: unknown;
}

function readOneList(value: unknown, target: Target): BadElement | undefined {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  const bad = readRun(list, target);
  return bad < 0 ? undefined : { index: bad, value: list[bad] };
}

function readLists(
  value: unknown,
  dims: readonly number[],
  target: Target,
): BadElement | undefined {
  const lists = innermostLists(value as unknown[], dims.length);
  for (const list of lists) {
    const start = target.at;
    const bad = readRun(list, target);
    if (bad >= 0) return { index: start + bad, value: list[bad] };
  }
  return undefined;
}

/** The nesting is known to be even, so exactly the levels above the innermost lists are taken away. */
function innermostLists(value: unknown[], depth: number): readonly unknown[][] {
  return (depth === 2 ? value : value.flat(depth - 2)) as unknown[][];
}

/** The status is ours: Triton says 500 to these two, though the mistake is the client's. */
function checkCount(name: string, got: number, shape: readonly number[]): void {
  const expected = elementCount(name, shape);
  if (got === expected) return;
  const text =
    got < expected
      ? "Failed to parse 'data' field: shape does not match true shape"
      : "Unable to parse 'data': Shape does not match true shape of 'data' field";
  throw invalidRequest(
    `${text}: input ${quoted(name)} of shape ${shapeText(shape)} has ${expected} elements, got ${got}`,
  );
}

/** What an element should have been, given what it was. */
function wanted(datatype: Datatype, got: unknown): string {
  const traits = datatypeTraits[datatype];
  switch (traits.kind) {
    case "boolean":
      return "true or false";
    case "integer":
      return `an integer from ${traits.range.min} to ${traits.range.max} (${datatype})`;
    case "long": {
      const isRounded = typeof got === "number" && Math.abs(got) > Number.MAX_SAFE_INTEGER;
      const form = isRounded
        ? "a string of digits, as for every integer beyond 2^53 - 1,"
        : "an integer";
      return `${form} from ${traits.range.min} to ${traits.range.max} (${datatype})`;
    }
    case "half":
    case "float":
      return `a finite number in the range of ${datatype}`;
    case "string":
      return "a string of whole characters without NUL (BYTES)";
  }
}
