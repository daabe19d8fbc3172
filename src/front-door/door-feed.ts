/* The last events that the supervisor has told of, and what of them somebody has missed. */
import { type FeedEvent, feedLength } from "../protocol/questions.ts";

export interface ReplayAsk {
  /** The last event that was seen, of `run`. */
  readonly since: number;
  /** Undefined where the caller does not say. */
  readonly run: string | undefined;
}

export interface Replay {
  /** Events after this one are due. */
  readonly after: number;
  readonly gap: FeedGap | null;
}

/** Events that are gone for good. */
export interface FeedGap {
  /** In which they happened, which may be another one than this. */
  readonly run: string;
  readonly from: number;
  /** Null where that run is over, so that nobody knows how many there were. */
  readonly to: number | null;
  /** Of this run: with this event the feed goes on. */
  readonly next: number;
}

/** What somebody gets first who has seen `ask`; undefined asks for new events only. */
export function judgeReplay(
  ask: ReplayAsk | undefined,
  kept: { readonly run: string; readonly oldest: number; readonly newest: number },
): Replay {
  if (ask === undefined) return { after: kept.newest, gap: null };
  const { run = kept.run, since } = ask;
  const isOtherRun = run !== kept.run;
  if (!isOtherRun && since >= kept.oldest - 1) return { after: since, gap: null };
  const next = kept.oldest;
  const to = isOtherRun ? null : next - 1;
  return { after: next - 1, gap: { run, from: since + 1, to, next } };
}

export class DoorFeed {
  #kept: readonly FeedEvent[] = [];
  readonly #listeners = new Set<() => void>();

  /** One more than `newest` where there is none. */
  get oldest(): number {
    return this.#kept[0]?.seq ?? 1;
  }

  /** 0 before the first. */
  get newest(): number {
    return this.#kept.at(-1)?.seq ?? 0;
  }

  /** In order; those that are known already are left out. */
  learn(events: readonly FeedEvent[]): void {
    const { newest } = this;
    const fresh = events.filter(({ seq }) => seq > newest);
    if (fresh.length === 0) return;
    this.#kept = [...this.#kept, ...fresh].slice(-feedLength);
    for (const listener of [...this.#listeners]) listener();
  }

  /** The first event behind this one. */
  next(after: number): FeedEvent | undefined {
    return this.#kept[Math.max(0, after + 1 - this.oldest)];
  }

  /** Called when there is something new, until the function that is returned is called. */
  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }
}
