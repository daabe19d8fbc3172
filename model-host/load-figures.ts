import { type CostFit, fitOf, learn, predictMs, unknownCost } from "./cost-model.ts";

/** A moving average over about the last 50 requests. */
const averageWeight = 0.02;
/** Memory and caches are cold in so many runs, whose time would foretell queues that are none. */
const coldRuns = 4;
/** So many more it takes until one that was disturbed does not stand for all. */
const fewestRuns = 4;
/** A model that takes so long for its first runs needs neither: chance is a small part of it, and requests pile up. */
const slowMs = 250;

/** What is chosen by a fit must rest on more runs than what is foretold by it: some hundred and forty are half of it. */
const keepForFit = 0.995;

/** What this host has learned of its model while serving. */
export class LoadFigures {
  #cost = unknownCost;
  #longCost = unknownCost;
  #runs = 0;
  #runMs = 0;
  #rowsPerRequest = 1;
  #logRows = 0;
  #rowsCome = 0;
  #fit: CostFit | undefined;

  /** The geometric mean, which one large request among many small ones moves little. */
  get usualRows(): number {
    return Math.exp(this.#logRows);
  }

  /** Rows of all requests that were queued. */
  get rowsCome(): number {
    return this.#rowsCome;
  }

  /** The last that could be told: while all batches are of one size, none can. */
  get fit(): CostFit | undefined {
    return this.#fit;
  }

  get rowsPerRequest(): number {
    return this.#rowsPerRequest;
  }

  /** Milliseconds for a batch of so many rows; 0 while that is not known. */
  batchMs(rows: number): number {
    return this.#isKnown ? predictMs(this.#cost, rows) : 0;
  }

  /** As `batchMs`, by the last fit there was: what a larger batch takes is not forgotten while there is none. */
  fittedMs(rows: number): number {
    return this.#fit === undefined
      ? this.batchMs(rows)
      : this.#fit.fixedMs + this.#fit.rowMs * rows;
  }

  noteRequest(rows: number): void {
    this.#rowsCome += rows;
    this.#logRows += (Math.log(Math.max(1, rows)) - this.#logRows) * averageWeight;
    this.#rowsPerRequest += (rows - this.#rowsPerRequest) * averageWeight;
  }

  noteBatch(rows: number, tookMs: number): void {
    this.#runs += 1;
    this.#runMs += tookMs;
    const isCold = this.#runs <= coldRuns && !this.#isSlow;
    this.#cost = isCold ? unknownCost : learn(this.#cost, rows, tookMs);
    this.#longCost = isCold ? unknownCost : learn(this.#longCost, rows, tookMs, keepForFit);
    if (this.#isKnown) this.#fit = fitOf(this.#longCost) ?? this.#fit;
  }

  get #isSlow(): boolean {
    return this.#runMs >= slowMs;
  }

  get #isKnown(): boolean {
    return this.#isSlow || this.#runs >= coldRuns + fewestRuns;
  }
}
