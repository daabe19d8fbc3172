import { TroupeError } from "../protocol/errors.ts";
import { hasMemory, type ModelMetadata, type TensorSpec } from "../protocol/model-metadata.ts";
import type { ModelView, VersionView } from "../protocol/views.ts";

type Json = Readonly<Record<string, unknown>>;

/** Throws `model-unavailable` while the version has not been loaded, because only then is known what it takes. */
export function knownMetadata(model: ModelView, version: VersionView): ModelMetadata {
  if (version.metadata !== null) return version.metadata;
  const words = `model '${model.name}' version '${version.version}' ${stateWords(version)}`;
  throw new TroupeError("model-unavailable", words);
}

/** Open Inference V2 metadata, with Troupe's own findings under `parameters`. Throws as `knownMetadata` does. */
export function metadataJson(model: ModelView, version: VersionView): Json {
  const metadata = knownMetadata(model, version);
  const { inputs, outputs } = plainTensors(metadata);
  return {
    name: model.name,
    versions: readyVersions(model),
    platform: "onnxruntime_onnx",
    inputs: inputs.map(tensorJson),
    outputs: outputs.map(tensorJson),
    parameters: parametersJson(model, version, metadata),
  };
}

/** What clients send and get: states are not among it. */
export function plainTensors(metadata: ModelMetadata): Pick<ModelMetadata, "inputs" | "outputs"> {
  return {
    inputs: metadata.inputs.filter((_, at) => !isState(metadata, "input", at)),
    outputs: metadata.outputs.filter((_, at) => !isState(metadata, "output", at)),
  };
}

export function readyVersions(model: ModelView): readonly string[] {
  return model.versions.filter(({ state }) => state === "ready").map(({ version }) => version);
}

export function stateWords({ state, reason }: VersionView): string {
  return reason === null ? `is ${state}` : `is ${state}: ${reason}`;
}

function tensorJson({ name, datatype, shape }: TensorSpec): Json {
  return { name, datatype, shape };
}

function parametersJson(model: ModelView, version: VersionView, metadata: ModelMetadata): Json {
  return {
    version: version.version,
    state: version.state,
    ...(version.reason === null ? {} : { reason: version.reason }),
    ...(model.description === "" ? {} : { description: model.description }),
    ...(model.labels.length === 0 ? {} : { labels: model.labels }),
    batching: batchingJson(metadata),
    ...(Object.keys(model.defaults).length === 0 ? {} : { defaults: model.defaults }),
    ...memoryJson(metadata),
    ...(metadata.notServable.length === 0 ? {} : { not_servable: metadata.notServable }),
  };
}

function batchingJson({ batching, inputs, outputs }: ModelMetadata): Json {
  if (batching.type !== "batched") return { type: batching.type, reason: batching.reason };
  const axes = Object.fromEntries(
    [...inputs, ...outputs].map(({ name, batchAxis }) => [name, batchAxis]),
  );
  return { type: "batched", max_batch_size: batching.maxBatchSize, axes };
}

/** Where nothing but states comes out, these are the answer. */
function isState(metadata: ModelMetadata, side: "input" | "output", at: number): boolean {
  const { state, outputs } = metadata;
  if (side === "output" && state.length === outputs.length) return false;
  return state.some((pair) => pair[side] === at);
}

/** What a model remembers within a sequence: these tensors clients need not send, and do not get. */
function memoryJson(metadata: ModelMetadata): Json {
  if (!hasMemory(metadata)) return {};
  const { state, stream, inputs, outputs } = metadata;
  const states = state.map(({ input, output, found }) => ({
    input: inputs[input] && tensorJson(inputs[input]),
    output: outputs[output]?.name,
    found,
  }));
  const cut = stream && { ...stream, input: inputs[stream.input]?.name };
  return { sequence: { state: states, stream: cut } };
}

/** One line of a list of models. */
export function modelJson(model: ModelView): Json {
  return {
    name: model.name,
    problem: model.problem,
    versions: model.versions.map(({ version, state, reason, hosts }) => ({
      version,
      state,
      reason,
      hosts: hosts.length,
    })),
  };
}
