/* A config.pbtxt, as Triton has it beside the folders of a model's versions, as Troupe's own configuration. */
import { TroupeError } from "../protocol/errors.ts";
import type { ModelConfig, TritonFacts } from "../protocol/model-settings.ts";
import { readModelConfig, sizeFault } from "./model-config.ts";
import { parsePbtxt } from "./pbtxt.ts";
import { type LabelFile, nodeOf, readMessage, TritonDraft } from "./triton-draft.ts";
import { tritonKeys } from "./triton-keys.ts";
import type { YamlNode } from "./yaml-tree.ts";

export const tritonName = "config.pbtxt";

export interface TritonConfig {
  readonly config: ModelConfig;
  /** What of the file Troupe does not do, a key each. */
  readonly warnings: readonly string[];
  /** What the file says, as model.yaml would. */
  readonly modelYaml: YamlNode;
  /** Not read yet: `withLabels` and `withoutLabels` say what came of it. */
  readonly labelFile: LabelFile | null;
}

/**
 * `model` is the name of the folder. Throws TroupeError `invalid-model` that names the file (relative to the models
 * folder), the line and the key of a mistake, and of what would be answered otherwise than under Triton.
 */
export function parseTritonConfig(text: string, model: string): TritonConfig {
  const file = `${model}/${tritonName}`;
  const tooLarge = sizeFault(Buffer.byteLength(text), file);
  if (tooLarge !== undefined) throw tooLarge;
  const verdict = parsePbtxt(text);
  if (verdict.type === "malformed") {
    const words = `Cannot read ${file}: ${verdict.reason} (line ${verdict.line})`;
    throw new TroupeError("invalid-model", words);
  }
  return readTritonConfig(verdict.root, { model, file });
}

/**
 * A ModelConfig that is a tree already, in which a repeated key stands as often as it has values. `file` is how messages
 * call it; throws as `parseTritonConfig` does.
 */
export function readTritonConfig(
  root: YamlNode,
  { model, file }: { readonly model: string; readonly file: string },
): TritonConfig {
  const place = { file, path: "" };
  const draft = new TritonDraft();
  readMessage(tritonKeys(model), root, place, draft);
  // Triton feeds back what it is told to, and looks for nothing.
  if (draft.stateInputs.length === 0) draft.put("state", [], 1);
  const { modelYaml, warnings, labelFile } = draft;
  const config = { ...readModelConfig(modelYaml, place), triton: factsOf(draft, file) };
  return { config, warnings, modelYaml, labelFile };
}

/** `text` is that of the file of labels: a line each, and none behind the last line's end. */
export function withLabels(read: TritonConfig, { line }: LabelFile, text: string): TritonConfig {
  const labels = text.replace(/\r?\n$/, "").split(/\r?\n/);
  const entry = { key: "labels", value: nodeOf(labels, line), line };
  const { modelYaml } = read;
  const entries = modelYaml.type === "map" ? [...modelYaml.entries, entry] : [entry];
  return {
    ...read,
    config: { ...read.config, labels },
    modelYaml: { type: "map", entries, line: modelYaml.line },
  };
}

export function withoutLabels(read: TritonConfig, { line }: LabelFile, why: string): TritonConfig {
  const words = `output.label_filename (line ${line}): answers have no labels: ${why}`;
  return { ...read, warnings: [...read.warnings, words] };
}

function factsOf(draft: TritonDraft, file: string): TritonFacts {
  const { inputs, outputs, stateInputs, stateOutputs, maxBatchSize, modelFile } = draft;
  return {
    file,
    batched: maxBatchSize > 0,
    inputs: inputs.length === 0 ? null : [...inputs, ...stateInputs],
    outputs: [...outputs, ...stateOutputs],
    modelFile,
  };
}
