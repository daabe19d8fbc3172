/* Questions that only the supervisor can answer, and their answers. */
import type { Clock } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import { TroupeError, toError } from "../protocol/errors.ts";
import type { Question, Reply } from "../protocol/questions.ts";

const defaultPatienceMs = 5_000;

/** Rejects with the failure that the supervisor replies, or when it says nothing for `patienceMs`. */
export type AskSupervisor = (question: Question, patienceMs?: number) => Promise<string>;

export class Queries {
  readonly #clock: Clock;
  readonly #tell: (event: DoorEvent) => unknown;
  readonly #open = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  constructor(clock: Clock, tell: (event: DoorEvent) => unknown) {
    this.#clock = clock;
    this.#tell = tell;
  }

  ask(question: Question, patienceMs = defaultPatienceMs): Promise<string> {
    this.#lastId += 1;
    const queryId = this.#lastId;
    return new Promise((resolve, reject) => {
      const disarm = this.#clock.after(patienceMs, () => {
        this.#open.delete(queryId);
        const words = "Cannot answer: the supervisor did not";
        reject(new TroupeError("model-unavailable", words, { retryAfterMs: 1_000 }));
      });
      this.#open.set(queryId, (reply) => {
        disarm();
        if (reply.type === "body") resolve(reply.body);
        else reject(toError(reply.failure));
      });
      this.#tell({ type: "query", queryId, question });
    });
  }

  settle(queryId: number, reply: Reply): void {
    this.#open.get(queryId)?.(reply);
    this.#open.delete(queryId);
  }
}
