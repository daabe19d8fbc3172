import { TroupeError } from "../protocol/errors.ts";
import { snakeCase } from "./key-name.ts";
import { suggest } from "./nearest.ts";
import { quote } from "./quote.ts";
import { describeYaml, type YamlEntry, type YamlNode } from "./yaml-tree.ts";

/** Where in which file a value stands, for messages. */
export interface Place {
  readonly file: string;
  /** From the root, as `batching.max_batch_size`; empty at the root. */
  readonly path: string;
}

/** Turns a value into its type or throws TroupeError `invalid-model` naming place, expected and got. */
export type Read<T> = (node: YamlNode, place: Place) => T;

/** One value of a model's configuration. */
export interface Field<T> {
  readonly read: Read<T>;
  /** What stands for a key that is missing or empty. */
  readonly fallback: T;
}

/** How each key of T is read; the file spells the keys in snake_case. */
export type Fields<T> = { readonly [K in keyof T]: Field<T[K]> };

export function refuse(node: YamlNode, place: Place, expected: string): TroupeError {
  const subject = place.path === "" ? "it" : place.path;
  return fault(place, node.line, `${subject} must be ${expected}, got ${describeYaml(node)}`);
}

export function fault(place: Place, line: number, words: string): TroupeError {
  return new TroupeError("invalid-model", `Cannot read ${place.file}: ${words} (line ${line})`);
}

export function integer(fallback: number, min: number, max: number): Field<number> {
  const read: Read<number> = (node, place) => {
    const value = node.type === "scalar" ? node.value : null;
    if (typeof value === "number" && Number.isInteger(value) && value >= min && value <= max) {
      return value;
    }
    throw refuse(node, place, `an integer from ${min} to ${max}`);
  };
  return { read, fallback };
}

export function boolean(fallback: boolean): Field<boolean> {
  const read: Read<boolean> = (node, place) => {
    if (node.type === "scalar" && typeof node.value === "boolean") return node.value;
    throw refuse(node, place, "true or false");
  };
  return { read, fallback };
}

/** Numbers and booleans are taken as they are written. */
export const readText: Read<string> = (node, place) => {
  if (node.type === "scalar" && node.value !== null) return node.text;
  throw refuse(node, place, "a text");
};

export function readChoice<T extends string>(choices: readonly T[]): Read<T> {
  return (node, place) => {
    const text = node.type === "scalar" ? node.text : undefined;
    const choice = choices.find((candidate) => candidate === text);
    if (choice !== undefined) return choice;
    throw refuse(node, place, `one of ${choices.join(", ")}`);
  };
}

export function readList<T>(readItem: Read<T>): Read<readonly T[]> {
  return (node, place) => {
    if (node.type !== "list") throw refuse(node, place, "a list");
    return node.items.map((item, index) =>
      readItem(item, { ...place, path: `${place.path}[${index}]` }),
    );
  };
}

/** As `readList`, and refuses what stands there twice, or nothing at all. */
export function readSet<T extends string>(readItem: Read<T>): Read<readonly T[]> {
  return (node, place) => {
    const items = readList(readItem)(node, place);
    if (items.length === 0) throw fault(place, node.line, `${place.path} must not be empty`);
    const twice = items.find((item, index) => items.indexOf(item) !== index);
    if (twice === undefined) return items;
    throw fault(place, node.line, `${place.path} names ${quote(twice)} twice`);
  };
}

/** A map with known keys, each of which may be left out. */
export function section<T>(fields: Fields<T>): Field<T> {
  const keys = keysOf(fields);
  const fallback = build<T>(keys, (key) => fields[key].fallback);
  const read: Read<T> = (node, place) => {
    const entries = readEntries(node, place, keys.map(snakeCase));
    return build<T>(keys, (key) => {
      const name = snakeCase(key);
      const value = entries.get(name);
      const { read: readValue, fallback: absent } = fields[key];
      return isGiven(value) ? readValue(value, inside(place, name)) : absent;
    });
  };
  return { read, fallback };
}

/** `key:` with nothing behind it is the same as no key: what was below it may be commented out. */
export function isGiven(node: YamlNode | undefined): node is YamlNode {
  return node !== undefined && !(node.type === "scalar" && node.value === null);
}

export function readEntries(
  node: YamlNode,
  place: Place,
  known: readonly string[],
): ReadonlyMap<string, YamlNode> {
  if (node.type !== "map") throw refuse(node, place, "a map");
  const stranger = node.entries.find(({ key }) => !known.includes(key));
  if (stranger !== undefined) throw unknownKey(stranger, place, known);
  return new Map(node.entries.map(({ key, value }) => [key, value]));
}

function unknownKey(entry: YamlEntry, place: Place, known: readonly string[]): TroupeError {
  const where = place.path === "" ? "" : ` in ${place.path}`;
  const words = `unknown key ${quote(entry.key)}${where}${suggest(entry.key, known)}`;
  return fault(place, entry.line, words);
}

type Entries = ReadonlyMap<string, YamlNode>;

/** The value of a key that must not be left out of the map `at`. */
export function need<T>(
  entries: Entries,
  key: string,
  read: Read<T>,
  at: YamlNode,
  place: Place,
): T {
  const value = entries.get(key);
  if (!isGiven(value)) throw fault(place, at.line, `${place.path} has no ${key}`);
  return read(value, inside(place, key));
}

export function inside(place: Place, key: string): Place {
  return { ...place, path: place.path === "" ? key : `${place.path}.${key}` };
}

type Key<T> = Extract<keyof T, string>;

function keysOf<T>(fields: Fields<T>): Key<T>[] {
  return Object.keys(fields) as Key<T>[];
}

/** Complete, because `Fields` has each key of T. */
function build<T>(keys: readonly Key<T>[], valueAt: (key: Key<T>) => T[Key<T>]): T {
  return Object.fromEntries(keys.map((key) => [key, valueAt(key)])) as T;
}
