import type { Expiring } from "../platform/deadlines.ts";
import type { Failure } from "../protocol/errors.ts";
import type {
  AnswerBytes,
  CodecName,
  DoneFrame,
  Priority,
  WrittenRequest,
} from "../protocol/frames.ts";
import type { SequenceClaim } from "../protocol/sequences.ts";
import type { HostLink } from "./host-link.ts";
import type { Seat } from "./seat.ts";
import type { RequestTrace } from "./tracer.ts";

/** What a frame is to its sequence. */
export interface SequenceCall {
  readonly seat: Seat;
  readonly start: boolean;
  readonly end: boolean;
}

export function claimOf({ seat, start, end }: SequenceCall): SequenceClaim {
  return { key: seat.options.key, start, end, shared: seat.options.isShared };
}

/** What a route asks of the dispatcher. */
export interface Call {
  readonly model: string;
  /** The one that is to answer; where it cannot, another may that is not `pinned`. */
  readonly version: string;
  /** The caller named the version, or it is that of a sequence which has begun. */
  readonly pinned: boolean;
  readonly codec: CodecName;
  readonly body: readonly Uint8Array[];
  readonly deadlineAt: number;
  readonly priority: Priority;
  readonly requestId: string;
  readonly stream: boolean;
  /** It waits for no company. */
  readonly hurried?: boolean;
  /** Null where the request stands for itself. */
  readonly sequence: SequenceCall | null;
  /** Of a request that is traced. */
  readonly trace?: RequestTrace | undefined;
  /** Comes once for each slice of a streaming answer; the next ones wait for credit. Bodies are gone on return. */
  readonly onChunk: (chunk: AnswerBytes) => void;
  /** One of these two comes, once. */
  readonly onDone: (frame: DoneFrame) => void;
  readonly onFailed: (failure: Failure) => void;
}

/** A request on its way through this front door, from admission to its one answer. */
export class Flight implements Expiring {
  readonly call: Call;
  /** Flights were submitted in the order of these numbers. */
  readonly order: number;
  /** The one that answers, as far as is known by now. */
  version: string;
  /** The host that has it; undefined while it waits for one. */
  link: HostLink | undefined;
  /** Its number on that connection. */
  linkId = 0;
  isRunning = false;
  hasChunks = false;
  alone = false;
  strikes = 0;
  misfortunes = 0;
  waits = 0;
  /** Hosts that do not keep its sequence. */
  tried: readonly HostLink[] = [];
  /** Answered: what its host still says of it is dropped. */
  isSettled = false;
  before: Expiring | undefined = undefined;
  after: Expiring | undefined = undefined;

  constructor(call: Call, order: number) {
    this.call = call;
    this.order = order;
    this.version = call.version;
  }

  /** Frames behind the first of a sequence go where that went, and nowhere else. */
  get isTied(): boolean {
    return this.call.pinned || this.call.sequence?.start === false;
  }

  /** With its sequence, if it begins one. */
  moveTo(version: string): void {
    this.version = version;
    if (this.call.sequence !== null) this.call.sequence.seat.version = version;
  }

  /** To the version that has its sequence by now. */
  followSequence(): void {
    this.version = this.call.sequence?.seat.version ?? this.version;
  }

  get deadlineAt(): number {
    return this.call.deadlineAt;
  }

  /** What stands in its place at a host that has not answered it yet, when it goes to another. */
  leaveBehind(): Flight {
    const shadow = new Flight(this.call, this.order);
    shadow.isSettled = true;
    return shadow;
  }
}

/** What its host is sent. */
export function frameOf({ call, linkId: id, alone }: Flight): WrittenRequest {
  const { codec, stream, priority, deadlineAt, requestId, body, sequence, trace, hurried } = call;
  return {
    type: "request",
    id,
    codec,
    alone,
    hurried: hurried === true,
    stream,
    priority,
    deadlineAt,
    requestId,
    sequence: sequence && claimOf(sequence),
    body,
    traced: trace !== undefined,
  };
}

export function byOrder(one: Flight, other: Flight): number {
  return one.order - other.order;
}
