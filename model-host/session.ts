/*
 * ONNX Runtime's one home: it owns the session, and turns Troupe's tensors into ONNX Runtime's and back.
 * It runs inside the engine's thread, because a run blocks the thread that asks for it.
 */
import ort from "onnxruntime-node";
import type { NamedFile } from "../src/protocol/control.ts";
import type { Datatype } from "../src/protocol/model-metadata.ts";
import type { SessionSettings } from "../src/protocol/model-settings.ts";
import type { Tensor, TensorData } from "../src/tensors/tensor.ts";
import type { LoadedModel, NamedTensor, RunResult, ValueInfo } from "./engine.ts";
import { giveBack, readModelFiles } from "./model-file.ts";

type OrtType = ort.Tensor.Type;

const datatypeOf: Partial<Record<OrtType, Datatype>> = {
  bool: "BOOL",
  uint8: "UINT8",
  uint16: "UINT16",
  uint32: "UINT32",
  uint64: "UINT64",
  int8: "INT8",
  int16: "INT16",
  int32: "INT32",
  int64: "INT64",
  float16: "FP16",
  float32: "FP32",
  float64: "FP64",
  string: "BYTES",
};

const ortTypeOf = new Map(
  Object.entries(datatypeOf).map(([ortType, datatype]) => [datatype, ortType as OrtType]),
);

/** Its errors are thrown as well, and reach the log by that road. */
const fatalOnly = 4;

/** Bytes without a path are taken to lie in the working directory, files of which a model could then read. */
const nowhere = "/nonexistent";

type FilesRead = Pick<LoadedModel, "externalFiles" | "stamp">;

export class Session {
  readonly #session: ort.InferenceSession;
  readonly #read: FilesRead;

  private constructor(session: ort.InferenceSession, read: FilesRead) {
    this.#session = session;
    this.#read = read;
  }

  /** The bytes are handed over, not the paths, so that the model can reach no other file. */
  static async load(
    file: string,
    settings: SessionSettings,
    beside: readonly NamedFile[],
  ): Promise<Session> {
    const { model, externalData, stamp } = await readModelFiles(file, beside);
    const session = await ort.InferenceSession.create(model, {
      externalData,
      executionProviders: [...settings.executionProviders],
      graphOptimizationLevel: settings.graphOptimization,
      intraOpNumThreads: settings.threads,
      interOpNumThreads: 1,
      executionMode: "sequential",
      logSeverityLevel: fatalOnly,
      extra: {
        session: {
          model_external_initializers_file_folder_path: nowhere,
          intra_op: { allow_spinning: "0" },
          inter_op: { allow_spinning: "0" },
        },
      },
    });
    const externalFiles = externalData.map(({ path }) => path);
    // The session has its own copies; otherwise ours would count as the model's memory until the next collection.
    for (const bytes of [model, ...externalData.map(({ data }) => data)]) giveBack(bytes);
    return new Session(session, { externalFiles, stamp });
  }

  get model(): LoadedModel {
    return {
      inputs: this.#session.inputMetadata.map(valueInfo),
      outputs: this.#session.outputMetadata.map(valueInfo),
      ...this.#read,
    };
  }

  /** At once, where the collector would leave its memory until it looks. */
  async close(): Promise<void> {
    await this.#session.release();
  }

  async run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult> {
    const feeds: Record<string, ort.Tensor> = {};
    for (const input of inputs) feeds[input.name] = toOrt(input);
    let began = performance.now();
    // ONNX Runtime begins by an immediate of its own: what else this turn of the event loop does is not its time.
    setImmediate(() => {
      began = performance.now();
    });
    const results = await this.#session.run(feeds, fetches);
    const runMs = performance.now() - began;
    return { outputs: fetches.map((name) => fromOrt(results[name])), runMs };
  }
}

function valueInfo(value: ort.InferenceSession.ValueMetadata): ValueInfo {
  if (!value.isTensor) {
    return { name: value.name, datatype: null, dims: [], kind: "a sequence or map" };
  }
  const datatype = datatypeOf[value.type] ?? null;
  return { name: value.name, datatype, dims: value.shape, kind: `a tensor of ${value.type}` };
}

function toOrt(tensor: Tensor): ort.Tensor {
  const type = ortTypeOf.get(tensor.datatype);
  if (type === undefined) throw new Error(`${tensor.datatype} cannot be fed to ONNX Runtime`);
  return new ort.Tensor(type, tensor.data as never, tensor.shape);
}

function fromOrt(value: ort.OnnxValue | undefined): Tensor {
  const datatype = value && datatypeOf[value.type as OrtType];
  if (value === undefined || datatype === undefined) throw new Error("an output is no tensor");
  return { datatype, shape: value.dims, data: bitsOf(datatype, value.data as TensorData) };
}

/** Newer Node versions give FP16 as a Float16Array, which nothing but a view turns into bits. */
function bitsOf(datatype: Datatype, data: TensorData): TensorData {
  if (datatype !== "FP16" || Array.isArray(data) || data instanceof Uint16Array) return data;
  const { buffer, byteOffset, length } = data as unknown as Uint16Array;
  return new Uint16Array(buffer, byteOffset, length);
}

/** ONNX Runtime's own words, without the paths of its sources, its colours and its timestamps. */
export function ortWords(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  return text
    .replace(/\/[\w.+-]+(?:\/[\w.+-]+)+(?::\d+)?/g, "…")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 500);
}
