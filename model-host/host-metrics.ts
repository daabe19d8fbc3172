import {
  type Buckets,
  type Count,
  Distribution,
  type MetricList,
  PlainList,
  secondsBounds,
  Tally,
} from "../src/platform/metrics.ts";
import type { EndReason } from "../src/protocol/sequences.ts";
import { Statistics } from "./statistics.ts";

const rowBounds = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Why a request that had not begun was never run. */
export type DropReason = "cancelled" | "expired" | "futile" | "door-lost";

/** Why a host keeps a sequence no longer: its client ended it, or one of these. */
export type SequenceEnd = "end" | "door-lost" | EndReason;

export interface HostMetrics {
  readonly registry: MetricList;
  readonly decode: Buckets;
  readonly queue: Buckets;
  readonly run: Buckets;
  readonly encode: Buckets;
  readonly inference: Buckets;
  readonly batchRows: Buckets;
  readonly requestsRun: Count;
  readonly statistics: Statistics;
  dropped(reason: DropReason): Count;
  batches(outcome: "ran" | "failed"): Count;
  /** These have series only where a model remembers. */
  sequenceFrames(): Buckets;
  sequencesStarted(): Count;
  sequencesEnded(reason: SequenceEnd): Count;
}

export function createHostMetrics(modelId: string, version: string): HostMetrics {
  const registry = new PlainList();
  return {
    registry,
    ...timings(registry, modelId),
    ...counts(registry, modelId),
    ...sequences(registry, modelId),
    statistics: new Statistics(registry, modelId, version),
  };
}

function timings(registry: MetricList, model_id: string) {
  const stages = new Distribution<"model_id" | "stage">(
    registry,
    "troupe_stage_duration_seconds",
    "Time that requests spent in each stage",
    secondsBounds,
  );
  const inference = new Distribution<"model_id">(
    registry,
    "model_inference_duration_seconds",
    "Time that ONNX Runtime took for a batch",
    secondsBounds,
  );
  const stage = (name: string) => stages.series({ model_id, stage: name });
  return {
    decode: stage("decode"),
    queue: stage("queue"),
    run: stage("run"),
    encode: stage("encode"),
    inference: inference.series({ model_id }),
  };
}

function sequences(registry: MetricList, model_id: string) {
  const frames = new Distribution<"model_id">(
    registry,
    "troupe_batch_sequences",
    "Sequences of which a frame was in a batch",
    rowBounds,
  );
  const started = new Tally<"model_id">(
    registry,
    "troupe_sequences_started_total",
    "Sequences begun in a host",
  );
  const ended = new Tally<"model_id" | "reason">(
    registry,
    "troupe_sequences_ended_total",
    "Sequences that a host keeps no longer, or lost with it",
  );
  return {
    sequenceFrames: () => frames.series({ model_id }),
    sequencesStarted: () => started.series({ model_id }),
    sequencesEnded: (reason: SequenceEnd) => ended.series({ model_id, reason }),
  };
}

function counts(registry: MetricList, model_id: string) {
  const rows = new Distribution<"model_id">(
    registry,
    "troupe_batch_rows",
    "Rows in a batch",
    rowBounds,
  );
  const run = new Tally<"model_id">(
    registry,
    "troupe_requests_run_total",
    "Requests of which at least one row was given to the engine",
  );
  const dropped = new Tally<"model_id" | "reason">(
    registry,
    "troupe_requests_dropped_total",
    "Requests never run: nobody waits any more, or would get them too late",
  );
  const batches = new Tally<"model_id" | "outcome">(
    registry,
    "troupe_batches_total",
    "Batches by outcome: failed means that no row of it succeeded",
  );
  return {
    batchRows: rows.series({ model_id }),
    requestsRun: run.series({ model_id }),
    dropped: (reason: DropReason) => dropped.series({ model_id, reason }),
    batches: (outcome: "ran" | "failed") => batches.series({ model_id, outcome }),
  };
}
