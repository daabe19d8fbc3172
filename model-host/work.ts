import type { FailedFrame } from "../src/protocol/frames.ts";
import type { AnswerBody, DoneAnswer } from "../src/protocol/host-frames.ts";
import type { EndReason } from "../src/protocol/sequences.ts";
import type { HostPoints } from "../src/protocol/traces.ts";
import type { Codec, DecodedRequest } from "../src/tensors/codec.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Cut } from "../src/tensors/windows.ts";
import type { Sequence } from "./sequence.ts";
import type { Laned, Slice } from "./slice.ts";
import type { WorkTrace } from "./work-trace.ts";

/** Where answers go: the connection of one front door. */
export interface Door {
  running(ids: readonly number[]): void;
  chunk(id: number, body: AnswerBody): void;
  /** Comes before the frame that ends the request. */
  trace(id: number, points: HostPoints): void;
  done(answer: Omit<DoneAnswer, "pressure">): void;
  failed(answer: Omit<FailedFrame, "type" | "pressure">): void;
  /** The host has dropped a sequence that came from there. */
  ended(key: string, reason: EndReason): void;
  /** Sends now what has been said; otherwise it goes at the end of the tick. */
  flush(): void;
}

/** The windows that a piece of a signal makes whole. */
export interface WorkSignal extends Cut {
  /** The position of the first of them. */
  readonly position: number;
  readonly hop: number;
  /** Of the samples that wait to be run. */
  readonly bytes: number;
}

/** A decoded request inside the host, from its arrival to its one answer. */
export interface Work extends Laned<Work> {
  readonly id: number;
  readonly door: Door;
  readonly requestId: string;
  readonly codec: Codec;
  readonly request: DecodedRequest;
  readonly stream: boolean;
  /** It waits for no company, nor does what shares its queue. */
  readonly hurried: boolean;
  /** Null where the request stands for itself. */
  readonly sequence: Sequence | null;
  /** Its rows are these windows; null where it brings tensors. */
  readonly signal: WorkSignal | null;
  /** Changes with the shape of a state that grows. */
  key: string | null;
  /** Known while the model has a suspect. */
  readonly fingerprint: string | null;
  readonly decodeUs: number;
  /** Memory that holds nothing but this request's inputs, and may be given away with them; null where there is none. */
  readonly ownMemory: ArrayBuffer | null;
  /** Outputs of the slices that have run, in row order. */
  readonly parts: (readonly Tensor[])[];
  queueUs: number;
  runUs: number;
  /** Of what has been written of its answer. */
  encodeUs: number;
  /** Answered, or not wanted any more: what still runs of it is for nobody. */
  settled: boolean;
  /** Null where it is not traced. */
  readonly trace: WorkTrace | null;
}

export type WorkSlice = Slice<Work>;
