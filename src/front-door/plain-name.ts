/* The names that changes may give to models, versions and files: they stand in paths. */
import { TroupeError } from "../protocol/errors.ts";
import { isName, isVersionName, nameRule, versionRule } from "../protocol/model-name.ts";

/** Throws `invalid-request`, naming the field. */
export function checkName(field: string, text: string): string {
  if (isName(text)) return text;
  throw refusal(field, nameRule, text);
}

/** Throws `invalid-request`, naming the field. */
export function checkVersion(field: string, text: string): string {
  if (isVersionName(text)) return text;
  throw refusal(field, versionRule, text);
}

/** What is no name at all, nobody has. Throws `model-not-found`. */
export function knownName(field: "model" | "version", name: string): string {
  if (isName(name)) return name;
  throw new TroupeError("model-not-found", `no ${field} is named '${name}'`);
}

function refusal(field: string, rule: string, text: string): TroupeError {
  return new TroupeError("invalid-request", `${field} must be ${rule}, got '${text}'`);
}
