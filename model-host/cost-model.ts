/** What a batch costs: a + b·n milliseconds, fitted while serving. */
export interface CostModel {
  /** Decayed sums over (rows, ms), of which least squares needs five. */
  readonly weight: number;
  readonly rows: number;
  readonly ms: number;
  readonly rowsSquared: number;
  readonly rowsTimesMs: number;
}

export const unknownCost: CostModel = { weight: 0, rows: 0, ms: 0, rowsSquared: 0, rowsTimesMs: 0 };

/** A short batch forgets half of what came 35 batches before it. */
const keepOfShort = 0.98;
/** A longer one counts as so many short ones: else the figures of long batches would be those of ten seconds ago. */
const shortMs = 20;
/** Four batches are half of what is known: with fewer, chance would be the largest part of it. */
const mostShort = 8;

/** `keepOf` is what a short batch leaves of what came before it. */
export function learn(cost: CostModel, rows: number, ms: number, keepOf = keepOfShort): CostModel {
  const keep = keepOf ** Math.min(mostShort, Math.max(1, ms / shortMs));
  return {
    weight: cost.weight * keep + 1,
    rows: cost.rows * keep + rows,
    ms: cost.ms * keep + ms,
    rowsSquared: cost.rowsSquared * keep + rows * rows,
    rowsTimesMs: cost.rowsTimesMs * keep + rows * ms,
  };
}

/** What a batch costs whatever it holds, and for each row. */
export interface CostFit {
  readonly fixedMs: number;
  readonly rowMs: number;
}

/** Undefined while nothing has run, and of batches all of one size. */
export function fitOf(cost: CostModel): CostFit | undefined {
  if (cost.weight === 0) return undefined;
  const meanRows = cost.rows / cost.weight;
  const meanMs = cost.ms / cost.weight;
  const variance = cost.rowsSquared / cost.weight - meanRows * meanRows;
  if (variance < 0.01 * meanRows * meanRows) return undefined;
  const covariance = cost.rowsTimesMs / cost.weight - meanRows * meanMs;
  const rowMs = Math.max(0, covariance / variance);
  return { rowMs, fixedMs: Math.max(0, meanMs - rowMs * meanRows) };
}

/**
 * Milliseconds for a batch of `rows`; 0 while nothing has run. Of batches all of one size smaller ones are taken as
 * proportional. What larger ones cost lies between no more and as much for each row: half-way, by ratio.
 */
export function predictMs(cost: CostModel, rows: number): number {
  if (cost.weight === 0) return 0;
  const fit = fitOf(cost);
  if (fit !== undefined) return fit.fixedMs + fit.rowMs * rows;
  const ratio = rows / (cost.rows / cost.weight);
  return (cost.ms / cost.weight) * (ratio > 1 ? Math.sqrt(ratio) : ratio);
}
