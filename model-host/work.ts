import type { DoneAnswer, FailedFrame } from "../src/protocol/frames.ts";
import type { Codec, DecodedRequest } from "../src/tensors/codec.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Queued, Slice } from "./work-queue.ts";

/** Where answers go: the connection of one front door. */
export interface Door {
  running(ids: readonly number[]): void;
  chunk(id: number, body: Uint8Array): void;
  done(answer: Omit<DoneAnswer, "pressure">): void;
  failed(answer: Omit<FailedFrame, "type" | "pressure">): void;
  /** Sends now what has been said; otherwise it goes at the end of the tick. */
  flush(): void;
}

/** A decoded request inside the host, from its arrival to its one answer. */
export interface Work extends Queued {
  readonly id: number;
  readonly door: Door;
  readonly requestId: string;
  readonly codec: Codec;
  readonly request: DecodedRequest;
  readonly stream: boolean;
  /** Known while the model has a suspect. */
  readonly fingerprint: string | null;
  readonly decodeUs: number;
  /** Outputs of the slices that have run, in row order. */
  readonly parts: (readonly Tensor[])[];
  queueUs: number;
  runUs: number;
  /** Answered, or not wanted any more: what still runs of it is for nobody. */
  settled: boolean;
}

export type WorkSlice = Slice<Work>;
