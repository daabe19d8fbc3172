import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type FeedEvent, feedLength } from "../../src/protocol/questions.ts";
import { Feed } from "../../supervisor/feed.ts";
import { FakeClock } from "../fake-clock.ts";

function happening(state: string): Omit<FeedEvent, "seq" | "at"> {
  return { type: "model", model: "m", version: "1", state, reason: null, details: { hosts: 1 } };
}

describe("Feed", () => {
  it("numbers events from 1 and says when they were", () => {
    const clock = new FakeClock();
    const heard: FeedEvent[] = [];
    const feed = new Feed(clock, (event) => heard.push(event));
    feed.note(happening("loading"));
    clock.advance(1_500);
    const last = feed.note(happening("ready"));
    const expected = [
      { seq: 1, at: "2024-01-01T00:00:00.000Z", ...happening("loading") },
      { seq: 2, at: "2024-01-01T00:00:01.500Z", ...happening("ready") },
    ];
    assert.deepEqual(heard, expected);
    assert.deepEqual(feed.recent, expected);
    assert.deepEqual(last, expected[1]);
  });

  it("keeps the last events only", () => {
    const feed = new Feed(new FakeClock(), () => undefined);
    for (let count = 0; count < feedLength + 5; count += 1) feed.note(happening("ready"));
    const seqs = feed.recent.map(({ seq }) => seq);
    assert.deepEqual([seqs.length, seqs[0], seqs.at(-1)], [feedLength, 6, feedLength + 5]);
  });

  it("gives a copy that does not grow", () => {
    const feed = new Feed(new FakeClock(), () => undefined);
    const { recent } = feed;
    feed.note(happening("ready"));
    assert.deepEqual(recent, []);
  });
});
