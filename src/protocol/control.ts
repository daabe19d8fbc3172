import type { ErrorCode } from "./errors.ts";
import type { ModelMetadata } from "./model-metadata.ts";
import type {
  BatchingSettings,
  BreakerSettings,
  GoldenSample,
  ObjectiveSettings,
  QueueSettings,
  Scalar,
  SchwiftFacts,
  SessionSettings,
  StateTensor,
  StreamSettings,
  TritonFacts,
} from "./model-settings.ts";
import type { FeedEvent, Question, Reply } from "./questions.ts";
import type { Trace, TracePlan } from "./traces.ts";
import type {
  EnginePlace,
  HostLoad,
  MetricSnapshot,
  ModelView,
  ProcessFigures,
  ServerView,
} from "./views.ts";

/**
 * Whether the requests that a dead host was running are suspects, or were only unlucky. With `memory` it was the model's
 * own fault, but what fills a host may have come with requests long before these.
 */
export type Blame = "model" | "memory" | "outside";

/** The lowest that is logged; each has those after it. */
export const logLevels = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LogSettings {
  /** The supervisor may change it: who starts later is told what it is then. */
  level: LogLevel;
  /** Lines for a person at a terminal, not JSON. */
  readonly pretty: boolean;
}

export interface DoorSettings {
  readonly serverName: string;
  readonly version: string;
  /** When the server began, milliseconds since 1970. */
  readonly startedAt: number;
  readonly log: LogSettings;
  readonly accessLogSample: number;
  readonly requestTimeoutMs: number;
  readonly maxRequestTimeoutMs: number;
  readonly maxInFlight: number;
  readonly maxInFlightBytes: number;
  readonly maxBodyBytes: number;
  /** The model of requests that may leave it out, and do; null where they may not. */
  readonly defaultModel: string | null;
  /** Open Inference V2 refuses in Triton's words and numbers. */
  readonly compatTriton: boolean;
  readonly wsMaxPayloadBytes: number;
  readonly wsMaxInFlight: number;
  readonly wsPingMs: number;
  readonly wsIdleMs: number;
  readonly wsMaxBufferedBytes: number;
  readonly grpcMaxInFlight: number;
  readonly grpcMaxBufferedBytes: number;
  readonly drainSequencesMs: number;
  readonly allowedOrigins: readonly string[];
  /** Models may be changed: by whoever asks this machine by its own name, by anyone, or by nobody. */
  readonly management: "guarded" | "open" | "off";
  readonly maxUploadBytes: number;
  /** Tells one run of the server from the next, for those who replay its feed. */
  readonly run: string;
}

/** Supervisor to front door. */
export type DoorCommand =
  /** The listening handle of gRPC comes along; before the start, where there is one. */
  | { readonly type: "grpc-port" }
  /** The listening handle comes along. */
  | { readonly type: "start"; readonly settings: DoorSettings }
  | { readonly type: "model"; readonly model: ModelView }
  | { readonly type: "server"; readonly server: ServerView }
  /** Comes before the model's view without that host. */
  | { readonly type: "host-down"; readonly hostId: string; readonly blame: Blame }
  | { readonly type: "report"; readonly reportId: number }
  | { readonly type: "log-level"; readonly level: LogLevel }
  | { readonly type: "trace-plan"; readonly plan: TracePlan }
  | { readonly type: "reply"; readonly queryId: number; readonly reply: Reply }
  /** Comes after its hosts are gone. */
  | { readonly type: "model-gone"; readonly name: string }
  /** In order; a front door that has just begun gets the last ones at once. */
  | { readonly type: "events"; readonly events: readonly FeedEvent[] }
  | { readonly type: "drain" };

/** Of a report that nobody waits for: it is only kept. */
export const unawaitedReport = 0;

/** Front door to supervisor. */
export type DoorEvent =
  | { readonly type: "booted" }
  | { readonly type: "listening"; readonly port: number }
  | { readonly type: "listen-failed"; readonly reason: string }
  | { readonly type: "beat"; readonly isResting: boolean; readonly figures: ProcessFigures }
  | {
      readonly type: "metrics";
      readonly reportId: number;
      readonly metrics: readonly MetricSnapshot[];
    }
  | { readonly type: "query"; readonly queryId: number; readonly question: Question }
  /** Bytes of it that have come, said a few times a second. */
  | { readonly type: "upload-progress"; readonly uploadId: string; readonly bytes: number }
  /** Its client is gone, or it was refused: what came of it is dropped. */
  | {
      readonly type: "upload-dropped";
      readonly uploadId: string;
      readonly code: ErrorCode;
      readonly reason: string;
    }
  /** A few times a second, where requests are traced. */
  | { readonly type: "traces"; readonly traces: readonly Trace[] }
  /** A host that owes answers has said nothing for a second or two, which may be as it should be. */
  | { readonly type: "silent"; readonly hostId: string }
  /** A host that does not keep the protocol. */
  | { readonly type: "violation"; readonly hostId: string; readonly reason: string }
  | { readonly type: "drained" };

/** "For a while": how long inputs that killed hosts are refused. */
export const poisonTtlMs = 3_600_000;

export interface NamedFile {
  readonly name: string;
  /** An absolute path. */
  readonly file: string;
}

/** What a host's trial found out, kept for the host that takes its place. */
export interface TrialResult {
  /** Of the files that were tried: others are tried anew. */
  readonly stamp: string;
  readonly metadata: ModelMetadata;
  readonly onThread: boolean;
}

/** All that a host is told: it has no environment, no folder and no secrets. */
export interface HostSpec {
  readonly hostId: string;
  readonly model: string;
  readonly version: string;
  readonly file: string;
  /** Files beside it, any of which the model may keep its weights in. */
  readonly beside: readonly NamedFile[];
  readonly socketPath: string;
  readonly labels: readonly string[];
  readonly batching: BatchingSettings;
  readonly objective: ObjectiveSettings;
  readonly queue: QueueSettings;
  readonly runMs: number;
  readonly breaker: BreakerSettings;
  readonly session: SessionSettings;
  /** Null leaves it to the trial. */
  readonly state: readonly StateTensor[] | null;
  readonly stream: StreamSettings | null;
  readonly defaults: Readonly<Record<string, Scalar>>;
  /** Bodies of requests that are run before the host is ready; null makes some up. */
  readonly warmup: readonly string[] | null;
  readonly golden: readonly GoldenSample[];
  readonly sequenceIdleMs: number;
  /** How long a host that is drained waits for its sequences. */
  readonly drainSequencesMs: number;
  readonly maxFrameBytes: number;
  readonly log: LogSettings;
  /** Inputs that have killed hosts of this version, by fingerprint. */
  readonly poison: readonly string[];
  /** Why the batch trial is left out: it killed the host before this one. */
  readonly skipTrial: string | null;
  /** Why a host before it found the model too slow for the main thread, which takes a second session to find out. */
  readonly slow: string | null;
  /** What the host before it found out; null leaves all to the trial. */
  readonly known: TrialResult | null;
  /** What a config.pbtxt declares. */
  readonly triton?: TritonFacts;
  /** What SchwiftServe's YAML declares. */
  readonly schwift?: SchwiftFacts;
}

/** Supervisor to host. */
export type HostCommand =
  | { readonly type: "load"; readonly spec: HostSpec }
  /** Asks for a sign of life at once. */
  | { readonly type: "beat" }
  | { readonly type: "poison"; readonly fingerprint: string }
  | { readonly type: "report"; readonly reportId: number }
  | { readonly type: "log-level"; readonly level: LogLevel }
  | { readonly type: "drain" };

export const hostSteps = ["warmup", "golden"] as const;
export type HostStep = (typeof hostSteps)[number];

/** Host to supervisor. */
export type HostEvent =
  | { readonly type: "booted" }
  /** The session exists and the batch trial begins. */
  | { readonly type: "loaded" }
  /** It needs a thread of its own; the reason is as of an EnginePlace. */
  | { readonly type: "slow"; readonly reason: string }
  /** The trial is over, said by who tried, before it has taken any request. */
  | { readonly type: "tried"; readonly result: TrialResult }
  /** Where it runs now, said before it is ready and after each change. */
  | ({ readonly type: "engine" } & EnginePlace)
  /** Warm-up or golden samples begin. */
  | { readonly type: "step"; readonly step: HostStep }
  | { readonly type: "ready"; readonly metadata: ModelMetadata }
  /** ONNX Runtime does not take the model. */
  | { readonly type: "refused"; readonly reason: string }
  /** A line of its log, for those who ask for the last ones; what comes too fast is left out. */
  | { readonly type: "logged"; readonly level: "info" | "warn" | "error"; readonly message: string }
  /** The first request of this host has been answered. */
  | { readonly type: "answered" }
  /** One that rests says with it what it has counted, and beats seldom until it has work. */
  | {
      readonly type: "beat";
      readonly isResting: boolean;
      readonly figures: ProcessFigures;
      readonly load: HostLoad;
    }
  | {
      readonly type: "metrics";
      readonly reportId: number;
      readonly metrics: readonly MetricSnapshot[];
    }
  /** Said, and delivered, before a suspect is run alone. */
  | { readonly type: "suspect"; readonly fingerprint: string }
  /** The suspect was survived. */
  | { readonly type: "cleared"; readonly fingerprint: string }
  /** A run cannot be ended but by killing the host; the fingerprint is there when one request ran alone. */
  | { readonly type: "overrun"; readonly fingerprint: string | null; readonly reason: string }
  | { readonly type: "drained" };
