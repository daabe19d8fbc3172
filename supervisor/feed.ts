import type { Clock } from "../src/platform/clock.ts";
import { type FeedEvent, feedLength } from "../src/protocol/questions.ts";

/** Numbers what happens, and remembers the last of it for those who come later. */
export class Feed {
  readonly #clock: Pick<Clock, "wall">;
  readonly #onEvent: (event: FeedEvent) => void;
  readonly #recent: FeedEvent[] = [];
  #lastSeq = 0;

  constructor(clock: Pick<Clock, "wall">, onEvent: (event: FeedEvent) => void) {
    this.#clock = clock;
    this.#onEvent = onEvent;
  }

  /** Oldest first. */
  get recent(): readonly FeedEvent[] {
    return [...this.#recent];
  }

  note(happening: Omit<FeedEvent, "seq" | "at">): FeedEvent {
    this.#lastSeq += 1;
    const at = new Date(this.#clock.wall()).toISOString();
    const event: FeedEvent = { seq: this.#lastSeq, at, ...happening };
    this.#recent.push(event);
    if (this.#recent.length > feedLength) this.#recent.shift();
    this.#onEvent(event);
    return event;
  }
}
