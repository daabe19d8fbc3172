import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readFeed } from "../../src/client/event-feed.ts";
import type { Connect } from "../../src/client/socket-line.ts";
import { FakeSockets } from "./fake-sockets.ts";

function open(since?: number) {
  const sockets = new FakeSockets();
  const queries: string[] = [];
  const over = new AbortController();
  const connectTo = (query: string): Connect => {
    queries.push(query);
    return sockets.connect;
  };
  const feed = readFeed(connectTo, { signal: over.signal, since });
  return { sockets, queries, feed, over };
}

const hello = { type: "hello", run: "r1", oldest: 1, newest: 7 };

describe("a feed of events", () => {
  it("goes on behind the last event when its connection breaks", async () => {
    const { sockets, queries, feed } = open();
    const first = feed.next();
    const connection = await sockets.connection(0);
    connection.say(hello);
    connection.say({ type: "event", seq: 8 });
    assert.deepEqual((await first).value, { type: "event", seq: 8 });
    connection.break();
    const second = feed.next();
    (await sockets.connection(1)).say({ type: "event", seq: 9 });
    assert.deepEqual((await second).value, { type: "event", seq: 9 });
    assert.deepEqual(queries, ["", "?since=8&run=r1"]);
    await feed.return();
  });

  it("begins anew behind the newest where nothing has come yet", async () => {
    const { sockets, queries, feed } = open();
    const first = feed.next();
    const connection = await sockets.connection(0);
    connection.say(hello);
    connection.break();
    (await sockets.connection(1)).say({ type: "event", seq: 8 });
    await first;
    assert.deepEqual(queries, ["", "?since=7&run=r1"]);
    await feed.return();
  });

  it("begins where it is told to, and passes gaps on", async () => {
    const { sockets, queries, feed } = open(3);
    const first = feed.next();
    const gap = { type: "gap", run: "r0", from: 4, to: null, next: 1 };
    (await sockets.connection(0)).say(gap);
    assert.deepEqual((await first).value, gap);
    assert.deepEqual(queries, ["?since=3"]);
    await feed.return();
  });

  it("ends, and closes its connection, when the signal says so", async () => {
    const { sockets, feed, over } = open();
    const next = feed.next();
    const connection = await sockets.connection(0);
    over.abort();
    assert.equal((await next).done, true);
    assert.equal(connection.isClosed, true);
  });

  it("ends where the signal says so before a connection is there", async () => {
    const { sockets, feed, over } = open();
    sockets.isSilent = true;
    const next = feed.next();
    over.abort();
    assert.equal((await next).done, true);
  });
});
