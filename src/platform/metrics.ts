import type { Metric } from "prom-client";
import type { MetricSnapshot, MetricValue } from "../protocol/views.ts";

export type Labels = Readonly<Record<string, string>>;

/** What metrics stand in: a registry of prom-client, or a plain list of them. */
export interface MetricList {
  registerMetric(metric: Metric): void;
  getMetricsAsJSON(): Promise<readonly object[]>;
}

/** For a process that writes no page of them: prom-client takes a host a tenth of its start to load. */
export class PlainList implements MetricList {
  readonly #metrics: { get(): MetricSnapshot }[] = [];

  registerMetric(metric: Metric): void {
    this.#metrics.push(metric as unknown as { get(): MetricSnapshot });
  }

  async getMetricsAsJSON(): Promise<readonly MetricSnapshot[]> {
    return this.#metrics.map((metric) => metric.get());
  }
}

export async function snapshotOf(list: MetricList): Promise<readonly MetricSnapshot[]> {
  return (await list.getMetricsAsJSON()) as readonly MetricSnapshot[];
}

/**
 * A counter whose series are bound once: counting is one addition, where prom-client hashes the labels each time
 * It stands in a prom-client registry like any metric, or in a plain list.
 */
export class Tally<Name extends string = string> {
  readonly name: string;
  readonly help: string;
  readonly #series = new Map<string, Count>();

  constructor(registry: MetricList, name: string, help: string) {
    this.name = name;
    this.help = help;
    register(registry, this);
  }

  series(labels: Readonly<Record<Name, string>>): Count {
    const key = Object.values<string>(labels).join("\n");
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const count = new Count(labels);
    this.#series.set(key, count);
    return count;
  }

  /** Counting for those that are dropped goes on in new series, from 0. */
  keep(isKept: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#series) if (!isKept(labels)) this.#series.delete(key);
  }

  get(): MetricSnapshot {
    const values = [...this.#series.values()].map(({ labels, value }) => ({ labels, value }));
    return { name: this.name, help: this.help, type: "counter", aggregator: "sum", values };
  }
}

export class Count {
  readonly labels: Labels;
  value = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  add(amount = 1): void {
    this.value += amount;
  }
}

/** A histogram whose series are bound once, for the same reason as Tally. */
export class Distribution<Name extends string = string> {
  readonly name: string;
  readonly help: string;
  readonly #bounds: readonly number[];
  readonly #series = new Map<string, Buckets>();

  constructor(registry: MetricList, name: string, help: string, bounds: readonly number[]) {
    this.name = name;
    this.help = help;
    this.#bounds = bounds;
    register(registry, this);
  }

  series(labels: Readonly<Record<Name, string>>): Buckets {
    const key = Object.values<string>(labels).join("\n");
    const known = this.#series.get(key);
    if (known !== undefined) return known;
    const buckets = new Buckets(labels, this.#bounds);
    this.#series.set(key, buckets);
    return buckets;
  }

  /** As with a Tally. */
  keep(isKept: (labels: Labels) => boolean): void {
    for (const [key, { labels }] of this.#series) if (!isKept(labels)) this.#series.delete(key);
  }

  get(): MetricSnapshot {
    const values = [...this.#series.values()].flatMap((buckets) => buckets.values(this.name));
    return { name: this.name, help: this.help, type: "histogram", aggregator: "sum", values };
  }
}

export class Buckets {
  readonly labels: Labels;
  readonly #bounds: readonly number[];
  /** How many fell at or under each bound but over the one before; the last holds what is over all. */
  readonly #counts: Float64Array;
  #sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    this.#counts[at] = (this.#counts[at] as number) + 1;
    this.#sum += value;
  }

  /** The cumulative form that Prometheus reads. */
  values(name: string): MetricValue[] {
    const values: MetricValue[] = [];
    let total = 0;
    for (const [at, count] of this.#counts.entries()) {
      total += count;
      const le = this.#bounds[at] ?? "+Inf";
      values.push({ metricName: `${name}_bucket`, labels: { le, ...this.labels }, value: total });
    }
    values.push({ metricName: `${name}_sum`, labels: this.labels, value: this.#sum });
    values.push({ metricName: `${name}_count`, labels: this.labels, value: total });
    return values;
  }
}

/** The registry asks a metric only for its name and `get`; prom-client's type names its own four classes. */
export function register(
  registry: MetricList,
  metric: { name: string; get(): MetricSnapshot },
): void {
  registry.registerMetric(metric as unknown as Metric);
}

/** Seconds, from a cache hit to a heavy model. */
export const secondsBounds = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
  30,
] as const;
