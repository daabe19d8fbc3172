import {
  type Document,
  isCollection,
  isMap,
  isNode,
  isScalar,
  type Node,
  Pair,
  Scalar,
  YAMLMap,
} from "yaml";
import { TroupeError } from "../protocol/errors.ts";
import type { ModelConfig } from "../protocol/model-settings.ts";
import { maxConfigBytes } from "../protocol/questions.ts";
import { repeatedKey } from "./json-keys.ts";
import { judgeJsonSize } from "./json-size.ts";
import { parseModelConfig } from "./model-config.ts";
import { quote } from "./quote.ts";
import { keyText, openYaml } from "./yaml-document.ts";
import { readableNode, writeYaml, yamlText } from "./yaml-text.ts";

interface PatchedConfig {
  readonly text: string;
  readonly config: ModelConfig;
}

type JsonObject = Readonly<Record<string, unknown>>;

/**
 * A model.yaml after a JSON merge patch (RFC 7386); comments and order of what is not touched stay. Throws TroupeError
 * `invalid-request` for a patch that is none, and for one that leaves no valid configuration. `file` is as for
 * `parseModelConfig`.
 */
export function patchModelConfig(text: string, patch: string, file: string): PatchedConfig {
  const changes = parsePatch(patch);
  const document = open(text);
  if (isMap(document.contents)) mergeInto(document.contents, changes, document);
  else if (isNothing(document.contents)) begin(document, changes);
  else throw refusal("its model.yaml must be a map");
  // What a patch has emptied is judged first: `{}` is no way to remove a number.
  const config = validConfig(yamlText(document), file);
  if (isMap(document.contents)) prune(document.contents, changes);
  return { text: yamlText(document), config };
}

function open(text: string): Document.Parsed {
  const opened = openYaml(text);
  if (opened.type === "opened") return opened.document;
  throw refusal(`its model.yaml is not valid YAML: ${opened.reason} (line ${opened.line})`);
}

function validConfig(text: string, file: string): ModelConfig {
  const bytes = Buffer.byteLength(text);
  if (bytes > maxConfigBytes) {
    throw refusal(`its model.yaml must have at most ${maxConfigBytes} bytes, got ${bytes}`);
  }
  try {
    return parseModelConfig(text, file);
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    throw refusal(withoutPlace(thrown.message, file), thrown);
  }
}

/** Who sends a patch sees neither the file nor its lines. */
function withoutPlace(message: string, file: string): string {
  const prefix = `Cannot read ${file}: `;
  const words = message.startsWith(prefix) ? message.slice(prefix.length) : message;
  return words.replace(/ \(line \d+\)$/, "");
}

/** The text of a model.yaml that came as YAML or as JSON; what is neither is left to `parseModelConfig`. */
export function configText(source: string): string {
  if (!source.trimStart().startsWith("{")) return source;
  const value = parseJson(source);
  const isWhole = isObject(value) && repeatedKey(source) === undefined;
  return isWhole && judgeJsonSize(value) === undefined ? writeYaml(value) : source;
}

function refusal(words: string, cause?: unknown): TroupeError {
  return new TroupeError("invalid-request", `Cannot change model: ${words}`, { cause });
}

function parsePatch(patch: string): JsonObject {
  const value = parseJson(patch);
  if (value === undefined) throw refusal("the patch is not valid JSON");
  const twice = repeatedKey(patch);
  if (twice !== undefined) throw refusal(`the patch names the key ${quote(twice)} twice`);
  if (!isObject(value)) {
    throw refusal(`the patch must be a JSON object, got ${describeJson(value)}`);
  }
  const tooMuch = judgeJsonSize(value);
  if (tooMuch !== undefined) throw refusal(`the patch is ${tooMuch}`);
  return value;
}

/** Undefined where it is none. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describeJson(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "a list" : `a ${typeof value}`;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isNothing(contents: unknown): boolean {
  return contents === null || (isScalar(contents) && contents.value === null);
}

/** The comments of a text that says nothing else stay above what now comes. */
function begin(document: Document, changes: JsonObject): void {
  const root = new YAMLMap();
  mergeInto(root, changes, document);
  document.contents = root;
  document.commentBefore ??= document.comment;
  document.comment = null;
}

function mergeInto(map: YAMLMap, changes: JsonObject, document: Document): void {
  // What is filled for the first time is easier to read a key a line.
  if (map.items.length === 0) map.flow = false;
  const pairs = new Map(map.items.map((pair) => [keyOf(pair), pair]));
  for (const [key, value] of Object.entries(changes)) {
    const pair = pairs.get(key);
    if (value === null) remove(map, pair);
    else if (isObject(value)) mergeSection(map, { key, pair, changes: value }, document);
    else put(map, { key, pair, value: readableNode(document, value) });
  }
}

interface Section {
  readonly key: string;
  readonly pair: Pair | undefined;
  readonly changes: JsonObject;
}

/** Nothing that is not a map survives a map. */
function mergeSection(map: YAMLMap, { key, pair, changes }: Section, document: Document): void {
  const present = pair?.value;
  const section = isMap(present) ? present : new YAMLMap();
  mergeInto(section, changes, document);
  const isNothingNew = pair === undefined && section.items.length === 0 && hasOnlyNulls(changes);
  if (section !== present && !isNothingNew) put(map, { key, pair, value: section });
}

/** It removes what is not there. */
function hasOnlyNulls(changes: JsonObject): boolean {
  const values = Object.values(changes);
  return values.length > 0 && values.every((value) => value === null);
}

/** A map without keys is not worth its line; others than those that were changed are left alone. */
function prune(map: YAMLMap, changes: JsonObject): void {
  for (const [key, value] of Object.entries(changes)) {
    const pair = map.items.find((one) => keyOf(one) === key);
    if (pair === undefined || !isObject(value) || !isMap(pair.value)) continue;
    prune(pair.value, value);
    if (pair.value.items.length === 0) remove(map, pair);
  }
}

interface Entry {
  readonly key: string;
  readonly pair: Pair | undefined;
  readonly value: Node;
}

function put(map: YAMLMap, { key, pair, value }: Entry): void {
  if (pair === undefined) map.items.push(new Pair(new Scalar(key), value));
  else {
    keepComments(pair.value, value);
    pair.value = value;
  }
}

/** What stood behind or above the old value was said of the key. */
function keepComments(from: unknown, to: Node): void {
  if (!isNode(from)) return;
  to.commentBefore = from.commentBefore ?? null;
  if (isCollection(from) === isCollection(to)) to.comment = from.comment ?? null;
}

function remove(map: YAMLMap, pair: Pair | undefined): void {
  if (pair !== undefined) map.items.splice(map.items.indexOf(pair), 1);
}

function keyOf({ key }: Pair): string | undefined {
  return isScalar(key) ? keyText(key) : undefined;
}
