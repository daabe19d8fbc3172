/* What stands for the inputs that a request may leave out: the first state of a sequence, and defaults. */
import type { HostSpec } from "../src/protocol/control.ts";
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata, TensorSpec } from "../src/protocol/model-metadata.ts";
import type { Nested, Scalar } from "../src/protocol/model-settings.ts";
import { allocate } from "../src/tensors/datatypes.ts";
import { readElements } from "../src/tensors/json-reader.ts";
import { nestingOf } from "../src/tensors/nesting.ts";
import { fitShape } from "../src/tensors/row-layout.ts";
import { matchesSpec, product, shapeText } from "../src/tensors/shapes.ts";
import type { Tensor } from "../src/tensors/tensor.ts";

/** One for each input, null where it must come. Throws `invalid-model` for values that the inputs do not take. */
export function standInsOf(
  metadata: ModelMetadata,
  { state, defaults }: Pick<HostSpec, "state" | "defaults">,
): readonly (Tensor | null)[] {
  const states = new Set(metadata.state.map(({ input }) => input));
  checkDefaults(metadata, defaults, states);
  return metadata.inputs.map((spec, at) => {
    if (states.has(at)) return firstState(spec, initialOf(spec.name, state));
    return Object.hasOwn(defaults, spec.name) ? defaultOf(spec, defaults[spec.name]) : null;
  });
}

function initialOf(name: string, state: HostSpec["state"]): "zeros" | Nested {
  return state?.find(({ input }) => input === name)?.initial ?? "zeros";
}

function firstState(spec: TensorSpec, initial: "zeros" | Nested): Tensor {
  return initial === "zeros" ? zeros(spec) : listed(spec, initial);
}

/**
 * A free size other than the number of rows is a length that grows, and begins with nothing. Where no trial has told the
 * rows' axis, it is the first free one.
 */
function zeros({ datatype, shape, batchAxis }: TensorSpec): Tensor {
  const rowAxis = batchAxis ?? shape.indexOf(-1);
  const row = shape.map((size, axis) => {
    if (axis === rowAxis) return 1;
    return Math.max(size, 0);
  });
  const data = allocate(datatype, product(row));
  return { datatype, shape: row, data: Array.isArray(data) ? data.fill("") : data };
}

function listed(spec: TensorSpec, initial: Nested): Tensor {
  const { name, datatype, batchAxis } = spec;
  const tensor = named(`the initial state of '${name}'`, () => {
    const dims = nestingOf(name, initial);
    const shape = fitShape(dims, { shape: spec.shape, rowAxis: batchAxis });
    return { datatype, shape, data: readElements(spec, initial, dims) };
  });
  const isOneRow = batchAxis === null || tensor.shape[batchAxis] === 1;
  if (isOneRow && matchesSpec(tensor.shape, spec.shape, batchAxis)) return tensor;
  throw new TroupeError(
    "invalid-model",
    `the initial state of '${name}' must be one row of ${shapeText(spec.shape)}, got ${shapeText(tensor.shape)}`,
  );
}

function checkDefaults(
  { inputs }: ModelMetadata,
  defaults: Readonly<Record<string, Scalar>>,
  states: ReadonlySet<number>,
): void {
  const known = inputs.filter(({ shape }, at) => shape.length === 0 && !states.has(at));
  const stranger = Object.keys(defaults).find((key) => !known.some(({ name }) => name === key));
  if (stranger === undefined) return;
  const names = known.map(({ name }) => `'${name}'`).join(", ");
  throw new TroupeError(
    "invalid-model",
    `defaults must name inputs of rank 0 (${names || "this model has none"}), got '${stranger}'`,
  );
}

function defaultOf(spec: TensorSpec, value: Scalar | undefined): Tensor {
  const data = named(`the default of '${spec.name}'`, () => readElements(spec, value, []));
  return { datatype: spec.datatype, shape: [], data };
}

/** The readers speak of requests; here the model's configuration is at fault. */
function named<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    throw new TroupeError("invalid-model", `${what}: ${thrown.message}`, { cause: thrown });
  }
}
