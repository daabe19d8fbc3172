/* Writes what becomes of requests to the front doors that asked, each once, and counts it. */
import type { HostLog } from "../src/platform/late-log.ts";
import type { HostEvent } from "../src/protocol/control.ts";
import { type Failure, TroupeError, toFailure } from "../src/protocol/errors.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { answerWork, endOf, finish } from "./answering.ts";
import type { SliceResult } from "./batch-run.ts";
import type { HostMetrics } from "./host-metrics.ts";
import { dropFailure } from "./refusals.ts";
import type { Work, WorkSlice } from "./work.ts";
import { tellTrace } from "./work-trace.ts";

export interface AnswersParts {
  readonly model: ServedModel;
  readonly metrics: HostMetrics;
  readonly log: HostLog;
  readonly tell: (event: HostEvent) => Promise<void>;
}

export class Answers {
  readonly #parts: AnswersParts;
  #hasAnswered = false;

  constructor(parts: AnswersParts) {
    this.#parts = parts;
  }

  /** What ends the request too, where it is not undefined: its run failed, or its answer cannot be written. */
  settle(slice: WorkSlice, result: SliceResult | undefined): unknown {
    const { work } = slice;
    if (work.settled || result === undefined) return undefined;
    if (result.type === "failed") return this.#failRun(work, result.error);
    const { model, metrics, tell } = this.#parts;
    try {
      if (!answerWork(slice, result.outputs, model, model.metadata, metrics)) return undefined;
    } catch (thrown) {
      return this.#failRun(work, thrown);
    }
    work.settled = true;
    if (!this.#hasAnswered) void tell({ type: "answered" });
    this.#hasAnswered = true;
    return undefined;
  }

  /** A piece of a signal that makes no window whole. */
  answerNothing(work: Work): void {
    work.settled = true;
    const { model, metrics } = this.#parts;
    finish(work, endOf(work, 0, model), metrics, 0);
  }

  /** Nobody waits for it any more. */
  drop(work: Work, reason: keyof typeof dropFailure): void {
    // Only a stream can have begun: the rest of it is cut off, but it is no request that was never run.
    if (work.nextRow === 0) this.#parts.metrics.dropped(reason).add();
    this.fail(work, dropFailure[reason]);
  }

  fail(work: Work, failure: Failure): void {
    if (work.settled) return;
    work.settled = true;
    tellTrace(work);
    work.door.failed({ id: work.id, failure });
  }

  #failRun(work: Work, thrown: unknown): unknown {
    const failure = toFailure(thrown);
    const cause = thrown instanceof TroupeError ? thrown.cause : thrown;
    const reason = cause instanceof Error ? cause.message : cause;
    const fields = { request_id: work.requestId, code: failure.code, reason };
    this.#parts.log.warn(fields, "run failed");
    this.fail(work, failure);
    return thrown;
  }
}
