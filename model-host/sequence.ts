import type { Millis } from "../src/platform/clock.ts";
import type { Expiring } from "../src/platform/deadlines.ts";
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import { newSignal, type Signal } from "../src/tensors/windows.ts";
import { Lane } from "./lane.ts";
import type { Door, Work } from "./work.ts";

/** What a host remembers from one frame of a client to the next. */
export class Sequence implements Expiring {
  readonly key: string;
  /** It outlives the front door that began it. */
  readonly isShared: boolean;
  readonly lane = new Lane<Work>();
  /** The front door that last asked for it. */
  door: Door;
  /** One row for each of the model's states, in memory of their own; null before the first frame has run. */
  state: readonly Tensor[] | null = null;
  /** Of its state. */
  bytes = 0;
  /** Null where the model takes no signal. */
  signal: Signal | null;
  usedAt: Millis;
  deadlineAt: Millis;
  before: Expiring | undefined = undefined;
  after: Expiring | undefined = undefined;

  constructor(
    key: string,
    door: Door,
    options: { isShared: boolean; signal: Signal | null; now: Millis },
  ) {
    this.key = key;
    this.door = door;
    this.isShared = options.isShared;
    this.signal = options.signal;
    this.usedAt = options.now;
    this.deadlineAt = options.now;
  }
}

/** What a sequence begins its signal with; null where the model takes none. */
export function signalsOf({ stream, inputs }: ModelMetadata): () => Signal | null {
  const input = stream === null ? undefined : inputs[stream.input];
  return () => (stream === null || input === undefined ? null : newSignal(stream, input));
}

/** Of each sequence the first frame, with which the others go, and all that stand for themselves. */
export function firstOfEach(works: readonly Work[]): readonly Work[] {
  const isFirst = (work: Work, at: number) =>
    work.sequence === null || works.findIndex(({ sequence }) => sequence === work.sequence) === at;
  return works.filter(isFirst);
}
