/* One change of a model at a time: who comes meanwhile is refused, and what must be done all the same waits. */
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelChange } from "../src/protocol/questions.ts";

export type ChangeKind = ModelChange["type"] | "watch" | "rollback" | "resume";

export interface ChangeNote {
  readonly kind: ChangeKind;
  readonly model: string;
  readonly version: string | null;
  readonly state: "began" | "done" | "failed" | "rolled-back";
  readonly reason: string | null;
}

interface Held {
  readonly kind: ChangeKind;
  readonly over: Promise<void>;
}

/** Most changes take a second or two. */
const retryAfterMs = 2_000;

export class ChangeLocks {
  readonly #onChange: (note: ChangeNote) => void;
  readonly #held = new Map<string, Held>();

  constructor(onChange: (note: ChangeNote) => void) {
    this.#onChange = onChange;
  }

  /** What is being changed of the model, if anything is. */
  current(model: string): ChangeKind | null {
    return this.#held.get(model)?.kind ?? null;
  }

  /** Throws `conflict` where another change of the model is under way. */
  async alone<T>(
    kind: ChangeKind,
    { model, version }: { readonly model: string; readonly version: string | null },
    act: () => Promise<T>,
  ): Promise<T> {
    const other = this.current(model);
    if (other !== null) {
      const words = `Cannot ${kind} model '${model}': another change of it is under way (${other})`;
      throw new TroupeError("conflict", words, { retryAfterMs });
    }
    return this.#hold(kind, model, async () => {
      const note = { kind, model, version };
      this.#onChange({ ...note, state: "began", reason: null });
      try {
        const result = await act();
        this.#onChange({ ...note, state: "done", reason: null });
        return result;
      } catch (thrown) {
        this.#onChange({ ...note, state: "failed", reason: wordsOf(thrown) });
        throw thrown;
      }
    });
  }

  /** As `alone`, when what is under way is over. */
  async inTurn<T>(
    kind: ChangeKind,
    which: { readonly model: string; readonly version: string | null },
    act: () => Promise<T>,
  ): Promise<T> {
    await this.#free(which.model);
    return this.alone(kind, which, act);
  }

  /** Begins at once, or when what is under way is over; nobody is told. */
  async afterwards(kind: ChangeKind, model: string, act: () => Promise<void>): Promise<void> {
    if (this.#held.has(model)) await this.#free(model);
    await this.#hold(kind, model, act);
  }

  async #free(model: string): Promise<void> {
    for (let held = this.#held.get(model); held !== undefined; held = this.#held.get(model)) {
      await held.over;
    }
  }

  #hold<T>(kind: ChangeKind, model: string, act: () => Promise<T>): Promise<T> {
    const { promise: over, resolve } = withResolve();
    this.#held.set(model, { kind, over });
    return act().finally(() => {
      this.#held.delete(model);
      resolve();
    });
  }
}

function withResolve(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

export function wordsOf(thrown: unknown): string {
  return thrown instanceof TroupeError ? thrown.message : "internal error";
}
