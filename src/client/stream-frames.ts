/* The frames of a WebSocket on which models answer, as callers write and read them. */
import type { PredictAnswer } from "./answers.ts";
import type { TroupeClientError } from "./client-error.ts";
import { type Features, plainFeatures } from "./features.ts";
import { type Samples, writeSamples } from "./samples.ts";

export interface StreamRequest {
  /** One row or several. */
  readonly features?: Features;
  readonly inputs?: Readonly<Record<string, Features>>;
  /** A piece of a signal, of any length. */
  readonly samples?: Samples;
  readonly timeoutMs?: number;
  readonly priority?: "normal" | "low";
  /** Answers a request of many rows slice by slice. */
  readonly stream?: boolean;
}

export type StreamAnswer =
  /** Rows of an answer that goes on: of a signal, one window. */
  | (Partial<PredictAnswer> & {
      readonly type: "chunk";
      readonly id: number;
      readonly first_row?: number;
      readonly position?: number;
    })
  /** The answer, or its end where chunks came before. */
  | (Partial<PredictAnswer> & {
      readonly type: "done";
      readonly id: number;
      readonly rows?: number;
    })
  | { readonly type: "failed"; readonly id: number | null; readonly error: TroupeClientError }
  /** A sequence is over; nobody asks for it but `end`. */
  | { readonly type: "ended"; readonly reason: string; readonly code?: string };

export function writeRequest(id: number, request: StreamRequest): string {
  const { features, inputs, samples, timeoutMs, ...others } = request;
  return JSON.stringify({
    type: "infer",
    id,
    ...(features === undefined ? {} : { features: plainFeatures(features) }),
    ...(inputs === undefined ? {} : { inputs: plainInputs(inputs) }),
    ...(samples === undefined ? {} : writeSamples(samples)),
    ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }),
    ...others,
  });
}

export function plainInputs(inputs: Readonly<Record<string, Features>>): object {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, value]) => [name, plainFeatures(value)]),
  );
}
