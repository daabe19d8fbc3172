/* What one loaded version takes, as JSON Schema, from what the trial at load found of it. */
import type { Datatype, ModelMetadata, TensorSpec } from "../protocol/model-metadata.ts";
import type { Scalar } from "../protocol/model-settings.ts";
import type { Schema } from "./openapi-schema.ts";

export interface TakenBy {
  readonly metadata: ModelMetadata;
  readonly defaults: Readonly<Record<string, Scalar>>;
}

/** An Open Inference V2 body in JSON. */
export function v2BodySchema(taken: TakenBy): Schema {
  const { inputs } = taken.metadata;
  const properties = {
    id: { type: "string" },
    parameters: { type: "object" },
    inputs: v2Inputs(taken),
    outputs: { type: "array", items: { type: "object", required: ["name"] } },
  };
  const title = `Inputs ${inputs.map(({ name }) => name).join(", ")}`;
  return { title, type: "object", required: ["inputs"], properties };
}

/** Troupe's own JSON: `features` where one input is needed, or `inputs`. */
export function predictBodySchema(taken: TakenBy): Schema {
  const needed = neededOf(taken);
  const byName = {
    type: "object",
    required: needed.map(({ name }) => name),
    properties: Object.fromEntries(
      taken.metadata.inputs.map((spec) => [spec.name, nestedInput(spec, taken)]),
    ),
    additionalProperties: false,
  };
  const forms: Schema[] = [form("inputs", { anyOf: [byName, v2Inputs(taken)] })];
  const [only, ...others] = needed;
  if (only !== undefined && others.length === 0) {
    forms.unshift(form("features", nestedInput(only, taken)));
  }
  return { type: "object", oneOf: forms };
}

/** A body has one of them, whatever the others are. */
function form(name: string, schema: Schema): Schema {
  const others = ["features", "inputs", "samples"].filter((other) => other !== name);
  const none = { not: { anyOf: others.map((other) => ({ required: [other] })) } };
  return { required: [name], properties: { [name]: schema }, ...none };
}

/** States and inputs with a default may be left out, but for an input that is the only one. */
export function neededOf({ metadata, defaults }: TakenBy): readonly TensorSpec[] {
  const { inputs, state } = metadata;
  if (inputs.length === 1) return inputs;
  const states = new Set(state.map(({ input }) => input));
  return inputs.filter(({ name }, at) => !states.has(at) && !Object.hasOwn(defaults, name));
}

function v2Inputs(taken: TakenBy): Schema {
  const { metadata } = taken;
  const needed = new Set(neededOf(taken));
  return {
    type: "array",
    maxItems: metadata.inputs.length,
    items: { anyOf: metadata.inputs.map((spec) => v2Input(spec, metadata)) },
    allOf: metadata.inputs.map((spec) => ({
      contains: { type: "object", required: ["name"], properties: { name: { const: spec.name } } },
      minContains: needed.has(spec) ? 1 : 0,
      maxContains: 1,
    })),
  };
}

/** Only batched models take any number of rows by this protocol. */
function v2Input(spec: TensorSpec, { batching }: ModelMetadata): Schema {
  const rowAxis = batching.type === "batched" ? spec.batchAxis : null;
  const sizes = spec.shape.map((size, axis) => sizeOf(axis === rowAxis ? -1 : size));
  const { name, datatype, shape } = spec;
  return {
    type: "object",
    required: ["name", "datatype", "shape"],
    properties: {
      name: { const: name },
      datatype: { const: datatype },
      shape: {
        type: "array",
        ...(sizes.length === 0 ? {} : { prefixItems: sizes }),
        minItems: shape.length,
        maxItems: shape.length,
      },
      data: hasNoJson(datatype)
        ? { not: {}, description: `${datatype} comes in binary only` }
        : { type: "array", items: { anyOf: [element(datatype), { type: "array" }] } },
      parameters: { type: "object" },
    },
    anyOf: hasNoJson(datatype) ? [binary] : [{ required: ["data"] }, binary],
  };
}

const binary: Schema = {
  required: ["parameters"],
  properties: { parameters: { required: ["binary_data_size"] } },
};

/** By Open Inference V2 these come in as bytes only. */
export function hasNoJson(datatype: Datatype): boolean {
  return datatype === "FP16" || datatype === "BF16";
}

function sizeOf(size: number): Schema {
  return size === -1 ? { type: "integer", minimum: 0 } : { const: size };
}

/** In all inputs together: the example of a body has no more, and with more its lists are empty. */
const mostShown = 1_024;

/** An example of more would fill a page. */
export function areSmall(specs: readonly TensorSpec[]): boolean {
  const sizes = specs.map(({ shape }) => product(shape.map((size) => (size === -1 ? 1 : size))));
  return sizes.reduce((sum, size) => sum + size, 0) <= mostShown;
}

/** As deep as the input, or one row of it, or flat: the forms that the predict route reads. */
function nestedInput({ datatype, shape, batchAxis }: TensorSpec, taken: TakenBy): Schema {
  const rowAxis = taken.metadata.batching.type === "unbatched" ? null : batchAxis;
  const free = shape.map((size, axis) => (axis === rowAxis ? anyRows : size));
  const row = shape.toSpliced(rowAxis ?? 0, 1);
  const elements = element(datatype);
  if (shape.length === 0) return elements;
  const flat = nested([row.includes(-1) ? -1 : product(rowAxis === null ? shape : row)], elements);
  const forms = [nested(free, elements), nested(row, elements), flat];
  if (rowAxis === 0) forms.push({ type: "array", items: flat, minItems: 1 });
  if (!areSmall(neededOf(taken))) forms.push({ type: "array", maxItems: 0 });
  return { anyOf: forms };
}

/** Stands for a size: as many as there are rows, of which there is one at least. */
const anyRows = -2;

function nested(sizes: readonly number[], elements: Schema): Schema {
  return sizes.reduceRight<Schema>(
    (items, size) => ({ type: "array", items, ...countOf(size) }),
    elements,
  );
}

function countOf(size: number): Schema {
  if (size === anyRows) return { minItems: 1 };
  return size === -1 ? {} : { minItems: size, maxItems: size };
}

/** -1 where a size is open. */
function product(sizes: readonly number[]): number {
  return sizes.includes(-1) ? -1 : sizes.reduce((all, size) => all * size, 1);
}

function digits(sign: "-?" | ""): Schema {
  return { type: "string", pattern: `^${sign}[0-9]+$` };
}

/** Beyond it a number in JSON may have been rounded. */
const exact = Number.MAX_SAFE_INTEGER;

function element(datatype: Datatype): Schema {
  switch (datatype) {
    case "BOOL":
      return { type: "boolean" };
    case "BYTES":
      return { type: "string" };
    case "FP16":
      return below(65_520);
    case "BF16":
      return below((2 - 2 ** -8) * 2 ** 127);
    case "FP32":
      return below((2 - 2 ** -24) * 2 ** 127);
    case "FP64":
      return { type: "number" };
    case "INT64":
      return { anyOf: [{ type: "integer", minimum: -exact, maximum: exact }, digits("-?")] };
    case "UINT64":
      return { anyOf: [{ type: "integer", minimum: 0, maximum: exact }, digits("")] };
    case "INT8":
    case "INT16":
    case "INT32":
      return signed(Number(datatype.slice("INT".length)));
    case "UINT8":
    case "UINT16":
    case "UINT32":
      return {
        type: "integer",
        minimum: 0,
        maximum: 2 ** Number(datatype.slice("UINT".length)) - 1,
      };
  }
}

/** Numbers whose nearest float is finite. */
function below(limit: number): Schema {
  return { type: "number", exclusiveMinimum: -limit, exclusiveMaximum: limit };
}

function signed(bits: number): Schema {
  return { type: "integer", minimum: -(2 ** (bits - 1)), maximum: 2 ** (bits - 1) - 1 };
}
