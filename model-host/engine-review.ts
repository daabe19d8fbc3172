/*
 * Whether a host's engine stays on the thread that the load-time trial gave it. The trial sees a few runs at one moment;
 * what serving measures may say otherwise.
 */
import type { Millis } from "../src/platform/clock.ts";
import type { EngineThread } from "../src/protocol/views.ts";

export interface MeasuredRun {
  readonly rows: number;
  /** What ONNX Runtime held its thread for. */
  readonly ms: Millis;
}

export interface ReviewFacts {
  readonly thread: EngineThread;
  /** The last ones there. */
  readonly runs: readonly MeasuredRun[];
  /** Since it came there, or was last tried elsewhere in vain. */
  readonly sinceMs: Millis;
  /** How often it has moved, or was tried elsewhere in vain. */
  readonly attempts: number;
}

export type ReviewVerdict =
  | { readonly type: "stay" }
  | { readonly type: "move"; readonly to: EngineThread; readonly reason: string };

/** What a run may hold the main thread for, by the trial of a full batch. */
export const longestOnMainMs = 0.25;
/** Four times as much lies between leaving and coming back, so that no noise does both. */
const leaveAboveMs = 2 * longestOnMainMs;
export const returnBelowMs = longestOnMainMs / 2;

/** Runs that are remembered. */
export const keptRuns = 128;
const fewestRuns = 64;
/** Of the large ones, so that chance decides nothing. */
const fewestLargeRuns = 16;
/**
 * Leaving is judged by the middle run: what runs there costs the same for the same rows, so that long ones beside short
 * ones speak of a busy machine, where a thread more would make things worse (four hosts on two cores took 1.6 times the
 * CPU time a request when nine of ten runs were asked; 2026-11-26, `npm run bench -- --works growth`). Coming back is
 * judged by nine of ten.
 */
const leaveShare = 0.5;
const returnShare = 0.9;

/** Leaving frees the main thread, so that it is tried again soon; coming back is a matter of microseconds. */
const leaveWaitMs = { first: 0, again: 5_000, most: 60_000 };
const returnWaitMs = { first: 60_000, again: 120_000, most: 3_600_000 };

export function reviewEngine({ thread, runs, sinceMs, attempts }: ReviewFacts): ReviewVerdict {
  const wait = thread === "main" ? leaveWaitMs : returnWaitMs;
  if (runs.length < fewestRuns || sinceMs < waitMs(wait, attempts)) return { type: "stay" };
  return thread === "main" ? reviewOnMain(runs) : reviewOnOwn(runs);
}

/** Longer with each attempt: what keeps changing is left where it is. */
function waitMs(wait: typeof leaveWaitMs, attempts: number): Millis {
  return attempts === 0 ? wait.first : Math.min(wait.most, wait.again * 2 ** (attempts - 1));
}

/** The large ones are asked by themselves, as many small ones beside them would hide them. */
function reviewOnMain(runs: readonly MeasuredRun[]): ReviewVerdict {
  const mostRows = Math.max(...runs.map(({ rows }) => rows));
  const large = runs.filter(({ rows }) => 2 * rows >= mostRows);
  const judged = large.length >= fewestLargeRuns ? large : runs;
  const ms = Math.max(longestOf(judged, leaveShare), longestOf(runs, leaveShare));
  if (ms <= leaveAboveMs) return { type: "stay" };
  const reason = `every other of its runs held the main thread for ${inWords(ms)} or more`;
  return { type: "move", to: "own", reason };
}

function reviewOnOwn(runs: readonly MeasuredRun[]): ReviewVerdict {
  const ms = longestOf(runs, returnShare);
  if (ms >= returnBelowMs) return { type: "stay" };
  const reason = `nine of ten of its runs took at most ${inWords(ms)}`;
  return { type: "move", to: "main", reason };
}

/** What so large a share of the runs did not exceed. */
function longestOf(runs: readonly MeasuredRun[], share: number): Millis {
  const sorted = runs.map(({ ms }) => ms).toSorted((a, b) => a - b);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
}

function inWords(ms: Millis): string {
  return `${Number(ms.toPrecision(2))} ms`;
}
