/* Open Inference V2's statistics, out of what all processes have counted; nothing is counted here. */
import {
  batchesMetric,
  type ComputeStage,
  durationsMetric,
  lastInferenceMetric,
  type Outcome,
  type Stage,
} from "../src/protocol/statistics.ts";
import type { MetricSnapshot, MetricValue } from "../src/protocol/views.ts";

type Json = Readonly<Record<string, unknown>>;
type Sum = { readonly count: number; readonly ns: number };

export interface CountedVersion {
  readonly model: string;
  readonly version: string;
  readonly isRunning: boolean;
  /** Of all its hosts together; null where it is not known, or there are none. */
  readonly rssBytes: number | null;
}

const stages: readonly ComputeStage[] = ["compute_input", "compute_infer", "compute_output"];
const durations: readonly (Outcome | Stage)[] = ["success", "fail", "queue", ...stages];
/** Troupe keeps no answers. */
const nothing: Sum = { count: 0, ns: 0 };

/** One entry for each of the versions, in their order. */
export function modelStatistics(
  counted: readonly MetricSnapshot[],
  versions: readonly CountedVersion[],
): readonly Json[] {
  const valuesOf = (name: string) => counted.find((metric) => metric.name === name)?.values ?? [];
  const [times, batches, last] = [durationsMetric, batchesMetric, lastInferenceMetric].map((name) =>
    byVersion(valuesOf(name)),
  );
  return versions.map((one) => {
    const key = keyOf(one.model, one.version);
    return {
      name: one.model,
      version: one.version,
      last_inference: last?.get(key)?.[0]?.value ?? 0,
      ...requestsJson(times?.get(key) ?? [], batchesJson(batches?.get(key) ?? [])),
      memory_usage: one.rssBytes === null ? [] : [{ type: "CPU", id: 0, byte_size: one.rssBytes }],
    };
  });
}

/** Whether anything was ever asked of it. */
export function isUsed({ inference_stats }: Json): boolean {
  const { success, fail } = inference_stats as Readonly<Record<Outcome, Sum>>;
  return success.count + fail.count > 0;
}

interface BatchJson {
  readonly batch_size: number;
  readonly compute_infer: Sum;
}

function requestsJson(values: readonly MetricValue[], batches: readonly BatchJson[]): Json {
  const executions = batches.reduce((sum, { compute_infer }) => sum + compute_infer.count, 0);
  const rows = batches.reduce((sum, one) => sum + one.batch_size * one.compute_infer.count, 0);
  const sums = durations.map((statistic) => [statistic, sumOf(values, statistic)]);
  return {
    inference_count: rows,
    execution_count: executions,
    inference_stats: {
      ...Object.fromEntries(sums),
      cache_hit: nothing,
      cache_miss: nothing,
    },
    response_stats: {},
    batch_stats: batches,
  };
}

/** By size, the smallest first. */
function batchesJson(values: readonly MetricValue[]): readonly BatchJson[] {
  const sizes = [...new Set(values.map(({ labels }) => Number(labels["batch_size"])))];
  return sizes
    .toSorted((a, b) => a - b)
    .map((batch_size) => {
      const own = values.filter(({ labels }) => Number(labels["batch_size"]) === batch_size);
      const [compute_input, compute_infer, compute_output] = stages.map((one) => sumOf(own, one));
      return { batch_size, compute_input, compute_infer: compute_infer ?? nothing, compute_output };
    });
}

function sumOf(values: readonly MetricValue[], statistic: string): Sum {
  const own = values.filter(({ labels }) => labels["statistic"] === statistic);
  const of = (unit: string) => own.find(({ labels }) => labels["unit"] === unit)?.value ?? 0;
  return { count: of("count"), ns: Math.round(of("ns")) };
}

function byVersion(values: readonly MetricValue[]): ReadonlyMap<string, readonly MetricValue[]> {
  const groups = new Map<string, MetricValue[]>();
  for (const value of values) {
    const key = keyOf(value.labels["model_id"], value.labels["version"]);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

function keyOf(model: unknown, version: unknown): string {
  return `${model}/${version}`;
}
