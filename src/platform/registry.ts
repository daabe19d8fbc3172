import { AggregatorRegistry, Registry } from "prom-client";
import type { MetricSnapshot } from "../protocol/views.ts";

/** One registry a process that writes pages of metrics, or has metrics of prom-client's own. */
export function createRegistry(): Registry {
  return new Registry();
}

/** Sums counters and histograms, and gauges by their aggregator, over several processes. */
export function merge(snapshots: readonly (readonly MetricSnapshot[])[]): Registry {
  return AggregatorRegistry.aggregate(snapshots as unknown as object[][] as object[]);
}
