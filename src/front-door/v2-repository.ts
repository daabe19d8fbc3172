/* The repository extension of Open Inference V2 in pure parts: what the index says, and what a load may ask for. */
import { TroupeError } from "../protocol/errors.ts";
import type { ModelView, VersionState, VersionView } from "../protocol/views.ts";
import { isObject } from "./json-request.ts";

type Json = Readonly<Record<string, unknown>>;

/** Triton knows no model that comes back by itself: one that does is being loaded. */
const stateNames = {
  loading: "LOADING",
  ready: "READY",
  recovering: "LOADING",
  draining: "UNLOADING",
  unloaded: "UNAVAILABLE",
  unavailable: "UNAVAILABLE",
} as const satisfies Record<VersionState, string>;

/** One entry for each version; a model of which there is none has its name alone, or what is wrong with it. */
export function repositoryIndex(models: readonly ModelView[], readyOnly: boolean): readonly Json[] {
  const entries = models.flatMap((model): readonly Json[] => {
    if (model.versions.length > 0) return model.versions.map((one) => versionEntry(model, one));
    if (model.problem === null) return [{ name: model.name }];
    return [{ name: model.name, state: "UNAVAILABLE", reason: model.problem }];
  });
  return readyOnly ? entries.filter(({ state }) => state === "READY") : entries;
}

function versionEntry({ name }: ModelView, { version, state, reason }: VersionView): Json {
  const entry = { name, version, state: stateNames[state] };
  // Clients tell what was unloaded from what failed by this word.
  if (state === "unloaded") return { ...entry, reason: state };
  const why = reason ?? (state === "recovering" ? state : null);
  return why === null ? entry : { ...entry, reason: why };
}

/** Throws `invalid-request`. */
export function readyOnlyOf({ ready = false }: Json): boolean {
  if (typeof ready === "boolean") return ready;
  throw new TroupeError("invalid-request", "Invalid value for 'ready': expected a boolean");
}

/** Throws `not-implemented` for what a load would have to override, `invalid-request` for what nobody knows. */
export function checkLoad(fields: Json): void {
  for (const name of Object.keys(parametersOf(fields))) {
    if (name === "config" || name.startsWith("file:")) throw noOverride(`parameter '${name}'`);
    throw unknownParameter("load", name, "config, file:<version>/<file>");
  }
}

export function noOverride(what: string): TroupeError {
  const words = `${what} is not supported: a load takes the model as its folder has it; PATCH /models/{model} changes its configuration, POST /models its files`;
  return new TroupeError("not-implemented", words);
}

/** No model of Troupe's has dependents, so that it is no matter whether they would go. Throws `invalid-request`. */
export function checkUnload(fields: Json): void {
  for (const [name, value] of Object.entries(parametersOf(fields))) {
    if (name !== "unload_dependents") throw unknownParameter("unload", name, "unload_dependents");
    if (typeof value === "boolean") continue;
    const words = "Invalid value for 'unload_dependents': expected a boolean";
    throw new TroupeError("invalid-request", words);
  }
}

function parametersOf({ parameters = {} }: Json): Json {
  if (isObject(parameters)) return parameters;
  throw new TroupeError("invalid-request", "Invalid value for 'parameters': expected an object");
}

function unknownParameter(action: string, name: string, known: string): TroupeError {
  const words = `unrecognized ${action} parameter '${name}'; known are ${known}`;
  return new TroupeError("invalid-request", words);
}
