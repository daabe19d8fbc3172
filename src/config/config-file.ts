/* Which file of a model's folder is its configuration, and what that says. Nothing else in the folder is read. */
import { lstat, readFile } from "node:fs/promises";
import { join } from "node:path";
import { TroupeError } from "../protocol/errors.ts";
import type { ModelConfig } from "../protocol/model-settings.ts";
import { defaultModelConfig, parseModelConfig, sizeFault } from "./model-config.ts";
import { type Entry, notRegular } from "./model-layout.ts";
import {
  parseTritonConfig,
  type TritonConfig,
  tritonName,
  withLabels,
  withoutLabels,
} from "./triton-config.ts";
import type { YamlNode } from "./yaml-tree.ts";

const configName = "model.yaml";

/** Of a model for which there is more to say than its configuration. */
export interface ConfigNotes {
  /** What somebody who wrote the files should know, a sentence each. */
  readonly warnings: readonly string[];
  /** Another server's file, and what it says as model.yaml would; undefined where the configuration is Troupe's own. */
  readonly foreign?: ForeignConfig;
}

export interface ForeignConfig {
  /** Its name. */
  readonly file: string;
  /** It lies in the models folder itself, and the model has no folder that could be changed. */
  readonly isLoose: boolean;
  readonly modelYaml: YamlNode;
}

export interface FoundConfig {
  readonly config: ModelConfig | TroupeError;
  readonly notes?: ConfigNotes;
}

/** `model` is the name of a folder in the models folder, with these entries. */
export async function readConfig(
  folder: string,
  model: string,
  entries: readonly Entry[],
): Promise<FoundConfig> {
  const own = entries.find(({ name }) => name === configName);
  const triton = entries.find(({ name }) => name === tritonName);
  try {
    if (own !== undefined) {
      const config = parseModelConfig(await readText(folder, model, own), `${model}/${configName}`);
      const words = `${tritonName} is not read, as there is a ${configName}`;
      return triton === undefined ? { config } : { config, notes: { warnings: [words] } };
    }
    if (triton === undefined) return { config: defaultModelConfig };
    const text = await readText(folder, model, triton);
    const read = parseTritonConfig(text, model);
    const { config, warnings, modelYaml } = await readLabels(folder, model, { read, entries });
    return {
      config,
      notes: { warnings, foreign: { file: tritonName, isLoose: false, modelYaml } },
    };
  } catch (thrown) {
    if (thrown instanceof TroupeError) return { config: thrown };
    throw thrown;
  }
}

/** A file of labels that is not there keeps nobody from being answered. */
async function readLabels(
  folder: string,
  model: string,
  { read, entries }: { readonly read: TritonConfig; readonly entries: readonly Entry[] },
): Promise<TritonConfig> {
  const { labelFile } = read;
  if (labelFile === null) return read;
  const entry = entries.find(({ name }) => name === labelFile.name);
  if (entry === undefined)
    return withoutLabels(read, labelFile, `no file ${labelFile.name} beside it`);
  try {
    return withLabels(read, labelFile, await readText(folder, model, entry));
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    return withoutLabels(read, labelFile, thrown.message);
  }
}

/**
 * Throws TroupeError `conflict` where a config.pbtxt is all the configuration there is: a model.yaml beside it would
 * hold instead, with defaults for all that it does not say. `text` is the model.yaml's, empty where there is none.
 */
export function refuseTriton(model: string, text: string, names: readonly string[]): void {
  if (text !== "" || names.includes(configName) || !names.includes(tritonName)) return;
  const words = `Cannot change model '${model}': its configuration is ${tritonName}; change that file, or write a ${configName}, which then holds instead`;
  throw new TroupeError("conflict", words);
}

/** Throws TroupeError `invalid-model` for what is no file, or too large a one. */
async function readText(folder: string, model: string, entry: Entry): Promise<string> {
  const file = `${model}/${entry.name}`;
  if (entry.kind !== "file") {
    throw new TroupeError("invalid-model", `Cannot read ${file}: ${notRegular(entry)}`);
  }
  try {
    const path = join(folder, model, entry.name);
    // Before it is read.
    const tooLarge = sizeFault((await lstat(path)).size, file);
    if (tooLarge !== undefined) throw tooLarge;
    return await readFile(path, "utf8");
  } catch (thrown) {
    if (thrown instanceof TroupeError) throw thrown;
    throw new TroupeError("invalid-model", `Cannot read ${file}: it ${whyUnreadable(thrown)}`);
  }
}

export function whyUnreadable(thrown: unknown): string {
  const code = codeOf(thrown);
  if (code === "ENOENT") return "does not exist";
  return code === "ENOTDIR" ? "is not a folder" : `cannot be read (${code})`;
}

export function codeOf(thrown: unknown): unknown {
  return thrown instanceof Error && "code" in thrown ? thrown.code : "unknown";
}
