/* Questions that only the supervisor can answer, and their answers. */
import type { Clock } from "../platform/clock.ts";
import type { DoorEvent } from "../protocol/control.ts";
import { TroupeError, toError } from "../protocol/errors.ts";
import type { Question, Reply } from "../protocol/questions.ts";

const defaultPatienceMs = 5_000;

export interface Waiting {
  readonly patienceMs?: number;
  /** Gets what comes when nobody waits for it any more, so that what it gives can be given back. */
  readonly onLate?: (body: string) => void;
}

/** Rejects with the failure that the supervisor replies, or when it says nothing for `patienceMs`. */
export type AskSupervisor = (question: Question, waiting?: Waiting) => Promise<string>;

export class Queries {
  readonly #clock: Clock;
  readonly #tell: (event: DoorEvent) => unknown;
  readonly #open = new Map<number, (reply: Reply) => void>();
  #lastId = 0;

  constructor(clock: Clock, tell: (event: DoorEvent) => unknown) {
    this.#clock = clock;
    this.#tell = tell;
  }

  ask(question: Question, waiting: Waiting = {}): Promise<string> {
    const { patienceMs = defaultPatienceMs, onLate } = waiting;
    this.#lastId += 1;
    const queryId = this.#lastId;
    return new Promise((resolve, reject) => {
      const disarm = this.#clock.after(patienceMs, () => {
        this.#open.delete(queryId);
        if (onLate !== undefined) this.#open.set(queryId, (reply) => takeLate(reply, onLate));
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

function takeLate(reply: Reply, onLate: (body: string) => void): void {
  if (reply.type === "body") onLate(reply.body);
}
