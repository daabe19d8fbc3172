import { TroupeError } from "../protocol/errors.ts";
import type { Datatype } from "../protocol/model-metadata.ts";
import type { BinarySection } from "./binary-section.ts";
import type { DecodedRequest, ServedModel } from "./codec.ts";
import { isDatatype } from "./datatypes.ts";
import { expectObject, type JsonObject, property } from "./json-object.ts";
import { readTensor } from "./json-reader.ts";
import { plainOutputs } from "./model-state.ts";
import { NumberList } from "./number-list.ts";
import { allOutputs } from "./per-model.ts";
import { type Allowance, checkInputs, checkNames } from "./request-check.ts";
import type { Tensor } from "./tensor.ts";
import { optionalParameters, readWantedOutputs } from "./v2-outputs.ts";
import { invalidRequest, quoted, wordFor } from "./wording.ts";

interface NamedEntry {
  readonly name: string;
  readonly entry: JsonObject;
}

/** What stands around the `inputs` and `outputs` of a body. */
export interface Surroundings extends Allowance {
  /** What the inputs with `binary_data_size` lie in; null where the body is all JSON. */
  readonly tensors: BinarySection | null;
  /** Outputs are wanted in binary where none is named. */
  readonly wantsBinary: boolean;
}

/**
 * The `inputs` and `outputs` of an Open Inference V2 body (section "Inference Request JSON Object"), checked against
 * the model. Names come first, so that the work for a hostile body is bounded by what the model takes. Throws
 * `invalid-request`, and `not-implemented` for shared memory. Bytes that belong to no input are the caller's to refuse.
 */
export function readOpenInference(
  request: JsonObject,
  model: ServedModel,
  surroundings: Surroundings,
): DecodedRequest {
  const entries = readEntries(property(request, "inputs"));
  checkNames(namesOf(entries), model);
  const bringsState = doesBringState(entries, model);
  const outputs = bringsState ? allOutputs(model) : plainOutputs(model);
  const unasked = { outputs, isBinary: surroundings.wantsBinary };
  const wanted = readWantedOutputs(property(request, "outputs"), model, unasked);
  const given = new Map<string, Tensor>();
  for (const named of entries) {
    given.set(named.name, readInput(named, model, surroundings.tensors));
  }
  const tensors = model.metadata.inputs.map(({ name }) => given.get(name));
  const { inputs, rows } = checkInputs(tensors, model, surroundings);
  return { inputs, rows, ...wanted, id: undefined, bringsState, isSignal: false };
}

/** Of several states all or none are there. */
function doesBringState(entries: readonly NamedEntry[], { metadata }: ServedModel): boolean {
  const [first] = metadata.state;
  const name = first === undefined ? undefined : metadata.inputs[first.input]?.name;
  return entries.some((entry) => entry.name === name);
}

function readEntries(inputs: unknown): readonly NamedEntry[] {
  if (!Array.isArray(inputs)) {
    throw invalidRequest(`Cannot read 'inputs': expected a list, got ${wordFor(inputs)}`);
  }
  return inputs.map((value: unknown, i) => {
    const entry = expectObject(`'inputs' at [${i}]`, value);
    const name = property(entry, "name");
    if (typeof name === "string") return { name, entry };
    throw invalidRequest(
      `Cannot read 'inputs' at [${i}]: expected 'name' to be a string, got ${wordFor(name)}`,
    );
  });
}

function namesOf(entries: readonly NamedEntry[]): readonly string[] {
  const names = entries.map(({ name }) => name);
  if (names.length < 2) return names;
  const seen = new Set<string>();
  for (const name of names) {
    if (seen.has(name)) throw invalidRequest(`input ${quoted(name)} already exists in request`);
    seen.add(name);
  }
  return names;
}

function readInput(
  { name, entry }: NamedEntry,
  model: ServedModel,
  tensors: BinarySection | null,
): Tensor {
  const datatype = readDatatype(name, property(entry, "datatype"));
  const shape = readShape(name, property(entry, "shape"), model);
  const elements = readForm(name, entry);
  if (elements.type === "json") return readTensor({ name, datatype }, elements.data, shape);
  if (tensors === null) throw notBinary(name);
  const bytes = tensors.take(name, elements.size, model.name);
  return tensors.readElements({ name, datatype, shape }, bytes);
}

function notBinary(name: string): TroupeError {
  return invalidRequest(
    `Cannot read input ${quoted(name)}: 'binary_data_size' expected binary tensors behind the JSON, got a body of JSON. Over HTTP the header Inference-Header-Content-Length says where they begin, a WebSocket has binary frames for them`,
  );
}

function readDatatype(name: string, value: unknown): Datatype {
  if (isDatatype(value)) return value;
  throw invalidRequest(
    `Cannot read 'datatype' of input ${quoted(name)}: expected an Open Inference datatype such as "FP32", got ${wordFor(value)}`,
  );
}

function readShape(name: string, value: unknown, model: ServedModel): readonly number[] {
  if (!Array.isArray(value)) {
    throw invalidRequest(
      `Unable to parse 'shape': input ${quoted(name)}: expected a list of sizes, got ${wordFor(value)}`,
    );
  }
  for (let axis = 0; axis < value.length; axis += 1) {
    const dim: unknown = value[axis];
    if (!(Number.isSafeInteger(dim) && (dim as number) >= 0)) {
      throw wrongDim(quoted(name), model, { axis, dim });
    }
  }
  return value;
}

function wrongDim(
  name: string,
  model: ServedModel,
  { axis, dim }: { readonly axis: number; readonly dim: unknown },
): TroupeError {
  if (dim === -1) {
    return invalidRequest(
      `All input dimensions should be specified for input ${name} for model ${quoted(model.name)}, got -1 at [${axis}]`,
    );
  }
  return invalidRequest(
    `Unable to parse 'shape': attempt to access JSON non-unsigned-integer as unsigned-integer: input ${name}: expected an integer of at least 0 at [${axis}], got ${wordFor(dim)}`,
  );
}

const forms = ["'data'", "'binary_data_size'", "'shared_memory_region'"] as const;

type Elements =
  | { readonly type: "json"; readonly data: readonly unknown[] | NumberList }
  | { readonly type: "binary"; readonly size: number };

/** Where the elements are, given that they have one form and no other stands beside it. */
function readForm(name: string, entry: JsonObject): Elements {
  const parameters = optionalParameters(`'parameters' of input ${quoted(name)}`, entry);
  const isSet = [
    Object.hasOwn(entry, "data"),
    Object.hasOwn(parameters, "binary_data_size"),
    Object.hasOwn(parameters, "shared_memory_region"),
  ];
  const set = forms.filter((_, i) => isSet[i]);
  if (set.length !== 1) throw wrongForms(name, set);
  if (isSet[1]) return { type: "binary", size: readSize(name, parameters["binary_data_size"]) };
  if (isSet[2]) {
    throw new TroupeError(
      "not-implemented",
      `Cannot read input ${quoted(name)}: ${set[0]} is not implemented, send 'data'`,
    );
  }
  const data = property(entry, "data");
  if (Array.isArray(data) || data instanceof NumberList) return { type: "json", data };
  throw invalidRequest(
    `Cannot read 'data' of input ${quoted(name)}: expected a list, got ${wordFor(data)}`,
  );
}

function readSize(name: string, size: unknown): number {
  if (Number.isSafeInteger(size) && (size as number) >= 0) return size as number;
  throw invalidRequest(
    `Cannot read input ${quoted(name)}: expected 'binary_data_size' to be an integer of at least 0, got ${wordFor(size)}`,
  );
}

function wrongForms(name: string, set: readonly string[]): TroupeError {
  const but = set.length === 0 ? "no field is set" : `set ${set.join(" ")}`;
  return invalidRequest(
    `Input must set only one of the following fields: 'data', 'binary_data_size' in 'parameters', 'shared_memory_region' in 'parameters'. But ${but} for input ${quoted(name)}`,
  );
}
