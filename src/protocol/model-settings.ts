import type { Datatype } from "./model-metadata.ts";

export interface BatchingSettings {
  /** Rows in one run of the model at most; a larger request runs in slices. */
  readonly maxBatchSize: number;
  /** How long an idle engine waits for company; 0 runs at once what is there. With an objective, the most that it may. */
  readonly maxQueueDelayMs: number;
}

/** What may wait in a host at once; past either the host is full. */
export interface QueueSettings {
  readonly maxRows: number;
  readonly maxBytes: number;
  /** Sequences that a host keeps at once. */
  readonly maxSequences: number;
  /** What all of them may remember, in one host. */
  readonly maxStateBytes: number;
}

export interface TimeoutSettings {
  /** The deadline of a request that names none; null leaves it to the server's. */
  readonly requestMs: number | null;
  /** A run that takes longer ends its host. */
  readonly runMs: number;
  readonly loadMs: number;
  /** A sequence without frames for this long is dropped. */
  readonly sequenceIdleMs: number;
}

export interface BreakerSettings {
  /** The breaker opens when at least this share of the batches in the window failed. */
  readonly errorThresholdPercent: number;
  /** Batches in the window below which the breaker stays closed. */
  readonly minRequests: number;
  readonly windowMs: number;
  /** How long an open breaker waits before it admits a probe. */
  readonly resetMs: number;
}

/** More than `intensity` crashes within the period, and the instance is given up. */
export interface RestartSettings {
  readonly intensity: number;
  readonly periodMs: number;
  readonly minBackoffMs: number;
  readonly maxBackoffMs: number;
}

export const executionProviders = ["cpu", "cuda", "tensorrt", "coreml", "dml", "webgpu"] as const;
export type ExecutionProvider = (typeof executionProviders)[number];

export const graphOptimizations = ["disabled", "basic", "extended", "all"] as const;
export type GraphOptimization = (typeof graphOptimizations)[number];

export interface SessionSettings {
  readonly threads: number;
  /** In order of preference, at least one. */
  readonly executionProviders: readonly ExecutionProvider[];
  readonly graphOptimization: GraphOptimization;
}

/** Which of the versions found in a model's folder are loaded. */
export type WantedVersions =
  | { readonly type: "latest"; readonly count: number }
  | { readonly type: "all" }
  | { readonly type: "listed"; readonly names: readonly string[] };

/** Numbers as lists in lists, or one. */
export type Nested = number | readonly Nested[];

/** An output that is fed back into an input with the next frame of a sequence. */
export interface StateTensor {
  readonly input: string;
  readonly output: string;
  /** What one row begins with. */
  readonly initial: "zeros" | Nested;
}

export const streamPads = ["zeros", "none"] as const;

/** How a signal is cut into what the model takes; the words are those of StreamSpec. */
export interface StreamSettings {
  readonly input: string;
  readonly window: number;
  readonly hop: number;
  readonly pad: (typeof streamPads)[number];
}

export type Scalar = number | boolean | string;

/** A request whose answer is known. */
export interface GoldenSample {
  /** The body of a request in Troupe's own JSON. */
  readonly request: string;
  /** JSON of the expected outputs by name, nested as the answer has them. */
  readonly outputs: string;
  /** How far a number may be off: absolutely, and as a share of the expected one. */
  readonly tolerance: number;
}

export interface LimitSettings {
  /** Resident memory of one host in MiB, past which it is replaced; null for no limit. */
  readonly memoryMb: number | null;
}

export interface ObjectiveSettings {
  /** What the 99th percentile of the times from a request's arrival in the host to its answer should not pass; null for none. */
  readonly p99Ms: number | null;
}

/** A tensor as a config.pbtxt declares it. */
export interface TritonTensor {
  readonly name: string;
  readonly datatype: Datatype;
  /** Without the batch's axis; -1 stands for any size. */
  readonly dims: readonly number[];
  readonly line: number;
}

/** What only a config.pbtxt can say. */
export interface TritonFacts {
  /** Relative to the models folder, as `iris/config.pbtxt`. */
  readonly file: string;
  /** Every tensor has a leading batch axis; where it is false, requests never share a run. */
  readonly batched: boolean;
  /** Null leaves them to the model. */
  readonly inputs: readonly TritonTensor[] | null;
  /** Those that are to be there; others may. */
  readonly outputs: readonly TritonTensor[];
  /** The name of each version's file; null for the usual one. */
  readonly modelFile: string | null;
}

/** The only input or output, as a file of SchwiftServe's declares it. */
export interface SchwiftTensor {
  /** Null leaves it to the model. */
  readonly datatype: Datatype | null;
  /** With or without the batch's axis; -1 stands for any size; null leaves it to the model. */
  readonly shape: readonly number[] | null;
  readonly line: number;
}

/** What only SchwiftServe's YAML can say. */
export interface SchwiftFacts {
  /** Relative to the models folder, as `iris.yaml`. */
  readonly file: string;
  readonly input: SchwiftTensor | null;
  readonly output: SchwiftTensor | null;
}

/** What `model.yaml` says, complete. */
export interface ModelConfig {
  readonly description: string;
  readonly batching: BatchingSettings;
  readonly objective: ObjectiveSettings;
  readonly queue: QueueSettings;
  readonly timeouts: TimeoutSettings;
  readonly breaker: BreakerSettings;
  readonly restart: RestartSettings;
  readonly session: SessionSettings;
  /** Hosts wanted for each version. */
  readonly replicas: number;
  readonly versions: WantedVersions;
  /** The server is not ready while a required model is not. */
  readonly required: boolean;
  /** Names of the classes, in the order of the model's scores; empty where there are none. */
  readonly labels: readonly string[];
  /** Null leaves it to the trial; an empty list says that there is none. */
  readonly state: readonly StateTensor[] | null;
  readonly stream: StreamSettings | null;
  /** What stands for an input of rank 0 that a request leaves out, by name. */
  readonly defaults: Readonly<Record<string, Scalar>>;
  /** The version that requests get which name none; null for the newest. */
  readonly defaultVersion: string | null;
  /** Bodies of requests that are run before a host is ready; null makes some up. */
  readonly warmup: readonly string[] | null;
  readonly golden: readonly GoldenSample[];
  readonly limits: LimitSettings;
  /** How long a new host is watched after traffic has moved to it; a crash rolls it back. */
  readonly bakeMs: number;
  /** Only there where the configuration is a config.pbtxt. */
  readonly triton?: TritonFacts;
  /** Only there where the configuration is a YAML file of SchwiftServe's. */
  readonly schwift?: SchwiftFacts;
}
