/* A body that one loaded version takes, of zeros: what a reader of the document begins with. */
import type { Datatype, TensorSpec } from "../protocol/model-metadata.ts";
import { hasNoJson, neededOf, type TakenBy } from "./openapi-inputs.ts";

/** In all inputs together. More would fill a page, and its viewers make what a schema asks for, be it millions. */
const mostElements = 1_024;
/** Of one element of FP16 or BF16. */
const halfBytes = 2;

type Nested = boolean | number | string | readonly Nested[];

export function v2Example(taken: TakenBy): unknown {
  const needed = neededOf(taken);
  const isSmall = areSmall(needed);
  return { inputs: needed.map((spec) => v2Input(spec, isSmall)) };
}

function v2Input(spec: TensorSpec, isSmall: boolean): unknown {
  const { name, datatype } = spec;
  const shape = shapeOf(spec);
  const size = product(shape);
  const head = { name, datatype, shape };
  if (hasNoJson(datatype)) return { ...head, parameters: { binary_data_size: size * halfBytes } };
  return { ...head, data: isSmall ? Array.from({ length: size }, () => zero(datatype)) : [] };
}

/** Undefined where Troupe's own JSON has no form for an input. */
export function predictExample(taken: TakenBy): unknown {
  const needed = neededOf(taken);
  if (needed.some(({ datatype }) => hasNoJson(datatype))) return undefined;
  const isSmall = areSmall(needed);
  const values = needed.map((spec) => predictInput(spec, isSmall));
  if (values.length === 1) return { features: values[0] };
  return { inputs: Object.fromEntries(needed.map(({ name }, at) => [name, values[at]])) };
}

function predictInput(spec: TensorSpec, isSmall: boolean): Nested {
  const isWhole = isSmall || spec.shape.length === 0;
  return isWhole ? nested(shapeOf(spec), zero(spec.datatype)) : [];
}

function areSmall(specs: readonly TensorSpec[]): boolean {
  return specs.reduce((sum, spec) => sum + product(shapeOf(spec)), 0) <= mostElements;
}

/** One row, and one of whatever else is open. */
function shapeOf({ shape }: TensorSpec): readonly number[] {
  return shape.map((size) => (size === -1 ? 1 : size));
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((all, size) => all * size, 1);
}

function nested(sizes: readonly number[], element: Nested): Nested {
  return sizes.reduceRight<Nested>(
    (item, size) => Array.from({ length: size }, () => item),
    element,
  );
}

function zero(datatype: Datatype): boolean | number | string {
  if (datatype === "BOOL") return false;
  return datatype === "BYTES" ? "" : 0;
}
