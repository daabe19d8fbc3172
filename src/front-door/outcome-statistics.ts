/* How often, and after how long, requests for each version succeeded and failed, as those who sent them saw it. */
import type { Registry } from "prom-client";
import { type Duration, Durations } from "../platform/durations.ts";
import { durationsMetric, type Outcome } from "../protocol/statistics.ts";
import type { AccessEntry } from "./access-log.ts";
import type { Directory, Target } from "./directory.ts";

type Names = "model_id" | "version" | "statistic";
type Outcomes = Readonly<Record<Outcome, Duration>>;

export class OutcomeStatistics {
  readonly #durations: Durations<Names>;
  readonly #directory: Pick<Directory, "find">;
  readonly #bound = new Map<string, Outcomes>();

  constructor(registry: Registry, directory: Pick<Directory, "find">) {
    this.#durations = new Durations(registry, durationsMetric, "Times of requests by outcome");
    this.#directory = directory;
  }

  /** What names no model or version that exists is nobody's failure. */
  note({
    model,
    version,
    code,
    totalMs,
  }: Pick<AccessEntry, "model" | "version" | "code" | "totalMs">): void {
    const outcomes = this.#bound.get(`${model}/${version}`) ?? this.#bind(model, version);
    outcomes?.[code === null ? "success" : "fail"].add(totalMs * 1_000);
  }

  /** The model is gone, and one of its name begins anew. */
  forget(model: string): void {
    this.#durations.keep(({ model_id }) => model_id !== model);
    for (const key of this.#bound.keys()) if (key.startsWith(`${model}/`)) this.#bound.delete(key);
  }

  /** One that was refused before it had a version would have got the default one. */
  #bind(model: string, version: string): Outcomes | undefined {
    const target = this.#find(model, version);
    if (target === undefined) return undefined;
    const labels = { model_id: target.model.name, version: target.version.version };
    const key = `${labels.model_id}/${labels.version}`;
    const outcome = (statistic: Outcome) => this.#durations.series({ ...labels, statistic });
    const outcomes = this.#bound.get(key) ?? { success: outcome("success"), fail: outcome("fail") };
    this.#bound.set(key, outcomes);
    return outcomes;
  }

  #find(model: string, version: string): Target | undefined {
    try {
      return this.#directory.find(model, version === "" ? undefined : version);
    } catch {
      return undefined;
    }
  }
}
