import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { Flight, type SequenceCall } from "../../src/front-door/flight.ts";
import { HostLink } from "../../src/front-door/host-link.ts";
import { FrameWriter } from "../../src/protocol/frame-stream.ts";
import { protocolVersion, writeHello } from "../../src/protocol/frames.ts";
import { writeChunk, writePressure, writeRunning } from "../../src/protocol/host-frames.ts";
import type { Pressure } from "../../src/protocol/pressure.ts";
import { FakeClock } from "../fake-clock.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";
import { FakeHost, pressure } from "./fake-host.ts";
import { until } from "./until.ts";

function flight(body = "abc", sequence: SequenceCall | null = null): Flight {
  const shared = { codec: "v2", deadlineAt: 1_234.5, priority: "low", stream: true } as const;
  return new Flight(
    newCall({ ...shared, requestId: "r-1", body: [Buffer.from(body)], sequence }),
    1,
  );
}

function link(t: TestContext, host: FakeHost) {
  const clock = new FakeClock(1_000);
  const events: string[] = [];
  const one = new HostLink(host.view, clock, {
    onOpen: () => events.push("open"),
    onChunk: (_flight, { body }) => events.push(`chunk ${Buffer.from(body)}`),
    onDone: (_flight, { body }) => events.push(`done ${body}`),
    onFailed: (_flight, { failure }) => events.push(`failed ${failure.code}`),
    onEnded: ({ options }, reason) => events.push(`ended ${options.key} ${reason}`),
    onClosed: () => events.push("closed"),
    onViolation: () => events.push("violation"),
  });
  t.after(() => one.abandon());
  return { link: one, clock, events };
}

async function openLink(t: TestContext) {
  const host = await FakeHost.ready(t);
  const parts = link(t, host);
  await until(() => parts.link.isOpen, "the greeting");
  parts.events.length = 0;
  return { host, ...parts };
}

/** The link when it has heard that its host is so. */
async function pressed(t: TestContext, load: Partial<Pressure>) {
  const parts = await openLink(t);
  const { host, link: one, events } = parts;
  one.send(flight());
  host.done((await host.request()).id, "{}", pressure(load));
  await until(() => events.length === 1, "the answer");
  return parts;
}

describe("A link to a host", { timeout: 20_000 }, () => {
  it("greets with its version and the host it means", async (t) => {
    const host = await FakeHost.listen(t);
    link(t, host);
    const hello = await host.hears("hello");
    assert.deepEqual(hello, {
      type: "hello",
      version: protocolVersion,
      hostId: host.view.hostId,
    });
  });

  it("is not open before the host has greeted", async (t) => {
    const host = await FakeHost.listen(t);
    const { link: one } = link(t, host);
    await host.hears("hello");
    assert.equal(one.isOpen, false);
    host.greet();
    await until(() => one.isOpen);
  });

  it("sends a request as it was asked", async (t) => {
    const { host, link: one } = await openLink(t);
    const suspect = flight();
    suspect.alone = true;
    one.send(suspect);
    assert.deepEqual(await host.request(), {
      type: "request",
      hurried: false,
      traced: false,
      id: suspect.linkId,
      codec: "v2",
      alone: true,
      stream: true,
      priority: "low",
      deadlineAt: 1_234.5,
      requestId: "r-1",
      sequence: null,
      body: Buffer.from("abc"),
    });
  });

  it("counts what is outstanding until it is answered", async (t) => {
    const { host, link: one, events } = await openLink(t);
    one.send(flight("abc"));
    one.send(flight("defgh"));
    const before = one.load;
    const [first] = await host.hasRequests(2);
    host.done(first?.id ?? -1);
    await until(() => events.length === 1);
    assert.deepEqual(
      [before, one.load].map((load) => [load.outstandingRequests, load.outstandingBytes]),
      [
        [2, 8],
        [1, 5],
      ],
    );
  });

  it("hands on chunks and the answer, in order", async (t) => {
    const { host, link: one, events } = await openLink(t);
    one.send(flight());
    const { id } = await host.request();
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("a"), tensors: [] }));
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("b"), tensors: [] }));
    host.done(id, "c");
    await until(() => events.length === 3);
    assert.deepEqual(events, ["chunk a", "chunk b", "done c"]);
  });

  it("hands on an answer that comes in many pieces", async (t) => {
    const { host, link: one, events } = await openLink(t);
    one.send(flight());
    const body = "x".repeat(700_000);
    host.done((await host.request()).id, body);
    await until(() => events.length === 1);
    assert.deepEqual(events, [`done ${body}`]);
  });

  it("notes which requests have begun to run", async (t) => {
    const { host, link: one, events } = await openLink(t);
    const [queued, running, last] = [flight(), flight(), flight()];
    for (const each of [queued, running, last]) one.send(each);
    await host.hasRequests(3);
    host.say((writer) => writeRunning(writer, [running.linkId]));
    host.done(last.linkId);
    await until(() => events.length === 1);
    assert.deepEqual([queued.isRunning, running.isRunning], [false, true]);
  });

  it("says the load as the host last reported it", async (t) => {
    const rows = { queuedRows: 3, runningRows: 4, rowCostMs: 0.5, rowsPerRequest: 2 };
    const { link: one } = await pressed(t, { ...rows, sequences: 5 });
    assert.deepEqual(one.load, {
      outstandingRequests: 0,
      outstandingBytes: 0,
      reportedRows: 7,
      rowCostMs: 0.5,
      batchCostMs: 0,
      rowsPerRequest: 2,
      sequences: 5,
      breaker: "closed",
      breakerRetryMs: 0,
    });
  });

  it("takes it that the host goes on with its work while it says nothing", async (t) => {
    const { link: one, clock } = await pressed(t, { queuedRows: 10, rowCostMs: 4 });
    const rows: number[] = [];
    for (const ms of [0, 20, 20]) {
      clock.advance(ms);
      rows.push(one.load.reportedRows);
    }
    assert.deepEqual(rows, [10, 5, 0]);
  });

  it("takes as many chunks as it has granted, and no more", async (t) => {
    const { host, link: one, events } = await openLink(t);
    const sent = flight();
    one.send(sent);
    const { id } = await host.request();
    one.credit(sent, 1);
    for (const body of ["a", "b", "c", "d"]) {
      host.say((writer) => writeChunk(writer, id, { json: Buffer.from(body), tensors: [] }));
    }
    await until(() => events.includes("closed"), "the end");
    assert.deepEqual(events, ["chunk a", "chunk b", "chunk c", "violation", "closed"]);
  });

  it("takes pressure that comes without an answer", async (t) => {
    const { host, link: one } = await openLink(t);
    host.say((writer) => writePressure(writer, pressure({ queuedRows: 9 })));
    await until(() => one.load.reportedRows === 9);
  });

  it("takes no more when its host is draining", async (t) => {
    const { host, link: one } = await openLink(t);
    host.say((writer) => writePressure(writer, pressure({ draining: true })));
    await until(() => !one.isOpen);
  });

  it("gives back what is outstanding when it is abandoned, and hangs up", async (t) => {
    const { host, link: one } = await openLink(t);
    const flights = [flight(), flight()];
    for (const each of flights) one.send(each);
    assert.deepEqual(one.abandon(), { flights, seats: [] });
    assert.deepEqual([one.isOpen, one.load.outstandingRequests], [false, 0]);
    await until(() => !host.isConnected);
  });

  it("says once that the connection is gone, and keeps what was outstanding", async (t) => {
    const { host, link: one, events } = await openLink(t);
    const lost = flight();
    one.send(lost);
    await host.request();
    host.hangUp();
    await until(() => events.length > 0);
    const left = { flights: [lost], seats: [] };
    assert.deepEqual([events, one.isOpen, one.abandon()], [["closed"], false, left]);
  });

  it("says that the connection is gone where there never was a host", async (t) => {
    const host = await FakeHost.listen(t);
    const nowhere = { ...host, view: { hostId: "x", socketPath: `${host.view.socketPath}.no` } };
    const { events } = link(t, nowhere as unknown as FakeHost);
    await until(() => events.length > 0);
    assert.deepEqual(events, ["closed"]);
  });
});

describe("A link's sequences", { timeout: 20_000 }, () => {
  it("are named in the requests of their frames", async (t) => {
    const { host, link: one } = await openLink(t);
    const seat = newSeat({ key: "#7", isShared: true });
    one.send(flight("abc", frameOf(seat, { start: true })));
    const { sequence, body } = await host.request();
    assert.deepEqual(sequence, { key: "#7", start: true, end: false, shared: true });
    assert.equal(String(body), "abc");
  });

  it("have one place, and leave the old one for the new", async (t) => {
    const [{ link: one }, { link: other }] = [await openLink(t), await openLink(t)];
    const seat = newSeat();
    const counts = () => [one, other].map(({ load }) => load.sequences);
    one.seat(seat);
    const before = [seat.link, counts()];
    other.seat(seat);
    const after = [seat.link, counts()];
    other.unseat(seat);
    assert.deepEqual(before, [one, [1, 0]]);
    assert.deepEqual(after, [other, [0, 1]]);
    assert.deepEqual([seat.link, counts()], [undefined, [0, 0]]);
  });

  it("count as many as the host has reported, or as were begun since", async (t) => {
    const { link: one } = await pressed(t, { sequences: 2 });
    const counts = [one.load.sequences];
    for (const key of ["a", "b", "c"]) {
      one.seat(newSeat({ key }));
      counts.push(one.load.sequences);
    }
    assert.deepEqual(counts, [2, 2, 2, 3]);
  });

  it("count once, though one is seated twice", async (t) => {
    const { link: one } = await openLink(t);
    const seat = newSeat();
    one.seat(seat);
    one.seat(seat);
    assert.equal(one.load.sequences, 1);
    one.unseat(seat);
    one.unseat(seat);
    assert.equal(one.load.sequences, 0);
  });

  it("do not count where other front doors may have ended them", async (t) => {
    const { link: one } = await openLink(t);
    one.seat(newSeat({ isShared: true }));
    assert.equal(one.load.sequences, 0);
  });

  it("are ended at the host", async (t) => {
    const { host, link: one } = await openLink(t);
    const seat = newSeat({ key: "a" });
    one.seat(seat);
    one.endSequence(seat);
    assert.deepEqual(await host.hears("end"), { type: "end", key: "a" });
    assert.equal(seat.link, undefined);
  });

  it("are forgotten at the host by their key, whichever of that key is here", async (t) => {
    const { host, link: one } = await openLink(t);
    const seat = newSeat({ key: "#7", isShared: true });
    one.seat(seat);
    one.forget("#7");
    assert.deepEqual(await host.hears("end"), { type: "end", key: "#7" });
    assert.equal(seat.link, undefined);
  });

  it("are told when their host drops them", async (t) => {
    const { host, link: one, events } = await pressed(t, { sequences: 1 });
    one.seat(newSeat({ key: "a" }));
    one.seat(newSeat({ key: "b" }));
    host.ended("b", "idle");
    await until(() => events.length === 2);
    assert.equal(events[1], "ended b idle");
  });

  it("are no matter where the front door knows none of that key", async (t) => {
    const { host, link: one, events } = await openLink(t);
    const left = newSeat({ key: "a" });
    one.seat(left);
    one.unseat(left);
    for (const key of ["a", "nobody", ""]) host.ended(key, "expired");
    one.send(flight());
    host.done((await host.request()).id);
    await until(() => events.length > 0);
    assert.deepEqual([events, one.isOpen], [["done {}"], true]);
  });

  it("replace another one of the same key, which leaves without them", async (t) => {
    const { host, link: one, events } = await openLink(t);
    const shared = { key: "#7", isShared: true };
    const [old, next] = [newSeat(shared), newSeat(shared)];
    one.seat(old);
    one.seat(next);
    one.unseat(old);
    host.ended("#7", "idle");
    await until(() => events.length === 1);
    assert.deepEqual([next.link, old.link], [one, undefined]);
  });

  it("stay while the host is drained, though it is not open any more", async (t) => {
    const { host, link: one } = await openLink(t);
    host.say((writer) => writePressure(writer, pressure({ draining: true })));
    await until(() => !one.isOpen);
    assert.equal(one.isAlive, true);
    host.hangUp();
    await until(() => !one.isAlive);
  });

  it("take their frames back in order, and what the host says of these is for nobody", async (t) => {
    const { host, link: one, events } = await openLink(t);
    const [seat, other] = [newSeat({ key: "a" }), newSeat({ key: "b" })];
    const frames = ([seat, other, seat, seat] as const).map((of, at) => {
      const each = new Flight(newCall({ sequence: frameOf(of) }), 9 - at);
      one.send(each);
      return each;
    });
    const [first, , third, settled] = frames;
    if (settled !== undefined) settled.isSettled = true;
    assert.deepEqual(one.recall(seat), [third, first]);
    assert.deepEqual(one.recall(seat), []);
    assert.equal(one.load.outstandingRequests, 4);
    for (const { id } of await host.hasRequests(4)) host.done(id);
    await until(() => events.length === 4);
    assert.deepEqual([one.load.outstandingRequests, one.load.outstandingBytes], [0, 0]);
  });

  it("are given back when it is abandoned, with all that is outstanding in order", async (t) => {
    const { link: one } = await openLink(t);
    const [a, b] = [newSeat({ key: "a" }), newSeat({ key: "b" })];
    for (const seat of [b, a]) one.seat(seat);
    const flights = [3, 1, 2].map((order) => new Flight(newCall(), order));
    for (const each of flights) one.send(each);
    const left = one.abandon();
    assert.deepEqual(
      left.flights.map(({ order }) => order),
      [1, 2, 3],
    );
    assert.deepEqual([left.seats, a.link, b.link], [[b, a], undefined, undefined]);
    assert.deepEqual([one.isAlive, one.load.sequences], [false, 0]);
  });
});

describe("A link whose host's breaker is open", { timeout: 20_000 }, () => {
  const open = { breaker: "open", breakerRetryMs: 5_000 } as const;

  it("says how long it stays shut", async (t) => {
    const { link: one, clock } = await pressed(t, open);
    clock.advance(1_000);
    assert.deepEqual([one.load.breaker, one.load.breakerRetryMs], ["open", 4_000]);
  });

  it("may send one probe when the time is over, and the next a second later", async (t) => {
    const { link: one, clock } = await pressed(t, open);
    clock.advance(5_000);
    const first = one.load.breakerRetryMs;
    one.send(flight());
    const second = one.load.breakerRetryMs;
    clock.advance(1_000);
    assert.deepEqual([first, second, one.load.breakerRetryMs], [0, 1_000, 0]);
  });

  it("stays shut as long as a failed probe says", async (t) => {
    const { host, link: one, clock, events } = await pressed(t, open);
    clock.advance(5_000);
    one.send(flight());
    const probe = await host.request(2);
    host.failed(probe.id, { code: "inference-failed", message: "" }, pressure(open));
    await until(() => events.length === 2);
    assert.equal(one.load.breakerRetryMs, 5_000);
  });

  it("is shut no more when the breaker has closed", async (t) => {
    const { host, link: one } = await pressed(t, open);
    host.say((writer) => writePressure(writer, pressure()));
    await until(() => one.load.breakerRetryMs === 0);
  });
});

describe("A link is violated", { timeout: 20_000 }, () => {
  const framed = (write: (writer: FrameWriter) => void) => {
    const writer = new FrameWriter();
    write(writer);
    return Buffer.concat(writer.take());
  };
  const otherVersion = framed((writer) => writeHello(writer, "m/1#0.1"));
  otherVersion.writeUInt16LE(protocolVersion + 1, 9);

  const greetings: readonly (readonly [string, Buffer])[] = [
    ["another host", framed((writer) => writeHello(writer, "n/1#0.1"))],
    ["another version", otherVersion],
    ["anything else", framed((writer) => writePressure(writer, pressure()))],
  ];
  for (const [what, bytes] of greetings) {
    it(`by a greeting of ${what}`, async (t) => {
      const host = await FakeHost.listen(t);
      const { events } = link(t, host);
      await host.hears("hello");
      host.sayBytes(bytes);
      await until(() => events.length === 2);
      assert.deepEqual(events, ["violation", "closed"]);
    });
  }

  const frames: readonly (readonly [string, Buffer])[] = [
    [
      "an answer that nobody asked for",
      framed((writer) => writeChunk(writer, 1, { json: Buffer.of(1), tensors: [] })),
    ],
    ["an answer without a number that was given", framed((writer) => writeRunning(writer, [77]))],
    ["a second greeting", framed((writer) => writeHello(writer, "m/1#0.1"))],
    ["an unknown type", Buffer.from([1, 0, 0, 0, 99])],
    ["a frame of a door", Buffer.from([6, 0, 0, 0, 3, 0, 0, 0, 0, 0])],
    ["a frame of no bytes", Buffer.alloc(4)],
    ["a frame past the limit", Buffer.from([1, 0, 0, 0x20, 18])],
    ["the largest length there is", Buffer.from([0xff, 0xff, 0xff, 0xff])],
    ["fields that do not fit", Buffer.from([2, 0, 0, 0, 18, 1])],
  ];
  for (const [what, bytes] of frames) {
    it(`by ${what}, and hangs up`, async (t) => {
      const { host, events } = await openLink(t);
      host.sayBytes(bytes);
      await until(() => events.length === 2);
      assert.deepEqual(events, ["violation", "closed"]);
      await until(() => !host.isConnected);
    });
  }

  it("by a second answer to one request", async (t) => {
    const { host, link: one, events } = await openLink(t);
    one.send(flight());
    const { id } = await host.request();
    host.done(id);
    host.done(id);
    await until(() => events.length === 3);
    assert.deepEqual(events, ["done {}", "violation", "closed"]);
  });

  it("and listens to nothing that comes after", async (t) => {
    const { host, link: one, events } = await openLink(t);
    one.send(flight());
    const { id } = await host.request();
    host.sayBytes(Buffer.from([1, 0, 0, 0, 99]));
    host.done(id);
    await until(() => events.includes("closed"));
    assert.deepEqual(events, ["violation", "closed"]);
  });
});
