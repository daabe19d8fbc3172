import { TroupeError } from "../protocol/errors.ts";
import type { Datatype, TensorSpec } from "../protocol/model-metadata.ts";
import { isClassifiable } from "./classification.ts";
import type { OutputForm, ServedModel } from "./codec.ts";
import { expectObject, type JsonObject, property } from "./json-object.ts";
import { invalidRequest, listed, quoted, wordFor } from "./wording.ts";

/** What a request that names no outputs gets. */
export interface Unasked {
  /** Indexes into the model's. */
  readonly outputs: readonly number[];
  /** All of them in binary: the request-wide wish, which says nothing of outputs that are named. */
  readonly isBinary: boolean;
}

export interface WantedOutputs {
  /** Indexes into the model's, in the client's order. */
  readonly outputs: readonly number[];
  /** Absent where all are wanted as they are, in JSON. */
  readonly forms?: readonly OutputForm[];
}

const plain: OutputForm = { isBinary: false, classes: null };
const binary: OutputForm = { isBinary: true, classes: null };

/**
 * The `outputs` of an Open Inference V2 body; `unasked` where the list is absent or empty. Throws `invalid-request` for
 * unknown and repeated names and for forms that an output does not have, `not-implemented` for shared memory.
 */
export function readWantedOutputs(
  value: unknown,
  model: ServedModel,
  unasked: Unasked,
): WantedOutputs {
  if (value === undefined) return unaskedOutputs(unasked);
  if (!Array.isArray(value)) {
    throw invalidRequest(`Cannot read 'outputs': expected a list, got ${wordFor(value)}`);
  }
  if (value.length === 0) return unaskedOutputs(unasked);
  const wanted: number[] = [];
  const forms: OutputForm[] = [];
  for (let i = 0; i < value.length; i += 1) {
    const entry = expectObject(`'outputs' at [${i}]`, value[i]);
    const index = readOutput(entry, i, model);
    // As many distinct ones as the model has at most, so this stays short for a long list too.
    if (wanted.includes(index)) {
      const name = model.metadata.outputs[index]?.name ?? "";
      throw invalidRequest(`output ${quoted(name)} already exists in request`);
    }
    wanted.push(index);
    forms.push(readForm(entry, model.metadata.outputs[index] as TensorSpec));
  }
  return forms.every((form) => form === plain) ? { outputs: wanted } : { outputs: wanted, forms };
}

function unaskedOutputs({ outputs, isBinary }: Unasked): WantedOutputs {
  return isBinary ? { outputs, forms: outputs.map(() => binary) } : { outputs };
}

function readOutput(entry: JsonObject, i: number, model: ServedModel): number {
  const name = property(entry, "name");
  if (typeof name !== "string") {
    throw invalidRequest(
      `Cannot read 'outputs' at [${i}]: expected 'name' to be a string, got ${wordFor(name)}`,
    );
  }
  const index = model.metadata.outputs.findIndex((output) => output.name === name);
  if (index < 0) throw unknownOutput(name, model);
  return index;
}

function unknownOutput(name: string, model: ServedModel): TroupeError {
  const { outputs, notServable } = model.metadata;
  const hidden = notServable.find((output) => output.name === name);
  const known = listed(outputs.map((output) => output.name));
  const reason = hidden === undefined ? "" : `, which is not servable (${hidden.reason})`;
  return invalidRequest(
    `unexpected inference output ${quoted(name)} for model ${quoted(model.name)}${reason}. Expected one of ${known}`,
  );
}

const notBuilt = [
  "shared_memory_region",
  "shared_memory_byte_size",
  "shared_memory_offset",
] as const;

/** `plain` itself where nothing is asked for. */
function readForm(entry: JsonObject, { name, datatype }: TensorSpec): OutputForm {
  const what = `'parameters' of output ${quoted(name)}`;
  const parameters = optionalParameters(what, entry);
  for (const key of notBuilt) {
    if (!Object.hasOwn(parameters, key)) continue;
    throw new TroupeError("not-implemented", `Cannot read ${what}: '${key}' is not implemented`);
  }
  const isBinary = readFlag(what, parameters, "binary_data") ?? false;
  const classes = readClasses(what, property(parameters, "classification"), datatype);
  if (classes === null) return isBinary ? binary : plain;
  return { isBinary, classes };
}

function readClasses(what: string, value: unknown, datatype: Datatype): number | null {
  if (value === undefined) return null;
  if (!(Number.isSafeInteger(value) && (value as number) > 0)) {
    throw invalidRequest(
      `Cannot read ${what}: expected 'classification' to be an integer from 1, got ${wordFor(value)}`,
    );
  }
  if (isClassifiable(datatype)) return value as number;
  throw invalidRequest(
    `Cannot read ${what}: 'classification' expected an output of numbers, got one of ${datatype}`,
  );
}

/** Throws `invalid-request` for a value other than true or false; absent is fine. */
export function readFlag(what: string, parameters: JsonObject, key: string): boolean | undefined {
  const value = property(parameters, key);
  if (value === undefined || typeof value === "boolean") return value;
  throw invalidRequest(
    `Cannot read ${what}: expected '${key}' to be true or false, got ${wordFor(value)}`,
  );
}

const none: JsonObject = {};

/** The `parameters` of a request, input or output, empty where it has none. */
export function optionalParameters(what: string, owner: JsonObject): JsonObject {
  return Object.hasOwn(owner, "parameters") ? expectObject(what, owner["parameters"]) : none;
}
