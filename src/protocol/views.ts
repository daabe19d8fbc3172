import type { ModelMetadata } from "./model-metadata.ts";
import type { Scalar } from "./model-settings.ts";

/** One ready process of a model version, and where it listens. */
export interface HostView {
  readonly hostId: string;
  readonly socketPath: string;
}

export type VersionState =
  /** Its first start is under way. */
  | "loading"
  | "ready"
  /** It was ready, its hosts are gone, and one is being started. */
  | "recovering"
  /** It is not wanted any more, and finishes what it has. */
  | "draining"
  /** It is there, but nobody wants it loaded. */
  | "unloaded"
  /** It cannot be served; the reason says why. */
  | "unavailable";

export interface VersionView {
  readonly version: string;
  readonly state: VersionState;
  readonly reason: string | null;
  /** On the machine's monotonic clock: when a recovering version should be back. */
  readonly backAt: number | null;
  readonly metadata: ModelMetadata | null;
  readonly hosts: readonly HostView[];
}

/** What the front doors know of a model. */
export interface ModelView {
  readonly name: string;
  readonly description: string;
  readonly labels: readonly string[];
  readonly required: boolean;
  /** Values of inputs that requests may leave out, by name. */
  readonly defaults: Readonly<Record<string, Scalar>>;
  /** Milliseconds; null where the server's default holds. */
  readonly requestMs: number | null;
  /** How much one front door lets stand at one host. */
  readonly maxOutstandingRequests: number;
  readonly maxOutstandingBytes: number;
  /** How many sequences one host keeps. */
  readonly maxSequences: number;
  /** The version for requests that name none, while it can serve; null for the newest. */
  readonly defaultVersion: string | null;
  /** Oldest first. */
  readonly versions: readonly VersionView[];
  /** Why the model as a whole cannot be served, where its folder says so. */
  readonly problem: string | null;
  /** What is amiss with its folder while it goes on serving; completes "model iris ...". */
  readonly drift: string | null;
}

/** What the supervisor says of the whole. */
export interface ServerView {
  readonly draining: boolean;
  /** Every model that should serve has been ready, or given up, once. */
  readonly started: boolean;
  /** Why models are not changed here, whoever asks; null where they are. */
  readonly changesRefused: string | null;
}

export interface ProcessFigures {
  readonly rssBytes: number;
  /** Since the process began. */
  readonly cpuSeconds: number;
  /** The longest stall since the last report, milliseconds. */
  readonly eventLoopDelayMs: number;
}

/** A host's main thread, which sockets and deadlines share, or a thread of the engine's own. */
export const engineThreads = ["main", "own"] as const;
export type EngineThread = (typeof engineThreads)[number];

export interface EnginePlace {
  readonly thread: EngineThread;
  /** Completes "it runs there because ...". */
  readonly reason: string;
}

export interface HostLoad {
  readonly queueRows: number;
  readonly inFlight: number;
  readonly breaker: "closed" | "half-open" | "open";
  readonly sequences: number;
  /** Null where the model has no objective. */
  readonly objective: ObjectiveView | null;
}

/** What a host has chosen for its objective, and why. */
export interface ObjectiveView {
  readonly p99Ms: number;
  /** The most rows that a batch may hold now. */
  readonly maxRows: number;
  /** How long an idle engine waits for company. */
  readonly delayMs: number;
  /** The objective is given up for now: it cannot be kept whatever is chosen. */
  readonly throughputFirst: boolean;
  /** A run takes `fixedMs`, and `rowMs` for each row; null while neither can be told. */
  readonly fixedMs: number | null;
  readonly rowMs: number | null;
  /** Of the last answers; null while there were too few, and when the last request was long ago. */
  readonly observedP99Ms: number | null;
  /** In words. */
  readonly reason: string;
}

/** A metric as prom-client's registries write and merge it. */
export interface MetricSnapshot {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly aggregator: string;
  readonly values: readonly MetricValue[];
}

export interface MetricValue {
  readonly value: number;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly metricName?: string;
}
