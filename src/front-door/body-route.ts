/* Routes on which the body names the models: it is read before any of them is asked for room. */
import type { Millis } from "../platform/clock.ts";
import type { Failure, TroupeError } from "../protocol/errors.ts";
import type { HttpCodec } from "./predict-path.ts";

/** One prediction of those that a body asks for. */
export interface BodyPart {
  readonly model: string;
  readonly version: string | undefined;
  /** What goes to the host. */
  readonly body: Buffer;
}

export interface BodyRequest {
  /** What is wrong with one part is no matter to the others. */
  readonly parts: readonly (BodyPart | TroupeError)[];
  /** The caller's own, where the body has one. */
  readonly requestId?: string;
}

export type PartOutcome =
  | {
      readonly type: "done";
      readonly model: string;
      readonly version: string;
      /** As the host has written it. */
      readonly body: Buffer;
    }
  | { readonly type: "failed"; readonly failure: Failure };

export interface AnswerFacts {
  readonly requestId: string;
  readonly latencyMs: Millis;
  /** ISO 8601. */
  readonly timestamp: string;
}

export interface BodyRoute {
  readonly endpoint: string;
  readonly codec: HttpCodec;
  /** Whether the failure of a part stands in the answer, and is not the answer. */
  readonly isBatch: boolean;
  /** Throws `invalid-request`. Looks at names alone: tensors are the host's to read. */
  read(body: Buffer, defaultModel: string | null): BodyRequest;
  /** Around what the hosts have written; of a route without batches, around the one answer. */
  write(outcomes: readonly PartOutcome[], facts: AnswerFacts): Buffer;
}

/** To the microsecond. */
export function millisecondsText(ms: Millis): string {
  return String(Math.round(ms * 1_000) / 1_000);
}

/** Of a route without batches, where a failure is the answer and is not written here. */
export function doneBody(outcome: PartOutcome | undefined): Buffer {
  if (outcome?.type === "done") return outcome.body;
  throw new Error("nothing was done");
}
