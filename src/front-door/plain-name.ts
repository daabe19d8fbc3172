/* The names that changes may give to models, versions and files: they stand in paths. */
import { TroupeError } from "../protocol/errors.ts";

const plainName = /^(?!\.)[A-Za-z0-9._-]{1,64}$/;
const nameRule = "1 to 64 letters, digits, dots, dashes or underscores, no dot first";

export function isPlainName(text: string): boolean {
  return plainName.test(text);
}

/** Throws `invalid-request`, naming the field. */
export function checkName(field: string, text: string): string {
  if (isPlainName(text)) return text;
  throw new TroupeError("invalid-request", `${field} must be ${nameRule}, got '${text}'`);
}
