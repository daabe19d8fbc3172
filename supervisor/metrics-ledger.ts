/* Keeps what every process last reported, and the sums of those that ended, so that no counter ever goes backward. */
import type { Registry } from "prom-client";
import { merge, snapshotOf } from "../src/platform/metrics.ts";
import type { MetricSnapshot } from "../src/protocol/views.ts";

type Snapshot = readonly MetricSnapshot[];

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

  async merged(own: Registry): Promise<string> {
    await this.#ending;
    const all = [this.#ended, ...this.#live.values(), await snapshotOf(own)];
    return merge(all).metrics();
  }
}
