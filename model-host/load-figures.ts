import { learn, predictMs, unknownCost } from "./cost-model.ts";

/** A moving average over about the last 50 requests. */
const averageWeight = 0.02;

/** What this host has learned of its model while serving. */
export class LoadFigures {
  #cost = unknownCost;
  #rowsPerRequest = 1;

  get rowsPerRequest(): number {
    return this.#rowsPerRequest;
  }

  /** Milliseconds for one row in a batch of `rows`; 0 while nothing has run. */
  rowCostMs(rows: number): number {
    const batchRows = Math.max(1, rows);
    return predictMs(this.#cost, batchRows) / batchRows;
  }

  noteRequest(rows: number): void {
    this.#rowsPerRequest += (rows - this.#rowsPerRequest) * averageWeight;
  }

  noteBatch(rows: number, tookMs: number): void {
    this.#cost = learn(this.#cost, rows, tookMs);
  }
}
