import { TroupeError } from "../protocol/errors.ts";
import type { ServedModel } from "./codec.ts";
import { expectObject, type JsonObject, property } from "./json-object.ts";
import { invalidRequest, listed, quoted, wordFor } from "./wording.ts";

/**
 * The `outputs` of an Open Inference V2 body as indexes into the model's, in the client's order; `unasked` where the
 * list is absent or empty. Throws `invalid-request` for unknown and repeated names, `not-implemented` for
 * classification and shared memory. Asked for binary data Troupe answers in JSON, as the protocol leaves it to the
 * server and every client reads from the answer.
 */
export function readWantedOutputs(
  value: unknown,
  model: ServedModel,
  unasked: readonly number[],
): readonly number[] {
  if (value === undefined) return unasked;
  if (!Array.isArray(value)) {
    throw invalidRequest(`Cannot read 'outputs': expected a list, got ${wordFor(value)}`);
  }
  if (value.length === 0) return unasked;
  const wanted: number[] = [];
  for (let i = 0; i < value.length; i += 1) {
    const entry = expectObject(`'outputs' at [${i}]`, value[i]);
    const index = readOutput(entry, i, model);
    // As many distinct ones as the model has at most, so this stays short for a long list too.
    if (wanted.includes(index)) {
      const name = model.metadata.outputs[index]?.name ?? "";
      throw invalidRequest(`output ${quoted(name)} already exists in request`);
    }
    wanted.push(index);
  }
  return wanted;
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
  checkOutputParameters(name, entry);
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
  "classification",
  "shared_memory_region",
  "shared_memory_byte_size",
  "shared_memory_offset",
] as const;

function checkOutputParameters(name: string, entry: JsonObject): void {
  const what = `'parameters' of output ${quoted(name)}`;
  const parameters = optionalParameters(what, entry);
  for (const key of notBuilt) {
    if (!Object.hasOwn(parameters, key)) continue;
    throw new TroupeError("not-implemented", `Cannot read ${what}: '${key}' is not implemented`);
  }
  checkFlag(what, parameters, "binary_data");
}

/** Throws `invalid-request` for a value other than true or false; absent is fine. */
export function checkFlag(what: string, parameters: JsonObject, key: string): void {
  const value = property(parameters, key);
  if (value === undefined || typeof value === "boolean") return;
  throw invalidRequest(
    `Cannot read ${what}: expected '${key}' to be true or false, got ${wordFor(value)}`,
  );
}

const none: JsonObject = {};

/** The `parameters` of a request, input or output, empty where it has none. */
export function optionalParameters(what: string, owner: JsonObject): JsonObject {
  return Object.hasOwn(owner, "parameters") ? expectObject(what, owner["parameters"]) : none;
}
