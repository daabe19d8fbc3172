import type { Pressure } from "../protocol/pressure.ts";

/** Of a host that has said nothing yet. */
export const noPressure: Pressure = {
  queuedRows: 0,
  runningRows: 0,
  rowCostMs: 0,
  batchCostMs: 0,
  rowsPerRequest: 1,
  breaker: "closed",
  draining: false,
  breakerRetryMs: 0,
  sequences: 0,
};

/** A host that says nothing more goes on with its work: of what it reported, this much is left. */
export function rowsLeft(
  { queuedRows, runningRows, rowCostMs }: Pressure,
  elapsedMs: number,
): number {
  const rows = queuedRows + runningRows;
  return rowCostMs === 0 ? rows : Math.max(0, rows - elapsedMs / rowCostMs);
}
