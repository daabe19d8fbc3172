/* What rollouts have written that did not last: it is taken back newest first, and tried again until that is done. */
import type { ConfigStore } from "./config-store.ts";
import type { Journal } from "./journal.ts";
import type { Rewrite, RollingOut } from "./journal-entry.ts";
import type { RolloutRecords } from "./rollout-records.ts";

export interface TakeBack {
  /** Of its rollouts in the journal. */
  readonly records: readonly string[];
  /** Of the model.yaml, oldest first. */
  readonly rewrites: readonly Rewrite[];
}

export interface TakeBackParts {
  readonly configs: Pick<ConfigStore, "restore">;
  readonly journal: Pick<Journal, "checkOurs">;
  readonly records: Pick<RolloutRecords, "end">;
}

export class TakeBacks {
  readonly #parts: TakeBackParts;
  readonly #pending = new Map<string, readonly TakeBack[]>();

  constructor(parts: TakeBackParts) {
    this.#parts = parts;
  }

  add(model: string, takeBack: TakeBack): void {
    this.#pending.set(model, [...this.#of(model), takeBack]);
  }

  isPending(model: string): boolean {
    return this.#pending.has(model);
  }

  /** Throws TroupeError where a file cannot be written; what is left then is left for the next time. */
  async carryOut(model: string): Promise<void> {
    for (let next = this.#next(model); next !== undefined; next = this.#next(model)) {
      await this.#carryOut(model, next);
      const done = next;
      const left = this.#of(model).filter((one) => one !== done);
      if (left.length === 0) this.#pending.delete(model);
      else this.#pending.set(model, left);
    }
  }

  async #carryOut(model: string, { records, rewrites }: TakeBack): Promise<void> {
    const { configs, journal } = this.#parts;
    for (const rewrite of rewrites.toReversed()) {
      journal.checkOurs();
      await configs.restore(model, rewrite);
    }
    await this.#parts.records.end(model, records);
  }

  /** The model is gone, and its files are. */
  forget(model: string): void {
    this.#pending.delete(model);
  }

  /** The newest on which none of the others stands: they may have failed in any order. */
  #next(model: string): TakeBack | undefined {
    const all = this.#of(model);
    const isFree = (one: TakeBack) => !all.some((other) => standsOn(other, one));
    return all.findLast(isFree) ?? all.at(-1);
  }

  #of(model: string): readonly TakeBack[] {
    return this.#pending.get(model) ?? [];
  }
}

function standsOn({ rewrites: [first] }: TakeBack, { rewrites }: TakeBack): boolean {
  return first !== undefined && first.before === rewrites.at(-1)?.written;
}

/** What rollouts that are recorded have written. */
export function writtenIn(begun: readonly RollingOut[]): TakeBack {
  return {
    records: begun.map(({ id }) => id),
    rewrites: begun.flatMap(({ rewrite }) => rewrite ?? []),
  };
}
