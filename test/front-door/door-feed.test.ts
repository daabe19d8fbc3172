import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  DoorFeed,
  judgeReplay,
  type Replay,
  type ReplayAsk,
} from "../../src/front-door/door-feed.ts";
import { feedLength } from "../../src/protocol/questions.ts";
import { feedEvents } from "./feed-events.ts";

describe("judgeReplay", () => {
  const run = "r";
  const full = { run, oldest: 5, newest: 9 };
  const empty = { run, oldest: 1, newest: 0 };
  const rows: readonly (readonly [string, ReplayAsk | undefined, typeof full, Replay])[] = [
    ["only what is new", undefined, full, { after: 9, gap: null }],
    ["what came since", { since: 6, run }, full, { after: 6, gap: null }],
    ["nothing that was seen", { since: 9, run }, full, { after: 9, gap: null }],
    ["all that is kept", { since: 4, run }, full, { after: 4, gap: null }],
    [
      "a gap before it",
      { since: 3, run },
      full,
      { after: 4, gap: { run, from: 4, to: 4, next: 5 } },
    ],
    [
      "a gap from the first",
      { since: 0, run },
      full,
      { after: 4, gap: { run, from: 1, to: 4, next: 5 } },
    ],
    [
      "all of another run",
      { since: 7, run: "q" },
      full,
      { after: 4, gap: { run: "q", from: 8, to: null, next: 5 } },
    ],
    [
      "all of another run, of which nothing is kept",
      { since: 7, run: "q" },
      empty,
      { after: 0, gap: { run: "q", from: 8, to: null, next: 1 } },
    ],
    ["what came since, of any run", { since: 7, run: undefined }, full, { after: 7, gap: null }],
    ["what is yet to come here", { since: 20, run }, full, { after: 20, gap: null }],
    ["everything", { since: 0, run }, empty, { after: 0, gap: null }],
    ["only what is new, of nothing", undefined, empty, { after: 0, gap: null }],
  ];
  for (const [what, ask, kept, expected] of rows) {
    it(`gives ${what}`, () => assert.deepEqual(judgeReplay(ask, kept), expected));
  }
});

describe("The feed of a front door", () => {
  it("begins empty", () => {
    const feed = new DoorFeed();
    assert.deepEqual([feed.oldest, feed.newest, feed.next(0)], [1, 0, undefined]);
  });

  it("leaves out what it knows", () => {
    const feed = new DoorFeed();
    feed.learn(feedEvents(1, 3));
    feed.learn(feedEvents(2, 4));
    const seen = [0, 1, 2, 3, 4].map((after) => feed.next(after)?.seq);
    assert.deepEqual(seen, [1, 2, 3, 4, undefined]);
  });

  it("keeps the last ones", () => {
    const feed = new DoorFeed();
    feed.learn(feedEvents(1, feedLength));
    feed.learn(feedEvents(feedLength + 1, feedLength + 2));
    assert.deepEqual([feed.oldest, feed.newest], [3, feedLength + 2]);
    assert.equal(feed.next(0)?.seq, 3);
  });

  it("may begin in the middle", () => {
    const feed = new DoorFeed();
    feed.learn(feedEvents(7, 8));
    assert.deepEqual([feed.oldest, feed.newest, feed.next(7)?.seq], [7, 8, 8]);
  });

  it("calls those that listen, when there is something new", () => {
    const feed = new DoorFeed();
    const calls: number[] = [];
    const forget = feed.listen(() => calls.push(feed.newest));
    feed.learn(feedEvents(1, 2));
    feed.learn(feedEvents(1, 2));
    forget();
    feed.learn(feedEvents(3, 3));
    assert.deepEqual(calls, [2]);
  });
});
