/* A model.yaml to start from, for a model that has none. */
import { defaultModelConfig } from "../config/model-config.ts";
import { writeYaml } from "../config/yaml-text.ts";
import type { ModelMetadata } from "../protocol/model-metadata.ts";

const mebibyte = 1_048_576;
/** Beyond what the process has with the model before its first run. */
const memoryFactor = 2;
const memoryStep = 64;
/** More outputs than this are hardly classes. */
const mostLabels = 1_000;

/** What the model says itself is left out, and what only its owner can know is a comment. */
export function modelYamlFor(metadata: ModelMetadata, rssBytes: number): string {
  const classes = classesOf(metadata);
  const labels =
    classes === undefined
      ? []
      : [`# labels: [first, second]  # names of the ${classes} scores, in their order\n`];
  return [
    writeYaml({ description: "What it is for" }),
    ...labels,
    ...batchingLines(metadata),
    ...stateLines(metadata),
    `limits: { memory_mb: ${memoryFor(rssBytes)} }  # past it a host is replaced\n`,
    "# golden:  # requests whose answers are known: a version that answers otherwise never serves\n",
  ].join("");
}

/** The last size of the only output, where that is fixed. */
function classesOf({ outputs }: ModelMetadata): number | undefined {
  const [only, ...others] = outputs;
  const size = only?.shape.at(-1) ?? 0;
  const isOne = others.length === 0 && (only?.shape.length ?? 0) > 1;
  return isOne && size > 1 && size <= mostLabels ? size : undefined;
}

function batchingLines({ batching }: ModelMetadata): readonly string[] {
  if (batching.type !== "batched") return [];
  const { maxBatchSize } = defaultModelConfig.batching;
  return [`batching: { max_batch_size: ${maxBatchSize}, max_queue_delay_ms: 0 }  # the defaults\n`];
}

function stateLines({ state, inputs, outputs }: ModelMetadata): readonly string[] {
  if (state.length === 0) return [];
  const pairs = state.map(({ input, output }) => ({
    input: inputs[input]?.name,
    output: outputs[output]?.name,
  }));
  return [writeYaml({ state: pairs })];
}

function memoryFor(rssBytes: number): number {
  return Math.ceil((rssBytes * memoryFactor) / mebibyte / memoryStep) * memoryStep;
}
