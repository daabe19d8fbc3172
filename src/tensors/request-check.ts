import type { Batching, TensorSpec } from "../protocol/model-metadata.ts";
import type { ServedModel } from "./codec.ts";
import { stateInputs } from "./model-state.ts";
import { matchesSpec, shapeText, withDim } from "./shapes.ts";
import type { Tensor } from "./tensor.ts";
import { invalidRequest, listed, quoted } from "./wording.ts";

// What every codec checks. The texts are Triton's where open-inference.md section 5 lists them, since clients match on
// them; the status is always that of a client's mistake.

/** Rows without elements cost their sender nothing, whatever their number, but each takes its turn in the model. */
const mostEmptyRows = 1_024;

interface CheckedInputs {
  /** In the model's order. */
  readonly inputs: readonly Tensor[];
  readonly rows: number;
}

/** What a codec allows beyond the model's own shapes. */
export interface Allowance {
  /** Several rows for a model whose batch is fixed at one: they run one by one. */
  readonly rowsOneByOne: boolean;
}

/**
 * Checks that the tensors, which stand in the model's order, are of its datatypes and shapes, and that the sizes along
 * the batch axes agree; whatever may be left out, and is, gets its stand-in, of one row. A batch larger than the model's is allowed:
 * it runs in slices. The names have been checked. Throws `invalid-request`.
 */
export function checkInputs(
  given: readonly (Tensor | undefined)[],
  model: ServedModel,
  allowance: Allowance,
): CheckedInputs {
  const rows = countRows(given, model, allowance);
  const isComplete = (tensors: typeof given): tensors is readonly Tensor[] =>
    !tensors.includes(undefined);
  if (isComplete(given)) return { inputs: given, rows };
  return { inputs: given.map((tensor, at) => tensor ?? (model.standIns[at] as Tensor)), rows };
}

/** Throws `invalid-request` unless `names`, which are distinct, are those of the model's inputs, in any order. */
export function checkNames(names: readonly string[], model: ServedModel): void {
  if (isInOrder(names, model.metadata.inputs)) return;
  const given = new Set(names);
  const wanted = wantedNames(given, model);
  const missing = wanted.filter((name) => !given.has(name));
  if (missing.length === 0 && names.length === wanted.length) return;
  const known = new Set(wanted);
  const unknown = names.filter((name) => !known.has(name));
  throw invalidRequest(nameMistake({ names, wanted, missing, unknown }, quoted(model.name)));
}

/** All inputs but those that may be left out, and are; of several states all or none. */
function wantedNames(given: ReadonlySet<string>, model: ServedModel): readonly string[] {
  const { inputs } = model.metadata;
  const states = stateInputs(model);
  const bringsState = inputs.some(({ name }, at) => states.has(at) && given.has(name));
  return inputs
    .filter(({ name }, at) => {
      const mayBeAbsent = model.standIns[at] !== null && !(bringsState && states.has(at));
      return given.has(name) || !mayBeAbsent;
    })
    .map(({ name }) => name);
}

/** The frequent case, in which nothing needs to be allocated. */
function isInOrder(names: readonly string[], specs: readonly TensorSpec[]): boolean {
  if (names.length !== specs.length) return false;
  for (let i = 0; i < names.length; i += 1) {
    if (names[i] !== specs[i]?.name) return false;
  }
  return true;
}

interface NameMistake {
  readonly names: readonly string[];
  readonly wanted: readonly string[];
  readonly missing: readonly string[];
  readonly unknown: readonly string[];
}

function nameMistake({ names, wanted, missing, unknown }: NameMistake, model: string): string {
  const got = `Got input(s) ${listed(names)}`;
  if (names.length === wanted.length) {
    return `unexpected inference input ${quoted(unknown[0] ?? "")} for model ${model}. ${got}, expected ${listed(wanted)}`;
  }
  const counts = `expected ${wanted.length} inputs but got ${names.length} inputs for model ${model}. ${got}`;
  if (missing.length === 0)
    return `${counts}, but ${listed(unknown)} are not among ${listed(wanted)}`;
  const required = `but missing required input(s) ${listed(missing)}. Please provide all required input(s).`;
  return unknown.length === 0
    ? `${counts}, ${required}`
    : `${counts}, ${required} Unexpected input(s) ${listed(unknown)}`;
}

/**
 * Checks tensors that stand in the model's order as `checkInputs` does, and gives the number of rows: the size along the
 * batch axes, 1 for a model without batches. Throws `invalid-request`, for no rows too.
 */
function countRows(
  inputs: readonly (Tensor | undefined)[],
  model: ServedModel,
  allowance: Allowance,
): number {
  const specs = model.metadata.inputs;
  const { batching } = model.metadata;
  let rows = -1;
  for (let i = 0; i < specs.length; i += 1) {
    const tensor = inputs[i];
    if (tensor === undefined) continue;
    const spec = specs[i] as TensorSpec;
    const axis = rowAxis(spec, batching, allowance);
    const found = checkInput(tensor, { spec, axis, model });
    if (rows === -1) rows = found;
    else if (found !== -1 && found !== rows) throw unequalBatches(spec, model, { rows, found });
  }
  if (rows > mostEmptyRows) checkPaid(inputs, model, rows);
  return rows === -1 ? 1 : rows;
}

/** Throws `invalid-request` where no input has as many elements as there are rows. */
function checkPaid(
  inputs: readonly (Tensor | undefined)[],
  model: ServedModel,
  rows: number,
): void {
  if (inputs.some((tensor) => tensor !== undefined && tensor.data.length >= rows)) return;
  const at = inputs.findIndex((tensor) => tensor?.shape.includes(rows));
  const name = model.metadata.inputs[at]?.name ?? "";
  throw invalidRequest(
    `Cannot read input ${quoted(name)} for model ${quoted(model.name)}: expected at most ${mostEmptyRows} rows where none has any elements, got shape ${shapeText(inputs[at]?.shape ?? [])}`,
  );
}

/** The axis along which a request may bring any number of rows, or null. */
export function rowAxis(spec: TensorSpec, batching: Batching, allowance: Allowance): number | null {
  switch (batching.type) {
    case "batched":
      return spec.batchAxis;
    case "one-by-one":
      return allowance.rowsOneByOne ? spec.batchAxis : null;
    case "unbatched":
      return null;
  }
}

interface Wanted {
  readonly spec: TensorSpec;
  readonly axis: number | null;
  readonly model: ServedModel;
}

/** The rows of one input, or -1 where it has no axis for them. */
function checkInput(tensor: Tensor, { spec, axis, model }: Wanted): number {
  if (tensor.datatype !== spec.datatype) {
    throw invalidRequest(
      `inference input ${quoted(spec.name)} data-type is '${tensor.datatype}', but model ${quoted(model.name)} expects '${spec.datatype}'`,
    );
  }
  if (!matchesSpec(tensor.shape, spec.shape, axis)) throw wrongShape(tensor, { spec, axis, model });
  if (axis === null) return -1;
  const rows = tensor.shape[axis] as number;
  if (rows > 0) return rows;
  throw invalidRequest(
    `Cannot read input ${quoted(spec.name)} for model ${quoted(model.name)}: expected at least one row along axis ${axis}, got shape ${shapeText(tensor.shape)}`,
  );
}

function wrongShape(tensor: Tensor, { spec, axis, model }: Wanted): Error {
  const expected = axis === null ? spec.shape : withDim(spec.shape, axis, -1);
  return invalidRequest(
    `unexpected shape for input ${quoted(spec.name)} for model ${quoted(model.name)}. Expected ${shapeText(expected)}, got ${shapeText(tensor.shape)}`,
  );
}

function unequalBatches(
  spec: TensorSpec,
  model: ServedModel,
  { rows, found }: { readonly rows: number; readonly found: number },
): Error {
  return invalidRequest(
    `input ${quoted(spec.name)} batch size does not match other inputs for ${quoted(model.name)}: expected ${rows}, got ${found}`,
  );
}
