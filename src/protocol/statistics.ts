/* What processes count for Open Inference V2's statistics: it travels with their metrics, but is no page's. */

/** Of a version by `statistic`, see below, each in two units: `count` and `ns`. */
export const durationsMetric = "statistics_durations_total";
/** The same for each size that its batches had, of the three stages that are named `compute`. */
export const batchesMetric = "statistics_batches_total";
/** When a version was last given something to run, milliseconds since 1970. */
export const lastInferenceMetric = "statistics_last_inference_ms";

export const statisticMetrics = [durationsMetric, batchesMetric, lastInferenceMetric] as const;

/** Front doors count how requests end, from their head to their answer; hosts count the stages of those that succeed. */
export type Outcome = "success" | "fail";
export type ComputeStage = "compute_input" | "compute_infer" | "compute_output";
export type Stage = "queue" | ComputeStage;
