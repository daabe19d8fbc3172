export interface BatchSituation {
  /** When the request that waits longest arrived; undefined while the queue is empty. */
  readonly oldestAt: number | undefined;
  /** Rows that a batch cut now would hold; 0 where nothing may run. */
  readonly rowsReady: number;
  readonly maxRows: number;
  /** How long an idle engine waits for company. */
  readonly delayMs: number;
  readonly now: number;
  readonly draining: boolean;
}

export type BatchDecision =
  | { readonly type: "run" }
  | { readonly type: "wait"; readonly delayMs: number }
  | { readonly type: "idle" };

/** An idle engine takes what is there at once, unless a delay is wished and the batch is not full. */
export function decideBatch(situation: BatchSituation): BatchDecision {
  const { oldestAt, rowsReady, maxRows, delayMs, now, draining } = situation;
  if (oldestAt === undefined || rowsReady === 0) return { type: "idle" };
  const waitMs = oldestAt + delayMs - now;
  if (draining || rowsReady >= maxRows || waitMs <= 0) return { type: "run" };
  return { type: "wait", delayMs: waitMs };
}
