import type { Pressure } from "../protocol/pressure.ts";

/** Of a host that has said nothing yet. */
export const noPressure: Pressure = {
  queuedRows: 0,
  runningRows: 0,
  rowCostMs: 0,
  rowsPerRequest: 1,
  breaker: "closed",
  draining: false,
  breakerRetryMs: 0,
  sequences: 0,
};

/** How long a report of sequences is believed. */
const believedMs = 1_000;

/**
 * Sequences that a host keeps: what it reported, but never less than this front door has there. Reports come with
 * answers only, so that of a host which is full and has nothing to answer nobody would hear that it has room again: when
 * the report is old, the next sequence may try.
 */
export function sequencesKept(reported: number, own: number, elapsedMs: number): number {
  return elapsedMs < believedMs ? Math.max(reported, own) : own;
}

/** A host that says nothing more goes on with its work: of what it reported, this much is left. */
export function rowsLeft(
  { queuedRows, runningRows, rowCostMs }: Pressure,
  elapsedMs: number,
): number {
  const rows = queuedRows + runningRows;
  return rowCostMs === 0 ? rows : Math.max(0, rows - elapsedMs / rowCostMs);
}
