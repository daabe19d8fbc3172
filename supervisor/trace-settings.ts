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

  /** A model without anything of its own is counted with all others. */
  hasOwn(model: string): boolean {
    return this.#models.has(model);
  }

  change(model: string | null, change: TraceChange): void {
    const before = model === null ? this.#all : (this.#models.get(model) ?? {});
    const after = applied(before, change);
    if (model === null) this.#all = after;
    else if (Object.keys(after).length === 0) this.#models.delete(model);
    else this.#models.set(model, after);
  }

  /** One trace less is still taken. False where none was wanted any more. */
  spend(model: string): boolean {
    const of = this.hasOwn(model) ? model : null;
    const { count, level } = this.get(of);
    if (count === 0 || level === "OFF") return false;
    if (count !== null) this.change(of, { count: count - 1 });
    return true;
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
  return Object.fromEntries(entries.filter(([, value]) => value !== "cleared"));
}

function samplingOf({ level, rate, count }: TraceSettings): Sampling | null {
  return level === "OFF" || count === 0 ? null : { rate, count };
}
