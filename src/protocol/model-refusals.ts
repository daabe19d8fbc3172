/* What the supervisor and the front doors both say of models and versions that are not there, or are already. */
import { TroupeError } from "./errors.ts";

export function noSuchModel(model: string): TroupeError {
  return new TroupeError("model-not-found", `no model is named '${model}'`);
}

/** `known` are those that it has, in order. */
export function noSuchVersion(
  model: string,
  version: string,
  known: readonly { readonly version: string }[],
): TroupeError {
  const names = known.map((one) => `'${one.version}'`).join(", ") || "none";
  const words = `model '${model}' has no version '${version}'; it has ${names}`;
  return new TroupeError("model-not-found", words);
}

export function versionTaken(model: string, version: string): TroupeError {
  return new TroupeError("conflict", `model '${model}' has a version '${version}' already`);
}
