/* What the document says of one operation, in the words that the table of them uses. */
import type { ErrorCode } from "../protocol/errors.ts";
import type { AnswerName } from "./openapi-answers.ts";

export type RequestForm =
  | "predict"
  | "v2"
  | "nexus"
  | "platform"
  | "platform_batch"
  | "patch"
  | "fields"
  | "upload";

/** In the order in which readers are shown them, after those of the models. */
export const tags = [
  { name: "predictions", description: "Of any model" },
  { name: "models", description: "What is there, and how to change it" },
  { name: "health", description: "Who may have traffic" },
  { name: "operations", description: "What the server does" },
  { name: "sockets", description: "Paths that want a WebSocket" },
  { name: "neighbours", description: "Paths of other servers, whose clients work here" },
  { name: "not here", description: "Paths of Open Inference V2 that answer 501" },
] as const;

type Tag = (typeof tags)[number]["name"];

export interface Operation {
  readonly tag: Tag;
  readonly summary: string;
  /** Parameters that the query must have. */
  readonly needed?: readonly string[];
  /** Those that it may have. */
  readonly query?: readonly string[];
  readonly body?: RequestForm;
  /** Where there is no name, Fastify has the schema of the answer. */
  readonly answer?: AnswerName | "empty" | "metrics" | "page" | "document";
  /** That of success: 200 where it is left out, null where there is none. */
  readonly status?: 101 | 201 | null;
  /** Whether Triton's answers have no body, whatever they say. */
  readonly isSilentInTriton?: true;
  /** Beyond those that any route has. */
  readonly failures: readonly ErrorCode[];
}

export const none: readonly ErrorCode[] = [];
/** Of a question to the supervisor. */
export const asked: readonly ErrorCode[] = ["model-unavailable"];
export const absent: readonly ErrorCode[] = ["model-not-found", "model-unavailable"];
export const small: readonly ErrorCode[] = ["payload-too-large", "unsupported-media-type"];
export const change: readonly ErrorCode[] = [
  ...absent,
  "forbidden",
  "conflict",
  "invalid-model",
  "storage-full",
  "draining",
];
export const predicting: readonly ErrorCode[] = [
  ...absent,
  ...small,
  "forbidden",
  "poison-request",
  "inference-failed",
  "not-implemented",
  "overloaded",
  "host-crashed",
  "sequence-lost",
  "draining",
  "deadline-exceeded",
];

export function twice<Url extends string>(model: Url, rest: string, operation: Operation) {
  const versioned = { ...operation, summary: `${operation.summary}, of one version` };
  return {
    [`${model}${rest}`]: operation,
    [`${model}/versions/{version}${rest}`]: versioned,
  };
}
