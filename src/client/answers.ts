/* What the server answers, field by field as the README lists them. */

/** A value of an answer, nested as the output's shape is; null is what JSON has no number for. */
export type Nested = number | string | boolean | null | readonly Nested[];

export interface PredictAnswer {
  readonly model: string;
  readonly version: string;
  /** The first output, or the only one. */
  readonly predictions: Nested;
  /** There where the model has several. */
  readonly outputs?: Readonly<
    Record<
      string,
      { readonly datatype: string; readonly shape: readonly number[]; readonly data: Nested }
    >
  >;
  readonly labels?: readonly { readonly label: string; readonly score: number }[];
  readonly warnings?: readonly string[];
  readonly request_id: string;
}

export interface TensorView {
  readonly name: string;
  readonly datatype: string;
  /** -1 is any size. */
  readonly shape: readonly number[];
}

export interface BatchingView {
  readonly type: "batched" | "one-by-one" | "unbatched";
  readonly max_batch_size?: number;
  readonly reason?: string;
}

interface ServedView {
  readonly state: string;
  readonly reason: string | null;
  readonly is_loaded: boolean;
  readonly kind: "stateless" | "sequence" | "signal" | null;
  readonly inputs: readonly TensorView[] | null;
  readonly outputs: readonly TensorView[] | null;
  readonly batching: BatchingView | null;
  readonly memory: { readonly rss_bytes: number | null; readonly limit_bytes: number | null };
  readonly digest: string | null;
  /** From the models folder. */
  readonly path: string | null;
  readonly size_bytes: number | null;
  readonly created_at: string | null;
}

export interface VersionView extends ServedView {
  readonly version: string;
  readonly replicas: number;
}

export interface ModelView extends ServedView {
  readonly id: string;
  readonly name: string;
  /** What answers those who name no version; after a change of one version, that one. */
  readonly version: string | null;
  readonly type: string;
  readonly description: string;
  /** What stands for inputs that a request may leave out. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>;
  readonly change: string | null;
  readonly rollout: string | null;
  readonly default: string | null;
  readonly versions: readonly VersionView[];
  readonly replicas: { readonly wanted: number; readonly ready: number };
}

export interface UploadedView extends VersionView {
  readonly id: string;
  readonly name: string;
}

/** Open Inference V2 metadata. */
export interface ModelMetadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly TensorView[];
  readonly outputs: readonly TensorView[];
  readonly parameters?: {
    readonly version?: string;
    readonly description?: string;
    readonly labels?: readonly string[];
    readonly batching?: BatchingView;
    /** There where the model remembers from one frame to the next. */
    readonly sequence?: { readonly stream: { readonly input: string } | null };
  };
}

export interface HealthView {
  readonly status: "ok" | "degraded";
  readonly reasons: readonly string[];
  /** Why models are not changed there; null where they are. */
  readonly changes_refused: string | null;
  readonly version: string;
  readonly uptime_seconds: number;
  readonly timestamp: string;
  readonly models: readonly {
    readonly name: string;
    readonly problem: string | null;
    readonly versions: readonly {
      readonly version: string;
      readonly state: string;
      readonly reason: string | null;
      readonly hosts: number;
    }[];
  }[];
}

export interface ProcessView {
  readonly pid: number | null;
  readonly state: string;
  readonly restarts?: number;
  readonly last_exit?: { readonly reason: string; readonly at: string } | null;
  readonly rss_bytes: number | null;
  readonly cpu_seconds: number | null;
}

export interface HostProcessView extends ProcessView {
  /** From 0; an older server says neither this nor the stage. */
  readonly replica?: number;
  /** `new`, `serving`, `standby` or `leaving`: requests go to those that serve. */
  readonly stage?: string;
  /** Null where its model has none; an older server does not say. */
  readonly objective?: { readonly p99_ms: number; readonly reason: string } | null;
}

export interface TreeView {
  readonly version: string;
  readonly supervisor: ProcessView;
  readonly front_doors: readonly ProcessView[];
  readonly models: readonly {
    readonly name: string;
    readonly problem: string | null;
    readonly versions: readonly {
      readonly version: string;
      readonly hosts: readonly HostProcessView[];
    }[];
  }[];
}
