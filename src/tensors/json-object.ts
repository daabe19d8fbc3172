import { NumberList } from "./number-list.ts";
import { invalidRequest, wordFor } from "./wording.ts";

export type JsonObject = Readonly<Record<string, unknown>>;

export function isJsonObject(value: unknown): value is JsonObject {
  if (typeof value !== "object" || value === null) return false;
  return !(Array.isArray(value) || value instanceof NumberList);
}

/** `what` names the value in the error. */
export function expectObject(what: string, value: unknown): JsonObject {
  if (isJsonObject(value)) return value;
  throw invalidRequest(`Cannot read ${what}: expected an object, got ${wordFor(value)}`);
}

/** The own property, so that neither `__proto__` nor `constructor` reads what no client sent. */
export function property(object: JsonObject, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}
