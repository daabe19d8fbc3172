/* Keeps what every process last reported, and the sums of those that ended, so that no counter ever goes backward. */
import type { Registry } from "prom-client";
import { snapshotOf } from "../src/platform/metrics.ts";
import { merge } from "../src/platform/registry.ts";
import { statisticMetrics } from "../src/protocol/statistics.ts";
import type { MetricSnapshot, MetricValue } from "../src/protocol/views.ts";

type Snapshot = readonly MetricSnapshot[];
type IsKept = (labels: MetricValue["labels"]) => boolean;

export class MetricsLedger {
  readonly #live = new Map<object, Snapshot>();
  #ended: Snapshot = [];
  #ending: Promise<void> = Promise.resolve();

  note(process: object, snapshot: Snapshot): void {
    this.#live.set(process, snapshot);
  }

  /** A process has ended: what it counted stays, what it measured of itself goes. */
  retire(process: object): void {
    const last = this.#live.get(process);
    this.#live.delete(process);
    if (last === undefined) return;
    const lasting = last.filter(({ type }) => type !== "gauge");
    this.#ending = this.#ending.then(async () => {
      this.#ended = await snapshotOf(merge([this.#ended, lasting]));
    });
  }

  /** Only the series that are to be kept; what ended processes counted in others is forgotten. */
  async merged(own: Registry, isKept: IsKept = () => true): Promise<string> {
    const registry = merge([...(await this.#kept(isKept)), await snapshotOf(own)]);
    for (const name of statisticMetrics) registry.removeSingleMetric(name);
    return registry.metrics();
  }

  /** What is counted for Open Inference V2's statistics, and stands on no page. */
  async statistics(isKept: IsKept = () => true): Promise<Snapshot> {
    const all = await this.#kept(isKept);
    const isStatistic = ({ name }: MetricSnapshot) => statisticMetrics.some((one) => one === name);
    return snapshotOf(merge(all.map((snapshot) => snapshot.filter(isStatistic))));
  }

  async #kept(isKept: IsKept): Promise<readonly Snapshot[]> {
    await this.#ending;
    this.#ended = kept(this.#ended, isKept);
    return [this.#ended, ...[...this.#live.values()].map((snapshot) => kept(snapshot, isKept))];
  }
}

function kept(snapshot: Snapshot, isKept: IsKept): Snapshot {
  return snapshot.map((metric) => ({
    ...metric,
    values: metric.values.filter(({ labels }) => isKept(labels)),
  }));
}
