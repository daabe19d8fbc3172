/* Questions that only the supervisor can answer, and their answers. */
import type { Clock } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import { TroupeError } from "../protocol/errors.ts";

const patienceMs = 5_000;

export type AskSupervisor = (what: "tree" | "metrics") => Promise<string>;

export class Queries {
  readonly #clock: Clock;
  readonly #tell: (event: DoorEvent) => unknown;
  readonly #open = new Map<number, (body: string) => void>();
  #lastId = 0;

  constructor(clock: Clock, tell: (event: DoorEvent) => unknown) {
    this.#clock = clock;
    this.#tell = tell;
  }

  ask(what: "tree" | "metrics"): Promise<string> {
    this.#lastId += 1;
    const queryId = this.#lastId;
    return new Promise((resolve, reject) => {
      const disarm = this.#clock.after(patienceMs, () => {
        this.#open.delete(queryId);
        const words = "Cannot answer: the supervisor did not";
        reject(new TroupeError("model-unavailable", words, { retryAfterMs: 1_000 }));
      });
      this.#open.set(queryId, (body) => {
        disarm();
        resolve(body);
      });
      this.#tell({ type: "query", queryId, what });
    });
  }

  settle(queryId: number, body: string): void {
    this.#open.get(queryId)?.(body);
    this.#open.delete(queryId);
  }
}
