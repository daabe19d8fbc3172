import type { Failure } from "../protocol/errors.ts";
import type { Priority } from "../protocol/frames.ts";
import type { BreakerState } from "../protocol/pressure.ts";
import type { VersionState } from "../protocol/views.ts";

/** How one replica of the model fares, as far as this front door knows. */
export interface ReplicaLoad {
  readonly outstandingRequests: number;
  readonly outstandingBytes: number;
  /** Rows that the host last said it holds. */
  readonly reportedRows: number;
  /** In a full batch. */
  readonly rowCostMs: number;
  /** Of one row alone, which more rows would share. */
  readonly batchCostMs: number;
  readonly rowsPerRequest: number;
  /** Sequences that it keeps. */
  readonly sequences: number;
  readonly breaker: BreakerState;
  /** How long an open breaker stays shut to us; 0 when a probe may go. */
  readonly breakerRetryMs: number;
}

/** What the front door as a whole holds, and would hold with this request. */
export interface RoomFacts {
  readonly inFlight: number;
  readonly maxInFlight: number;
  readonly inFlightBytes: number;
  readonly maxInFlightBytes: number;
  readonly bytes: number;
  readonly priority: Priority;
}

export interface AdmissionFacts extends RoomFacts {
  readonly draining: boolean;
  /** It was given a place before its model was known. */
  readonly hasRoom: boolean;
  /** Milliseconds until the deadline. */
  readonly allowanceMs: number;
  readonly state: VersionState;
  readonly reason: string | null;
  /** Milliseconds until a recovering model should be back. */
  readonly backInMs: number;
  readonly maxOutstandingRequests: number;
  readonly maxOutstandingBytes: number;
  /** It goes on with a sequence that a host keeps. */
  readonly isSeated: boolean;
  /** Whether the request begins a sequence, and how many one host may keep. */
  readonly beginsSequence: boolean;
  readonly maxSequences: number;
  readonly replicas: readonly ReplicaLoad[];
}

export type ShedReason =
  | "draining"
  | "in-flight"
  | "bytes"
  | "unavailable"
  | "breaker"
  | "host-full"
  | "sequences"
  | "deadline";

export type Admission =
  | { readonly type: "admit" }
  | { readonly type: "shed"; readonly reason: ShedReason; readonly failure: Failure };

/** Low priority gives way when half is used of what normal priority may use whole. */
const lowShare = 0.5;
/** When a host is full, that it has room again is a matter of one batch; this is only where nothing was measured. */
const unknownRetryMs = 100;
/**
 * Costs are means, of a machine that others use too: of the requests predicted to be just in time, half would be late. A
 * queue needs no more than a batch or two to keep its engine busy, so that to be careful costs bursts, and no goodput.
 */
const caution = 1.5;
const drainingRetryMs = 1_000;
const loadingRetryMs = 1_000;
/** A model that was given up gets a probe start this often. */
const unavailableRetryMs = 30_000;
/** When a sequence ends is its client's to know. */
const sequencesRetryMs = 1_000;

/** Whether a request is taken, in the order in which refusing costs least. Knows only the head of the request. */
export function admit(facts: AdmissionFacts): Admission {
  const share = shareOf(facts);
  if (facts.draining) {
    return shed("draining", "draining", "the server is draining", drainingRetryMs);
  }
  const byRoom = facts.hasRoom ? undefined : admitByRoom(facts, soonestMs(facts.replicas) / 2);
  return byRoom ?? admitByModel(facts, share) ?? { type: "admit" };
}

/** Of a request whose model stands in its body: whether there is room to read that. */
export function admitToRoom(facts: RoomFacts): Admission {
  return admitByRoom(facts, unknownRetryMs) ?? { type: "admit" };
}

function shareOf({ priority }: RoomFacts): number {
  return priority === "low" ? lowShare : 1;
}

function admitByRoom(facts: RoomFacts, retryMs: number): Admission | undefined {
  const { inFlight, maxInFlight, inFlightBytes, maxInFlightBytes, bytes } = facts;
  const share = shareOf(facts);
  if (inFlight >= maxInFlight * share) {
    return overloaded("in-flight", `${inFlight} of ${maxInFlight} requests are in flight`, retryMs);
  }
  if (inFlight > 0 && inFlightBytes + bytes > maxInFlightBytes * share) {
    const words = `${inFlightBytes} of ${maxInFlightBytes} bytes are in flight`;
    return overloaded("bytes", words, retryMs);
  }
  return undefined;
}

function admitByModel(facts: AdmissionFacts, share: number): Admission | undefined {
  // Its host is there, whatever becomes of the version.
  if (facts.isSeated) return admitByLoad(facts, share);
  switch (facts.state) {
    case "draining":
      return unavailable("unavailable", "it is being drained", drainingRetryMs);
    case "unloaded":
    case "unavailable":
      return unavailable("unavailable", facts.reason, unavailableRetryMs);
    case "loading":
      return unavailable("unavailable", facts.reason, loadingRetryMs);
    case "recovering":
      if (facts.backInMs < facts.allowanceMs) return undefined;
      return unavailable("unavailable", facts.reason, facts.backInMs);
    case "ready":
      return admitByLoad(facts, share);
  }
}

function admitByLoad(facts: AdmissionFacts, share: number): Admission | undefined {
  const { replicas, allowanceMs } = facts;
  // Its host has just died or is being connected to: the request waits for the next.
  if (replicas.length === 0) return undefined;
  const willing = replicas.filter(({ breakerRetryMs }) => breakerRetryMs <= 0);
  if (willing.length === 0) {
    const retryMs = Math.min(...replicas.map(({ breakerRetryMs }) => breakerRetryMs));
    return unavailable("breaker", "its circuit breaker is open", retryMs);
  }
  if (facts.beginsSequence && willing.every(({ sequences }) => sequences >= facts.maxSequences)) {
    const words = `its hosts keep ${facts.maxSequences} sequences each, and can keep no more`;
    return overloaded("sequences", words, sequencesRetryMs);
  }
  const answerMs = Math.min(...willing.map(predictAnswerMs));
  if (answerMs > allowanceMs * share) {
    const words = `its answer would take ${Math.round(answerMs)} ms, past its deadline`;
    return overloaded("deadline", words, answerMs - allowanceMs * share);
  }
  if (!willing.some((replica) => hasRoom(replica, facts, share))) {
    return overloaded("host-full", "all its hosts are full", soonestMs(willing) / 2);
  }
  return undefined;
}

function hasRoom(replica: ReplicaLoad, facts: AdmissionFacts, share: number): boolean {
  if (replica.outstandingRequests === 0) return true;
  return (
    replica.outstandingRequests < facts.maxOutstandingRequests * share &&
    replica.outstandingBytes + facts.bytes <= facts.maxOutstandingBytes * share
  );
}

function soonestMs(replicas: readonly ReplicaLoad[]): number {
  return replicas.length === 0 ? 0 : Math.min(...replicas.map(predictWaitMs));
}

/** Rows before a new request, times what a row costs; this door's own count is fresher than the host's report. */
export function predictWaitMs(replica: ReplicaLoad): number {
  const ownRows = replica.outstandingRequests * replica.rowsPerRequest;
  return runMs(Math.max(ownRows, replica.reportedRows), replica);
}

/** An idle host may always try: one slow run must not shut its model out for good. */
function predictAnswerMs(replica: ReplicaLoad): number {
  const waitMs = predictWaitMs(replica);
  return waitMs === 0 ? 0 : (waitMs + runMs(replica.rowsPerRequest, replica)) * caution;
}

/** Many rows come in full batches; a few cost what one does. */
function runMs(rows: number, { rowCostMs, batchCostMs }: ReplicaLoad): number {
  return Math.max(rows * rowCostMs, Math.min(rows, 1) * batchCostMs);
}

function overloaded(reason: ShedReason, words: string, retryMs: number): Admission {
  return shed(reason, "overloaded", words, retryMs > 1 ? retryMs : unknownRetryMs);
}

function unavailable(
  reason: ShedReason,
  words: string | null,
  retryAfterMs: number | undefined,
): Admission {
  return shed(reason, "model-unavailable", words ?? "the model is not ready", retryAfterMs);
}

function shed(
  reason: ShedReason,
  code: Failure["code"],
  words: string,
  retryAfterMs: number | undefined,
): Admission {
  const message = `Cannot take request: ${words}`;
  const failure = retryAfterMs === undefined ? { code, message } : { code, message, retryAfterMs };
  return { type: "shed", reason, failure };
}
