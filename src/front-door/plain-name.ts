/* The names that changes may give to models, versions and files: they stand in paths. */
import { TroupeError } from "../protocol/errors.ts";
import { isName, nameRule } from "../protocol/model-name.ts";

/** Throws `invalid-request`, naming the field. */
export function checkName(field: string, text: string): string {
  if (isName(text)) return text;
  throw new TroupeError("invalid-request", `${field} must be ${nameRule}, got '${text}'`);
}
