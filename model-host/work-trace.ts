/* The points in time of a request that is traced, filled on its way through the host. Others have none, and cost none. */
import { type Millis, systemClock } from "../src/platform/clock.ts";
import type { RequestFrame } from "../src/protocol/frames.ts";
import type { HostPoints } from "../src/protocol/traces.ts";
import type { Work, WorkSlice } from "./work.ts";

export type WorkTrace = { -readonly [K in keyof HostPoints]: HostPoints[K] };

/** Null where the request is not traced. */
export function beginTrace({ traced }: RequestFrame, queuedAt: Millis): WorkTrace | null {
  if (!traced) return null;
  return {
    queuedAt,
    batchBegunAt: null,
    runBegunAt: null,
    runEndedAt: null,
    answeredAt: null,
    batchRows: 0,
  };
}

/** Of a request that takes several runs the first counts. */
export function traceRunBegun(slices: readonly WorkSlice[], now: Millis): void {
  for (const { work } of slices) if (work.trace !== null) work.trace.runBegunAt ??= now;
}

/** Of a request that takes several runs the last counts. */
export function traceRunEnded(slices: readonly WorkSlice[], now: Millis): void {
  for (const { work } of slices) {
    if (work.trace === null) continue;
    work.trace.runEndedAt = now;
    work.trace.batchRows = slices.reduce((sum, slice) => sum + slice.rows, 0);
  }
}

/** To be told before the frame that ends the request. */
export function tellTrace({ id, door, trace }: Work): void {
  if (trace === null) return;
  trace.answeredAt = systemClock.now();
  door.trace(id, trace);
}
