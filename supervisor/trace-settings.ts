/* What is traced: settings for all models, over which a model's own stand field by field, as Triton has them. */
import {
  type Sampling,
  type TraceChange,
  type TracePlan,
  type TraceSettings,
  tracesNothing,
} from "../src/protocol/traces.ts";

export const defaultTraceSettings: TraceSettings = {
  level: "OFF",
  rate: 1_000,
  count: null,
  logFrequency: 0,
  file: "",
};

type Own = Partial<TraceSettings>;

export class TraceSettingsBook {
  #all: Own = {};
  readonly #models = new Map<string, Own>();

  get(model: string | null): TraceSettings {
    const own = model === null ? {} : this.#models.get(model);
    return { ...defaultTraceSettings, ...this.#all, ...own };
  }

  change(model: string | null, change: TraceChange): void {
    const before = model === null ? this.#all : (this.#models.get(model) ?? {});
    const after = applied(before, change);
    if (model === null) this.#all = after;
    else if (Object.keys(after).length === 0) this.#models.delete(model);
    else this.#models.set(model, after);
  }

  /** False where it had no settings of its own. */
  forget(model: string): boolean {
    return this.#models.delete(model);
  }

  isOver(model: string): boolean {
    return this.get(model).count === 0;
  }

  /** One trace less is still taken. False where none was wanted any more. */
  spend(model: string): boolean {
    const { count, level } = this.get(model);
    if (count === 0 || level === "OFF") return false;
    if (count !== null) this.change(this.#countedAs(model), { count: count - 1 });
    return true;
  }

  /** A model without a count of its own is counted with all others. */
  #countedAs(model: string): string | null {
    return this.#models.get(model)?.count === undefined ? null : model;
  }

  get plan(): TracePlan {
    const models = [...this.#models.keys()].map(
      (name) => [name, samplingOf(this.get(name))] as const,
    );
    const all = samplingOf(this.get(null));
    return all === null && models.length === 0 ? tracesNothing : { all, models };
  }
}

function applied(before: Own, change: TraceChange): Own {
  const entries = Object.entries({ ...before, ...change });
  return Object.fromEntries(entries.filter(([, value]) => value !== false));
}

function samplingOf({ level, rate, count }: TraceSettings): Sampling | null {
  return level === "OFF" || count === 0 ? null : { rate, count };
}
