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
  /** Of the request that asks for it; null where none does. */
  readonly requestId: string | null;
}

interface Place {
  readonly model: string;
  readonly version: string | null;
  readonly requestId?: string | undefined;
  /** What it follows, where nobody asks for it. */
  readonly why?: string;
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

  /**
   * Throws `conflict` where another change of the model is under way. What is told at the end names the version that
   * `act` has named.
   */
  async alone<T>(
    kind: ChangeKind,
    place: Place,
    act: (name: (version: string) => void) => Promise<T>,
  ): Promise<T> {
    const { model } = place;
    const other = this.current(model);
    if (other !== null) {
      const words = `Cannot ${kind} model '${model}': another change of it is under way (${other})`;
      throw new TroupeError("conflict", words, { retryAfterMs });
    }
    return this.#hold(kind, model, () => this.told(kind, place, act));
  }

  /** Tells how it begins and ends, for whoever has the model to itself. */
  async told<T>(
    kind: ChangeKind,
    { model, version: asked, requestId, why }: Place,
    act: (name: (version: string) => void) => Promise<T>,
  ): Promise<T> {
    let version: string | null = asked;
    const tell = (state: ChangeNote["state"], reason: string | null) =>
      this.#onChange({ kind, model, version, state, reason, requestId: requestId ?? null });
    tell("began", why ?? null);
    try {
      const result = await act((named) => {
        version = named;
      });
      tell("done", null);
      return result;
    } catch (thrown) {
      tell("failed", wordsOf(thrown));
      throw thrown;
    }
  }

  /** As `alone`, when what is under way is over. */
  inTurn<T>(kind: ChangeKind, place: Place, act: () => Promise<T>): Promise<T> {
    return this.#whenFree(place.model, () => this.alone(kind, place, act));
  }

  /** Begins at once, or when what is under way is over; nobody is told. */
  afterwards(kind: ChangeKind, model: string, act: () => Promise<void>): Promise<void> {
    return this.#whenFree(model, () => this.#hold(kind, model, act));
  }

  /** Nothing may come between the last look and `take`: several may wait for the same end. */
  async #whenFree<T>(model: string, take: () => Promise<T>): Promise<T> {
    for (let held = this.#held.get(model); held !== undefined; held = this.#held.get(model)) {
      await held.over;
    }
    return take();
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
