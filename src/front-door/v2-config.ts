/* Triton's ModelConfig, of a model that has no config.pbtxt: what the trial found and model.yaml says, in its words. */
import type { Datatype, ModelMetadata, TensorSpec } from "../protocol/model-metadata.ts";
import type { Target } from "./directory.ts";
import { knownMetadata, plainTensors } from "./model-json.ts";
import type { AskSupervisor } from "./queries.ts";

type Json = Readonly<Record<string, unknown>>;

/** What is wanted of the answer to `config`: model.yaml, complete. */
export interface WrittenConfig {
  readonly batching: { readonly max_queue_delay_ms: number };
  readonly timeouts: { readonly sequence_idle_ms: number };
  readonly session: {
    readonly threads: number;
    readonly execution_providers: readonly string[];
    readonly graph_optimization: string;
  };
  readonly replicas: number;
  readonly versions: "all" | { readonly latest: number } | readonly string[];
}

/** Throws as `knownMetadata` does. */
export async function askModelConfig(ask: AskSupervisor, target: Target): Promise<Json> {
  const answer = JSON.parse(await ask({ type: "config", model: target.model.name }));
  return modelConfigJson(target, (answer as { readonly config: WrittenConfig }).config);
}

/** Throws as `knownMetadata` does. */
export function modelConfigJson({ model, version }: Target, written: WrittenConfig): Json {
  const metadata = knownMetadata(model, version);
  const { inputs, outputs } = plainTensors(metadata);
  return {
    name: model.name,
    platform: "onnxruntime_onnx",
    backend: "onnxruntime",
    version_policy: versionPolicy(written.versions),
    max_batch_size: maxBatchSize(metadata),
    input: inputs.map((tensor) => tensorJson(tensor, metadata)),
    output: outputs.map((tensor) => tensorJson(tensor, metadata)),
    ...schedulerJson(metadata, written, model.maxSequences),
    instance_group: [instanceGroup(model.name, written)],
    default_model_filename: "model.onnx",
    parameters: parametersJson(written),
  };
}

/** 0 where the shapes are whole, and there is no batch to leave out. */
function maxBatchSize({ batching }: ModelMetadata): number {
  return batching.type === "batched" ? batching.maxBatchSize : 0;
}

function tensorJson({ name, datatype, shape, batchAxis }: TensorSpec, of: ModelMetadata): Json {
  const isBatched = maxBatchSize(of) > 0 && batchAxis !== null;
  const dims = isBatched ? shape.filter((_, axis) => axis !== batchAxis) : shape;
  return { name, data_type: dataType(datatype), dims };
}

/** The configuration's names are those of the protocol with one exception. */
function dataType(datatype: Datatype): string {
  return datatype === "BYTES" ? "TYPE_STRING" : `TYPE_${datatype}`;
}

function versionPolicy(versions: WrittenConfig["versions"]): Json {
  if (versions === "all") return { all: {} };
  if ("latest" in versions) return { latest: { num_versions: versions.latest } };
  return { specific: { versions: versions.map(numbered) } };
}

/** Triton's versions are numbers; Troupe's may be any name. */
function numbered(version: string): number | string {
  const number = Number(version);
  return String(number) === version && Number.isSafeInteger(number) ? number : version;
}

/** Frames of sequences are batched with those of others: the oldest strategy, which has a dynamic batcher inside. */
function schedulerJson(metadata: ModelMetadata, written: WrittenConfig, most: number): Json {
  const { state, stream } = metadata;
  const max_queue_delay_microseconds = Math.round(written.batching.max_queue_delay_ms * 1_000);
  if (state.length === 0 && stream === null) {
    return maxBatchSize(metadata) === 0
      ? {}
      : { dynamic_batching: { max_queue_delay_microseconds } };
  }
  return {
    sequence_batching: {
      max_sequence_idle_microseconds: Math.round(written.timeouts.sequence_idle_ms * 1_000),
      oldest: { max_candidate_sequences: most, max_queue_delay_microseconds },
      state: state.map(({ input, output }) => statePair(metadata, input, output)),
    },
  };
}

function statePair(metadata: ModelMetadata, input: number, output: number): Json {
  const tensor = metadata.inputs[input] as TensorSpec;
  const { data_type, dims } = tensorJson(tensor, metadata);
  return { input_name: tensor.name, output_name: metadata.outputs[output]?.name, data_type, dims };
}

const gpuProviders: readonly string[] = ["cuda", "tensorrt"];

function instanceGroup(name: string, { session, replicas }: WrittenConfig): Json {
  const isGpu = gpuProviders.includes(session.execution_providers[0] ?? "");
  return { name, kind: isGpu ? "KIND_GPU" : "KIND_CPU", count: replicas };
}

/** Triton's parameters are texts; the first is the one that its ONNX Runtime backend knows by this name. */
function parametersJson({ session }: WrittenConfig): Json {
  const text = (value: unknown) => ({ string_value: String(value) });
  return {
    intra_op_thread_count: text(session.threads),
    execution_providers: text(session.execution_providers.join(",")),
    graph_optimization: text(session.graph_optimization),
  };
}
