/* Exact sums, where a histogram has only what falls under its bounds. */
import type { MetricSnapshot } from "../protocol/views.ts";
import { type Count, type Labels, type MetricList, register, Tally } from "./metrics.ts";

/** A count and a sum of nanoseconds for each series, told apart by the label `unit`. */
export class Durations<Name extends string> {
  readonly #tally: Tally;

  constructor(registry: MetricList, name: string, help: string) {
    this.#tally = new Tally(registry, name, help);
  }

  series(labels: Readonly<Record<Name, string>>): Duration {
    const count = this.#tally.series({ ...labels, unit: "count" });
    return new Duration(count, this.#tally.series({ ...labels, unit: "ns" }));
  }

  /** As with a Tally. */
  keep(isKept: (labels: Labels) => boolean): void {
    this.#tally.keep(isKept);
  }
}

export class Duration {
  readonly #count: Count;
  readonly #ns: Count;

  constructor(count: Count, ns: Count) {
    this.#count = count;
    this.#ns = ns;
  }

  add(us: number): void {
    this.#count.add();
    this.#ns.add(us * 1_000);
  }
}

/** When something last happened. Of several processes the latest counts, and it outlives them: it is no gauge. */
export class LastTime {
  readonly name: string;
  readonly help: string;
  readonly #labels: Labels;
  #at = 0;

  constructor(registry: MetricList, name: string, help: string, labels: Labels) {
    this.name = name;
    this.help = help;
    this.#labels = labels;
    register(registry, this);
  }

  note(at: number): void {
    this.#at = Math.max(this.#at, at);
  }

  get(): MetricSnapshot {
    const values = [{ labels: this.#labels, value: this.#at }];
    return { name: this.name, help: this.help, type: "counter", aggregator: "max", values };
  }
}
