import type { FeedEvent } from "../../src/protocol/questions.ts";

/** Those numbered `first` to `last`. */
export function feedEvents(first: number, last: number, reason: string | null = null): FeedEvent[] {
  return Array.from({ length: last - first + 1 }, (_, at) => ({
    seq: first + at,
    at: "2024-01-01T00:00:00.000Z",
    type: "model",
    model: "m",
    version: "1",
    state: "ready",
    reason,
    details: { took_ms: 7 },
  }));
}
