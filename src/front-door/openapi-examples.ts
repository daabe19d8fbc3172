/*
 * A body that one loaded version takes, of zeros: what a reader of the document begins with. Lists of large inputs are
 * left empty, as a page that shows a schema without an example makes what that asks for, be it millions.
 */
import type { Datatype, TensorSpec } from "../protocol/model-metadata.ts";
import { areSmall, hasNoJson, neededOf, type TakenBy } from "./openapi-inputs.ts";

type Nested = boolean | number | string | readonly Nested[];

/** Undefined where an input comes in binary only, which no example shows. */
export function v2Example(taken: TakenBy): unknown {
  const needed = neededOf(taken);
  if (needed.some(({ datatype }) => hasNoJson(datatype))) return undefined;
  const isSmall = areSmall(needed);
  return { inputs: needed.map((spec) => v2Input(spec, isSmall)) };
}

function v2Input(spec: TensorSpec, isSmall: boolean): unknown {
  const { name, datatype } = spec;
  const shape = shapeOf(spec);
  const size = isSmall ? product(shape) : 0;
  return { name, datatype, shape, data: Array.from({ length: size }, () => zero(datatype)) };
}

export function predictExample(taken: TakenBy): unknown {
  const needed = neededOf(taken);
  const isSmall = areSmall(needed);
  const values = needed.map((spec) => predictInput(spec, isSmall));
  if (values.length === 1) return { features: values[0] };
  return { inputs: Object.fromEntries(needed.map(({ name }, at) => [name, values[at]])) };
}

function predictInput(spec: TensorSpec, isSmall: boolean): Nested {
  const isWhole = isSmall || spec.shape.length === 0;
  return isWhole ? nested(shapeOf(spec), zero(spec.datatype)) : [];
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
