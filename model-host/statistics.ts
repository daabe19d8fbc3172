/* What Open Inference V2 tells of a version beside its metrics: exact times of requests and of runs, by batch size. */

import { type Duration, Durations, LastTime } from "../src/platform/durations.ts";
import type { MetricList } from "../src/platform/metrics.ts";
import {
  batchesMetric,
  type ComputeStage,
  durationsMetric,
  lastInferenceMetric,
  type Stage,
} from "../src/protocol/statistics.ts";

/** Microseconds: to read the inputs, to run, and to write the answers. */
export interface ComputeTimes {
  readonly decodeUs: number;
  readonly runUs: number;
  readonly encodeUs: number;
}

type Names = "model_id" | "version";
type Stages<Name extends string> = Readonly<Record<Name, Duration>>;

export class Statistics {
  readonly #labels: Readonly<Record<Names, string>>;
  readonly #requests: Stages<Stage>;
  readonly #batches: Durations<Names | "batch_size" | "statistic">;
  readonly #bySize = new Map<number, Stages<ComputeStage>>();
  readonly #last: LastTime;

  constructor(registry: MetricList, model: string, version: string) {
    const labels = { model_id: model, version };
    const times = new Durations<Names | "statistic">(registry, durationsMetric, "Times of stages");
    const stage = (statistic: Stage) => times.series({ ...labels, statistic });
    this.#labels = labels;
    this.#requests = { queue: stage("queue"), ...computeStages(stage) };
    this.#batches = new Durations(registry, batchesMetric, "Times of runs by their rows");
    this.#last = new LastTime(registry, lastInferenceMetric, "When it last ran", labels);
  }

  /** A request that has its answer. */
  noteAnswered({ queueUs, ...times }: ComputeTimes & { readonly queueUs: number }): void {
    this.#requests.queue.add(queueUs);
    addTo(this.#requests, times);
  }

  /** A run of the engine that succeeded, with what was read for it and written after it. */
  noteRun(rows: number, times: ComputeTimes): void {
    addTo(this.#ofSize(rows), times);
  }

  noteBegun(at: number): void {
    this.#last.note(at);
  }

  #ofSize(rows: number): Stages<ComputeStage> {
    const known = this.#bySize.get(rows);
    if (known !== undefined) return known;
    const labels = { ...this.#labels, batch_size: String(rows) };
    const stages = computeStages((statistic) => this.#batches.series({ ...labels, statistic }));
    this.#bySize.set(rows, stages);
    return stages;
  }
}

function computeStages(of: (stage: ComputeStage) => Duration): Stages<ComputeStage> {
  return {
    compute_input: of("compute_input"),
    compute_infer: of("compute_infer"),
    compute_output: of("compute_output"),
  };
}

function addTo(stages: Stages<ComputeStage>, { decodeUs, runUs, encodeUs }: ComputeTimes): void {
  stages.compute_input.add(decodeUs);
  stages.compute_infer.add(runUs);
  stages.compute_output.add(encodeUs);
}
