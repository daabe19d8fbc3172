import type { Call, SequenceCall } from "../../src/front-door/flight.ts";
import { Seat, type SeatOptions } from "../../src/front-door/seat.ts";

export function newSeat(changed: Partial<SeatOptions> = {}): Seat {
  const options = { key: "k", model: "m", isShared: false };
  return new Seat({ ...options, onEnded: () => undefined, ...changed });
}

/** What a frame is to the sequence: one in its middle, unless it is said otherwise. */
export function frameOf(seat: Seat, changed: Partial<SequenceCall> = {}): SequenceCall {
  return { seat, start: false, end: false, ...changed };
}

export function newCall(changed: Partial<Call> = {}): Call {
  return {
    model: "m",
    version: "1",
    pinned: false,
    codec: "predict",
    body: [Buffer.from("ask")],
    deadlineAt: 11_000,
    priority: "normal",
    requestId: "r",
    stream: false,
    sequence: null,
    onChunk: () => undefined,
    onDone: () => undefined,
    onFailed: () => undefined,
    ...changed,
  };
}

export function bodyOf({ body }: Pick<Call, "body">): Buffer {
  return Buffer.concat(body);
}
