import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { parseReplayAsk } from "../../src/front-door/feed-sockets.ts";
import type { DoorSettings } from "../../src/protocol/control.ts";
import { feedEvents } from "./feed-events.ts";
import type { SocketClient } from "./socket-client.ts";
import { serveSockets } from "./socket-server.ts";
import { until } from "./until.ts";

async function serve(t: TestContext, changed: Partial<DoorSettings> = {}) {
  const server = await serveSockets(t, { run: "r", management: "guarded", ...changed });
  const open = (query = "", headers: Readonly<Record<string, string>> = {}) =>
    server.open(`/events${query}`, headers);
  return { ...server, open };
}

async function seqs(client: SocketClient, count: number): Promise<readonly unknown[]> {
  const frames = await client.has(count);
  return frames.map(
    ({ type, seq, run, from, to, next }) => seq ?? (type === "gap" ? [run, from, to, next] : type),
  );
}

describe("parseReplayAsk", () => {
  it("reads what was seen, and of which run", () => {
    assert.deepEqual(parseReplayAsk("/events?since=7&run=r"), { since: 7, run: "r" });
    assert.deepEqual(parseReplayAsk("/events?since=0"), { since: 0, run: undefined });
    assert.equal(parseReplayAsk("/events?run=r"), undefined);
  });

  for (const since of ["", "-1", "1.5", "x", "1e3", "1234567890123456"]) {
    it(`refuses '${since}'`, () =>
      assert.throws(() => parseReplayAsk(`/events?since=${since}`), { code: "invalid-request" }));
  }
});

describe("The feed on a socket", { timeout: 20_000 }, () => {
  it("says hello, and tells of what is new", async (t) => {
    const { open, feed, sockets, metrics } = await serve(t);
    feed.learn(feedEvents(1, 2));
    const client = await open().opened();
    await client.has(1);
    feed.learn(feedEvents(3, 3, "why"));
    const frames = await client.has(2);
    assert.deepEqual(frames, [
      { type: "hello", run: "r", oldest: 1, newest: 2 },
      {
        type: "event",
        seq: 3,
        at: "2024-01-01T00:00:00.000Z",
        kind: "model",
        model: "m",
        version: "1",
        state: "ready",
        reason: "why",
        took_ms: 7,
      },
    ]);
    assert.equal(sockets.count, 1);
    assert.equal(metrics.route("GET", "/events", 101).requests.value, 1);
  });

  it("brings what was missed, and goes on", async (t) => {
    const { open, feed } = await serve(t);
    feed.learn(feedEvents(4, 6));
    const client = await open("?since=4&run=r").opened();
    await client.has(3);
    feed.learn(feedEvents(7, 7));
    assert.deepEqual(await seqs(client, 4), ["hello", 5, 6, 7]);
  });

  it("says what is missing", async (t) => {
    const { open, feed } = await serve(t);
    feed.learn(feedEvents(4, 5));
    assert.deepEqual(await seqs(open("?since=1"), 4), ["hello", ["r", 2, 3, 4], 4, 5]);
  });

  it("gives all of this run to those who have seen another", async (t) => {
    const { open, feed } = await serve(t);
    feed.learn(feedEvents(1, 2));
    assert.deepEqual(await seqs(open("?since=9&run=q"), 4), ["hello", ["q", 10, null, 1], 1, 2]);
  });

  it("brings more than the buffer's bound to those who read", async (t) => {
    const { open, feed } = await serve(t, { wsMaxBufferedBytes: 1_000 });
    feed.learn(feedEvents(1, 500, "x".repeat(4_000)));
    const all = await seqs(open("?since=0"), 501);
    assert.deepEqual([all.length, all.at(-1)], [501, 500]);
  });

  it("gives up those who do not read", async (t) => {
    const { open, feed, sockets } = await serve(t, { wsMaxBufferedBytes: 1_000 });
    const client = await open().opened();
    await client.has(1);
    client.socket.pause();
    for (let seq = 1; seq <= 5_000; seq += 1) feed.learn(feedEvents(seq, seq, "x".repeat(4_000)));
    client.socket.resume();
    assert.equal(await client.closed(), 1013);
    await until(() => sockets.count === 0);
  });

  it("is closed with 1001 by a drain, and never for being idle", async (t) => {
    const { open, sockets, clock } = await serve(t, { wsIdleMs: 1, wsPingMs: 10 });
    const client = await open().opened();
    for (let pings = 1; pings < 5; pings += 1) {
      clock.advance(10);
      await until(() => client.pings === pings, "a ping");
      await new Promise(setImmediate);
    }
    await sockets.drain();
    assert.equal(await client.closed(), 1001);
  });

  const refusals: readonly (readonly [string, object, number])[] = [
    ["?since=x", {}, 400],
    ["", { origin: "https://b.example" }, 403],
    ["", { host: "evil.example" }, 403],
    ["", { "sec-fetch-site": "cross-site" }, 403],
  ];
  for (const [query, headers, status] of refusals) {
    it(`is refused with ${status}: ${query} ${JSON.stringify(headers)}`, async (t) => {
      const { open, metrics } = await serve(t);
      assert.equal(await open(query, headers as Record<string, string>).refused(), status);
      assert.equal(metrics.route("GET", "/events", status).requests.value, 1);
    });
  }

  it("is refused where models cannot be changed", async (t) => {
    const { open } = await serve(t, { management: "off" });
    assert.equal(await open().refused(), 403);
  });
});
