import { inside, type Read, refuse } from "./config-field.ts";

/** What JSON and YAML both can say; never an infinity, a NaN or nothing. */
export type PlainValue =
  | number
  | string
  | boolean
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** Throws TroupeError `invalid-model` at the place of what JSON could not hold. */
export const readPlain: Read<PlainValue> = (node, place) => {
  switch (node.type) {
    case "list":
      return node.items.map((item, at) =>
        readPlain(item, { ...place, path: `${place.path}[${at}]` }),
      );
    case "map":
      return Object.fromEntries(
        node.entries.map(({ key, value }) => [key, readPlain(value, inside(place, key))]),
      );
    case "scalar":
      if (isPlainScalar(node.value)) return node.value;
      throw refuse(node, place, "a number, a text, true or false, a list or a map");
  }
};

function isPlainScalar(value: unknown): value is number | string | boolean {
  return typeof value === "number"
    ? Number.isFinite(value)
    : typeof value === "string" || typeof value === "boolean";
}
