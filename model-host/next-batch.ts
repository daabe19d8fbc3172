/* Whether an engine that runs is given its next batch already. */
import type { Millis } from "../src/platform/clock.ts";
import type { BreakerState } from "../src/protocol/pressure.ts";

export interface NextBatchFacts {
  /** Fewer would do better to gather until the engine is idle; undefined where it takes none now. */
  readonly fewestRows: number | undefined;
  /** Rows that a batch would hold if it were cut now. */
  readonly rowsReady: () => number;
  /** What so many take; 0 while that is not known. */
  readonly runMs: (rows: number) => Millis;
  readonly breaker: BreakerState;
}

/**
 * An engine that waits for the host's thread between two runs stands idle for some 0.3 ms: a quarter more pictures of
 * [1,3,240,320] are answered without that, and 7 % more rows of the bench's perceptron (2026-11-26, `npm run bench -- --works
 * mlp,image`). Beside a longer run it is nothing, and who waits in the queue may still leave.
 */
const longestMs = 20;

export function takesNextBatch({ fewestRows, rowsReady, runMs, breaker }: NextBatchFacts): boolean {
  if (fewestRows === undefined || breaker !== "closed") return false;
  const ms = runMs(fewestRows);
  return ms > 0 && ms <= longestMs && rowsReady() >= fewestRows;
}
