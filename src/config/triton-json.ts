/* Triton's ModelConfig as clients send it with a load, in JSON: read as config.pbtxt is, and kept as a model.yaml. */
import { TroupeError } from "../protocol/errors.ts";
import type { ModelConfig } from "../protocol/model-settings.ts";
import { judgeJsonSize } from "./json-size.ts";
import { parseModelConfig, sizeFault } from "./model-config.ts";
import { usualName } from "./model-layout.ts";
import { readPlain } from "./plain-value.ts";
import { readTritonConfig, withoutLabels } from "./triton-config.ts";
import { writeYaml } from "./yaml-text.ts";
import { parseYaml, type YamlEntry, type YamlNode } from "./yaml-tree.ts";

export interface WrittenConfig {
  /** Of the model.yaml. */
  readonly text: string;
  readonly config: ModelConfig;
  /** The same with what is declared of the model, which no model.yaml says. */
  readonly declared: ModelConfig;
  /** What of it is not honoured, and what holds instead. */
  readonly warnings: readonly string[];
}

const file = "config";
/** Protobuf's maps are objects in JSON, and entries with `key` and `value` in its text format. */
const maps: readonly string[] = ["parameters", "inputs"];
/** Protobuf's JSON has 64-bit integers as texts. */
const longs = /^(?:dims|versions|.*_microseconds)$/;

/** Throws TroupeError `invalid-request` for what is no JSON object, and `invalid-model` as `parseTritonConfig` does. */
export function parseTritonJson(text: string, model: string): WrittenConfig {
  const tooLarge = sizeFault(Buffer.byteLength(text), file);
  if (tooLarge !== undefined) throw tooLarge;
  const root = repeated(parseObject(text));
  const read = readTritonConfig(root, { model, file });
  const { labelFile } = read;
  const words = "a load brings none; labels of a PATCH are sent";
  const {
    config: declared,
    modelYaml,
    warnings,
  } = labelFile === null ? read : withoutLabels(read, labelFile, words);
  const modelFile = declared.triton?.modelFile ?? usualName;
  if (modelFile !== usualName) {
    const words = `default_model_filename must be '${usualName}', as which a model is stored, got '${modelFile}'`;
    throw new TroupeError("invalid-model", `Cannot read ${file}: ${words}`);
  }
  const written = writeYaml(readPlain(modelYaml, { file, path: "" }));
  return { text: written, config: parseModelConfig(written, file), declared, warnings };
}

/** JSON is YAML too, of which a tree remembers its lines. */
function parseObject(text: string): YamlNode {
  const value = parseJson(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw refusal("it must be the text of a JSON object");
  }
  const tooMuch = judgeJsonSize(value);
  if (tooMuch !== undefined) throw refusal(`it is ${tooMuch}`);
  const verdict = parseYaml(text);
  if (verdict.type === "parsed") return verdict.root;
  throw refusal(`${verdict.reason} (line ${verdict.line})`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function refusal(words: string): TroupeError {
  return new TroupeError("invalid-request", `Cannot read ${file}: ${words}`);
}

function repeated(node: YamlNode): YamlNode {
  if (node.type !== "map") return node;
  return { ...node, entries: node.entries.flatMap(repeatedEntries) };
}

/** What is null is not there. */
function repeatedEntries({ key, value, line }: YamlEntry): readonly YamlEntry[] {
  return valuesOf(key, value)
    .filter((one) => one.type !== "scalar" || one.value !== null)
    .map((one) => ({ key, value: repeated(longs.test(key) ? numbered(one) : one), line }));
}

function valuesOf(key: string, value: YamlNode): readonly YamlNode[] {
  if (value.type === "list") return value.items;
  if (value.type === "map" && maps.includes(key)) return value.entries.map(mapEntry);
  return [value];
}

function mapEntry({ key, value, line }: YamlEntry): YamlNode {
  const name: YamlNode = { type: "scalar", value: key, text: key, line };
  const entries = [
    { key: "key", value: name, line },
    { key: "value", value, line },
  ];
  return { type: "map", entries, line };
}

function numbered(node: YamlNode): YamlNode {
  const isLong = node.type === "scalar" && /^-?\d{1,19}$/.test(node.text);
  return isLong ? { ...node, value: Number(node.text) } : node;
}
