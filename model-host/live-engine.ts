/* The engine that a host runs its batches on, and the place where another takes over between two of them. */
import type { Engine, NamedTensor, OwnedEngine, RunResult } from "./engine.ts";

interface Successor {
  readonly engine: OwnedEngine;
  readonly taken: (before: OwnedEngine) => void;
}

export class LiveEngine implements Engine {
  #engine: OwnedEngine;
  #successor: Successor | undefined;
  #running = 0;
  /** Told of each run that went well. */
  onRun: (inputs: readonly NamedTensor[], runMs: number) => void = () => undefined;

  constructor(engine: OwnedEngine) {
    this.#engine = engine;
  }

  get takesMemory(): boolean {
    return this.#engine.takesMemory;
  }

  /** A busy engine that was given its next batch again and again would never be between two. */
  get takesNext(): boolean {
    return this.#engine.takesNext && this.#successor === undefined;
  }

  async run(inputs: readonly NamedTensor[], fetches: readonly string[]): Promise<RunResult> {
    this.#running += 1;
    try {
      const result = await this.#engine.run(inputs, fetches);
      this.onRun(inputs, result.runMs);
      return result;
    } finally {
      this.#running -= 1;
      this.#succeed();
    }
  }

  /** Resolves when the other has taken over, with the one before, on which nothing runs any more. */
  replaceWith(engine: OwnedEngine): Promise<OwnedEngine> {
    return new Promise((taken) => {
      this.#successor = { engine, taken };
      this.#succeed();
    });
  }

  serves(engine: OwnedEngine): boolean {
    return this.#engine === engine;
  }

  /** What waits to take over cannot any more: all stays as it is. */
  forgetSuccessor(): void {
    this.#successor = undefined;
  }

  #succeed(): void {
    if (this.#running > 0 || this.#successor === undefined) return;
    const { engine, taken } = this.#successor;
    const before = this.#engine;
    this.#engine = engine;
    this.#successor = undefined;
    taken(before);
  }
}
