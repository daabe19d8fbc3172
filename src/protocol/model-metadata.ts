/** The Open Inference Protocol's names; BF16 is Triton's addition. */
export const datatypes = [
  "BOOL",
  "UINT8",
  "UINT16",
  "UINT32",
  "UINT64",
  "INT8",
  "INT16",
  "INT32",
  "INT64",
  "FP16",
  "BF16",
  "FP32",
  "FP64",
  "BYTES",
] as const;

export type Datatype = (typeof datatypes)[number];

export interface TensorSpec {
  readonly name: string;
  readonly datatype: Datatype;
  /** -1 stands for any size. */
  readonly shape: readonly number[];
  /** Where the rows of several requests are put side by side; null where the tensor has no such axis. */
  readonly batchAxis: number | null;
}

/** What the trial at load found. */
export type Batching =
  | { readonly type: "batched"; readonly maxBatchSize: number }
  /** The model's batch is fixed at one: a request of several rows runs one row at a time. */
  | { readonly type: "one-by-one"; readonly reason: string }
  /** A request is run as it came, alone. */
  | { readonly type: "unbatched"; readonly reason: string };

export interface NotServable {
  readonly name: string;
  readonly reason: string;
}

/** An output that is fed back into an input with the next frame of a sequence. */
export interface StateSpec {
  /** Indexes into the model's inputs and outputs. */
  readonly input: number;
  readonly output: number;
  /** The trial found it: the model's configuration does not name it. */
  readonly found: boolean;
}

/** How a signal is cut into what the model takes. */
export interface StreamSpec {
  /** Index into the model's inputs. */
  readonly input: number;
  /** Samples in one run; the last `hop` of them are new, the others those before. */
  readonly window: number;
  readonly hop: number;
  /** What stands before the first sample: zeros, or nothing, so that the first window is all new. */
  readonly pad: "zeros" | "none";
}

export interface ModelMetadata {
  readonly inputs: readonly TensorSpec[];
  readonly outputs: readonly TensorSpec[];
  readonly batching: Batching;
  /** Outputs that are no tensors, as scikit-learn's map of probabilities. */
  readonly notServable: readonly NotServable[];
  /** Empty where each run stands for itself. */
  readonly state: readonly StateSpec[];
  /** Null where clients cut their signals themselves. */
  readonly stream: StreamSpec | null;
  /** Names of the files beside the model's that it keeps its weights in. */
  readonly externalFiles: readonly string[];
}

/** Whether something of one frame is needed for the next. */
export function hasMemory({ state, stream }: Pick<ModelMetadata, "state" | "stream">): boolean {
  return state.length > 0 || stream !== null;
}
