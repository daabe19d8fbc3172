/* The frames of a WebSocket on which models answer, as callers write and read them. */
import type { PredictAnswer } from "./answers.ts";
import { readEmptyTensors, readTensorFrame, writeTensorFrame } from "./binary-frames.ts";
import { parseObject, TroupeClientError } from "./client-error.ts";
import { type Features, textOfFeatures, textOfInputs } from "./features.ts";
import type { Message } from "./platform.ts";
import { type Samples, writeSamples } from "./samples.ts";
import { checkTensors, type Inputs, type OutputTensor } from "./typed-tensors.ts";

export interface StreamRequest {
  /** One row or several. */
  readonly features?: Features;
  readonly inputs?: Readonly<Record<string, Features>>;
  /** Typed arrays by name, which go and come back in binary, as `tensors` of the answer. */
  readonly tensors?: Inputs;
  /** Names of the outputs that come back as `tensors`; all of them without it. */
  readonly outputs?: readonly string[];
  /** A piece of a signal, of any length. */
  readonly samples?: Samples;
  readonly timeoutMs?: number;
  readonly priority?: "normal" | "low";
  /** Answers a request of many rows slice by slice. */
  readonly stream?: boolean;
}

/** The fields of an answer over HTTP, or `tensors` where the request had them. */
type Answered = Partial<PredictAnswer> & {
  readonly id: number;
  readonly tensors?: Readonly<Record<string, OutputTensor>>;
};

export type AnswerFrame =
  /** Rows of an answer that goes on: of a signal, one window. */
  | (Answered & {
      readonly type: "chunk";
      readonly first_row?: number;
      readonly position?: number;
    })
  /** The answer, or its end where chunks came before. */
  | (Answered & { readonly type: "done"; readonly rows?: number })
  | { readonly type: "failed"; readonly id: number | null; readonly error: TroupeClientError }
  /** A sequence is over; nobody asks for it but `end`. */
  | {
      readonly type: "ended";
      readonly reason: string;
      readonly code?: string;
      readonly error?: string;
    };

type KeyOfAny<Union> = Union extends unknown ? keyof Union : never;

/** Each with the fields of the others as undefined. */
type TakenApart<Union, Key extends PropertyKey> = Union extends unknown
  ? Union & { readonly [Other in Exclude<Key, keyof Union>]?: undefined }
  : never;

/** A loop may take any field, and look at `type` after that. */
export type StreamAnswer = TakenApart<AnswerFrame, KeyOfAny<AnswerFrame>>;

/** What a session has to know of its model before it asks. */
export interface StreamedModel {
  /** It remembers from one request to the next. */
  readonly isStateful: boolean;
  readonly outputs: readonly string[];
  /** The server takes tensors in binary. */
  readonly takesBinary: boolean;
}

/** Throws `invalid-request` for tensors that do not fit their shapes or come with rows, `not-implemented` where the server takes none. */
export function writeRequest(id: number, request: StreamRequest, model: StreamedModel): Message {
  const { tensors, outputs, features, inputs: rows, ...others } = request;
  const fields = fieldsOf(id, others);
  if (tensors === undefined) return withRows(fields, request);
  if (features !== undefined || rows !== undefined) {
    const words = "a request carries tensors, or features or inputs, not both";
    throw new TroupeClientError("invalid-request", words);
  }
  if (!model.takesBinary) {
    const words = "the server takes no tensors in binary: use inputs instead";
    throw new TroupeClientError("not-implemented", words);
  }
  const inputs = checkTensors(tensors);
  return writeTensorFrame({ inputs, outputs: outputs ?? model.outputs, fields });
}

/** Undefined where it cannot be read. */
export function readFrame(message: Message): object | undefined {
  if (typeof message !== "string") return readTensorFrame(message);
  const frame = parseObject(message);
  return frame && readEmptyTensors(frame);
}

function fieldsOf(id: number, request: Omit<StreamRequest, RowFields>): object {
  const { samples, timeoutMs, ...others } = request;
  return {
    ...(samples === undefined ? {} : writeSamples(samples)),
    ...(timeoutMs === undefined ? {} : { timeout_ms: timeoutMs }),
    ...others,
    // Last, as a line of a file may hold others, under which no answer would be found.
    type: "infer",
    id,
  };
}

type RowFields = "tensors" | "outputs" | "features" | "inputs";

function withRows(fields: object, { features, inputs }: StreamRequest): string {
  const members = [
    JSON.stringify(fields).slice(1, -1),
    ...(features === undefined ? [] : [`"features":${textOfFeatures(features)}`]),
    ...(inputs === undefined ? [] : [`"inputs":${textOfInputs(inputs)}`]),
  ];
  return `{${members.join(",")}}`;
}
