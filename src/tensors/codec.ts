import type { Priority } from "../protocol/frames.ts";
import type { AnswerBody } from "../protocol/host-frames.ts";
import type { ModelMetadata } from "../protocol/model-metadata.ts";
import type { Tensor } from "./tensor.ts";

/** What a codec must know of the model that it decodes for. */
export interface ServedModel {
  readonly name: string;
  readonly version: string;
  readonly metadata: ModelMetadata;
  /** Names of the classes, or empty. */
  readonly labels: readonly string[];
  /** For each input what stands for it, in one row, where a request leaves it out; null where it must come. */
  readonly standIns: readonly (Tensor | null)[];
}

/** How a client wants one output. */
export interface OutputForm {
  /** As bytes behind the JSON, and not in it. */
  readonly isBinary: boolean;
  /** So many of the best classes in place of the scores; null where it wants the scores. */
  readonly classes: number | null;
}

/** A request that has been checked against its model: every input is there, in the model's order, well-shaped. */
export interface DecodedRequest {
  /** What was left out is its stand-in, of one row. */
  readonly inputs: readonly Tensor[];
  /** How many rows stand along the batch axis; 1 for an unbatched model. */
  readonly rows: number;
  /** Indexes into the model's outputs, in the order in which the client wants them. */
  readonly outputs: readonly number[];
  /** For each of these how it is wanted; absent where all are wanted as they are, in JSON. */
  readonly forms?: readonly OutputForm[];
  /** The client's patience from the request's arrival on, where its body tells. */
  readonly timeoutMs?: number;
  /** Where the body tells it. */
  readonly priority?: Priority;
  /** The client's own id in the body (Open Inference V2), echoed when present. */
  readonly id: string | undefined;
  /** The client keeps the model's state itself: it sends it, and gets it back. */
  readonly bringsState: boolean;
  /** The stream's input holds what came of a signal, of shape [samples], yet to be cut into windows. */
  readonly isSignal: boolean;
}

export interface Answer {
  readonly request: DecodedRequest;
  readonly requestId: string;
  /** The model's outputs, as many as `request.outputs` asks for and in that order. */
  readonly outputs: readonly Tensor[];
  /** The first row that this answer holds, where it is one slice of a streaming answer. */
  readonly firstRow?: number;
  /** Instead of it, where the slice is a window of a signal: the number of the first of its new samples. */
  readonly position?: number;
}

/** One wire format: bytes to checked tensors, which may be views of them, and tensors to bytes, which may be views too. */
export interface Codec {
  /** Throws TroupeError `invalid-request` naming the field, what was expected and what came. */
  decode(body: Uint8Array, model: ServedModel): DecodedRequest;
  encode(answer: Answer, model: ServedModel): AnswerBody;
  /** What closes a streaming answer, after its last slice. */
  encodeEnd(requestId: string, rows: number, model: ServedModel): Uint8Array;
}
