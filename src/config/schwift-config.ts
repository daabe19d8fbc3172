/* A YAML file of SchwiftServe's, which lies in the models folder itself, as Troupe's own configuration. */
import { TroupeError } from "../protocol/errors.ts";
import type { ModelConfig } from "../protocol/model-settings.ts";
import { readModelConfig, sizeFault } from "./model-config.ts";
import { SchwiftDraft, schwiftKeys } from "./schwift-keys.ts";
import { readMessage } from "./triton-draft.ts";
import { parseYaml, type YamlNode } from "./yaml-tree.ts";

export interface SchwiftConfig {
  /** The model's; the file may be called otherwise. */
  readonly name: string;
  readonly version: string;
  /** As it is written: from the models folder, or from the folder that holds that. */
  readonly modelFile: string;
  readonly config: ModelConfig;
  /** What of the file Troupe does not do, a key each. */
  readonly warnings: readonly string[];
  /** What the file says, as model.yaml would. */
  readonly modelYaml: YamlNode;
}

export function isSchwiftName(name: string): boolean {
  return /^[^.].*\.ya?ml$/i.test(name);
}

/** So stands the key in files that people write. Of what cannot be read as a whole only these are SchwiftServe's. */
const written = /^["']?model["']?[ \t]*:/m;

/**
 * Undefined where the file is another one: it has no key `model` at its top. `bytes` is the file's size, of which the text
 * may be the beginning. Throws TroupeError `invalid-model` that names the file, the line and the key of a mistake, and of
 * what would be answered otherwise than under SchwiftServe.
 */
export function parseSchwiftConfig(
  text: string,
  file: string,
  bytes = Buffer.byteLength(text),
): SchwiftConfig | undefined {
  const root = rootOf(text.replace(/^\ufeff/, ""), file, bytes);
  if (root === undefined) return undefined;
  const place = { file, path: "" };
  const draft = new SchwiftDraft();
  readMessage({ model: (field) => draft.read(field, schwiftKeys) }, root, place, draft);
  const { modelYaml, warnings, input, output } = draft;
  const schwift = { file, input, output };
  return {
    ...draft.identity(place),
    config: { ...readModelConfig(modelYaml, place), schwift },
    warnings,
    modelYaml,
  };
}

function rootOf(text: string, file: string, bytes: number): YamlNode | undefined {
  if (!text.includes("model")) return undefined;
  const tooLarge = sizeFault(bytes, file);
  const isTheirs = written.test(text);
  if (tooLarge !== undefined && isTheirs) throw tooLarge;
  if (tooLarge !== undefined) return undefined;
  const verdict = parseYaml(text);
  if (verdict.type === "parsed") return hasModel(verdict.root) ? verdict.root : undefined;
  if (!isTheirs) return undefined;
  const words = `Cannot read ${file}: not valid YAML: ${verdict.reason} (line ${verdict.line})`;
  throw new TroupeError("invalid-model", words);
}

function hasModel(root: YamlNode): boolean {
  return root.type === "map" && root.entries.some(({ key }) => key === "model");
}

/** What the name of a model is as far as can be told from a file that is not as it should be. */
export function schwiftNameIn(text: string, file: string): string {
  const named = /^\s+name\s*:\s*["']?([A-Za-z0-9][\w.-]*)["']?\s*$/m.exec(text);
  return named?.[1] ?? file.replace(/\.ya?ml$/i, "");
}
