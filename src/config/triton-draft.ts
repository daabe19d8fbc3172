/* How a config.pbtxt is read by tables of its keys, and what comes of it: a model.yaml, and warnings. */
import type { Datatype } from "../protocol/model-metadata.ts";
import type { TritonTensor } from "../protocol/model-settings.ts";
import { fault, inside, type Place, type Read, refuse } from "./config-field.ts";
import { suggest } from "./nearest.ts";
import type { PlainValue } from "./plain-value.ts";
import { quote } from "./quote.ts";
import type { YamlEntry, YamlNode } from "./yaml-tree.ts";

/** A key with all of its values, at least one: in text format a repeated key is written again. */
export interface PbtxtField {
  readonly values: readonly [YamlNode, ...YamlNode[]];
  readonly place: Place;
  readonly line: number;
}

/** Throws TroupeError `invalid-model` that names file, line and key. */
export type Rule = (field: PbtxtField, draft: TritonDraft) => void;

/** Keys are read in the table's order, not in the file's. */
export type Rules = Readonly<Record<string, Rule>>;

/** Beside the configuration: the labels of an output's classes, one a line. */
export interface LabelFile {
  readonly name: string;
  readonly line: number;
}

/** Filled while a config.pbtxt is read. */
export class TritonDraft {
  readonly #entries: YamlEntry[] = [];
  readonly #warnings = new Map<string, string>();
  readonly inputs: TritonTensor[] = [];
  readonly outputs: TritonTensor[] = [];
  /** Inputs and outputs of the implicit state, which are listed nowhere else. */
  readonly stateInputs: TritonTensor[] = [];
  readonly stateOutputs: TritonTensor[] = [];
  /** What a map is called in the file's format. */
  readonly messageWords: string = "a message in { }";
  maxBatchSize = 0;
  modelFile: string | null = null;
  labelFile: LabelFile | null = null;
  /** What has waited too long is run all the same, later. */
  delaysTimedOut = false;

  /** `key` is one of model.yaml, at most two deep, as `batching.max_batch_size`. */
  put(key: string, value: PlainValue, line: number): void {
    const [first = "", second] = key.split(".");
    const node = nodeOf(value, line);
    if (second === undefined) {
      this.#entries.push({ key: first, value: node, line });
      return;
    }
    const entry = { key: second, value: node, line };
    const at = this.#entries.findIndex(({ key: name }) => name === first);
    const present = this.#entries[at]?.value;
    const others =
      present?.type === "map" ? present.entries.filter((one) => one.key !== second) : [];
    const section = { key: first, line, value: mapOf([...others, entry], line) };
    if (at < 0) this.#entries.push(section);
    else this.#entries[at] = section;
  }

  /** One for each key, however often it stands there. */
  warn({ path }: Place, line: number, words: string): void {
    if (!this.#warnings.has(path)) this.#warnings.set(path, `${path} (line ${line}): ${words}`);
  }

  get modelYaml(): YamlNode {
    return mapOf(this.#entries, 1);
  }

  get warnings(): readonly string[] {
    return [...this.#warnings.values()];
  }
}

function mapOf(entries: readonly YamlEntry[], line: number): YamlNode {
  return { type: "map", entries, line };
}

export function nodeOf(value: PlainValue, line: number): YamlNode {
  if (Array.isArray(value)) {
    return { type: "list", items: value.map((item) => nodeOf(item, line)), line };
  }
  if (typeof value !== "object") return { type: "scalar", value, text: String(value), line };
  const entries = Object.entries(value).map(([key, item]) => ({
    key,
    value: nodeOf(item, line),
    line,
  }));
  return mapOf(entries, line);
}

/** Reads a message; an unknown key is a mistake. */
export function readMessage(rules: Rules, node: YamlNode, place: Place, draft: TritonDraft): void {
  const fields = fieldsOf(node, place, { known: Object.keys(rules), words: draft.messageWords });
  for (const [key, rule] of Object.entries(rules)) {
    const field = fields.get(key);
    if (field !== undefined) rule(field, draft);
  }
}

function fieldsOf(
  node: YamlNode,
  place: Place,
  { known, words }: { readonly known: readonly string[]; readonly words: string },
): ReadonlyMap<string, PbtxtField> {
  if (node.type !== "map") throw refuse(node, place, words);
  const fields = new Map<string, PbtxtField & { readonly values: YamlNode[] }>();
  const isKnown = new Set(known);
  for (const { key, value, line } of node.entries) {
    if (!isKnown.has(key)) throw unknownKey(key, line, place, known);
    const present = fields.get(key);
    if (present === undefined)
      fields.set(key, { values: [value], place: inside(place, key), line });
    else present.values.push(value);
  }
  refuseRivals(fields, place);
  return fields;
}

/** Of each of these a message has one at most: protobuf's `oneof`. No two messages have a key of the same name in one. */
const rivals: readonly (readonly string[])[] = [
  ["dynamic_batching", "sequence_batching", "ensemble_scheduling"],
  ["latest", "all", "specific"],
  ["direct", "oldest"],
  ["zero_data", "random_data", "input_data_file"],
  ["zero_data", "data_file"],
];

function refuseRivals(fields: ReadonlyMap<string, PbtxtField>, place: Place): void {
  for (const keys of rivals) {
    const [first, second] = keys.filter((key) => fields.has(key));
    if (first === undefined || second === undefined) continue;
    const { line, place: at } = fields.get(second) as PbtxtField;
    throw fault(place, line, `${at.path} stands beside ${first}, and only one of them may`);
  }
}

function unknownKey(key: string, line: number, place: Place, known: readonly string[]): Error {
  const where = place.path === "" ? "" : ` in ${place.path}`;
  const words = `unknown key ${quote(key)}${where}${suggest(key, known)}`;
  return fault(place, line, words);
}

/** Changes nothing, and nobody needs to hear of it. */
export const harmless: Rule = () => undefined;

/** `words` say what Troupe does instead. */
export function warned(words: string): Rule {
  return ({ place, line }, draft) => draft.warn(place, line, words);
}

/** As `warned`, where the value is not this one. */
export function warnedUnless(usual: string, words: string): Rule {
  return ({ values, place, line }, draft) => {
    if (values.some((value) => plainText(value) !== usual)) draft.warn(place, line, words);
  };
}

/** The model would answer otherwise than under Triton. */
export function refused(words: string): Rule {
  return ({ place, line }) => {
    throw fault(place, line, `${place.path} ${words}`);
  };
}

export function refusedUnless(usual: string, words: string): Rule {
  return (field, draft) => {
    if (field.values.some((value) => plainText(value) !== usual)) refused(words)(field, draft);
  };
}

/** However it is spelled: `False` is `false`, and `0x0` is `0`. */
function plainText(node: YamlNode): string | undefined {
  return node.type === "scalar" ? String(node.value) : undefined;
}

function textOf(node: YamlNode): string | undefined {
  return node.type === "scalar" ? node.text : undefined;
}

export function message(rules: Rules): Rule {
  return (field, draft) => readMessage(rules, single(field), field.place, draft);
}

export function messages(rules: Rules): Rule {
  return ({ values, place }, draft) => {
    for (const value of values) readMessage(rules, value, place, draft);
  };
}

export function value<T>(
  read: Read<T>,
  take: (value: T, field: PbtxtField, draft: TritonDraft) => void,
): Rule {
  return (field, draft) => take(read(single(field), field.place), field, draft);
}

function single({ values, place }: PbtxtField): YamlNode {
  const [first, second] = values;
  if (second === undefined) return first;
  throw fault(place, second.line, `${place.path} stands there twice`);
}

const tritonTypes: Readonly<Record<string, Datatype>> = {
  TYPE_BOOL: "BOOL",
  TYPE_UINT8: "UINT8",
  TYPE_UINT16: "UINT16",
  TYPE_UINT32: "UINT32",
  TYPE_UINT64: "UINT64",
  TYPE_INT8: "INT8",
  TYPE_INT16: "INT16",
  TYPE_INT32: "INT32",
  TYPE_INT64: "INT64",
  TYPE_FP16: "FP16",
  TYPE_BF16: "BF16",
  TYPE_FP32: "FP32",
  TYPE_FP64: "FP64",
  TYPE_STRING: "BYTES",
};

export const readDatatype: Read<Datatype> = (node, place) => {
  const datatype = tritonTypes[textOf(node) ?? ""];
  if (datatype !== undefined) return datatype;
  throw refuse(node, place, `one of ${Object.keys(tritonTypes).join(", ")}`);
};
