import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Dispatcher } from "../../src/front-door/dispatcher.ts";
import type { Call, SequenceCall } from "../../src/front-door/flight.ts";
import type { SeatOptions } from "../../src/front-door/seat.ts";
import type { RequestFrame } from "../../src/protocol/frames.ts";
import { writeChunk, writePressure, writeRunning } from "../../src/protocol/host-frames.ts";
import type { Pressure } from "../../src/protocol/pressure.ts";
import { frameOf, newCall, newSeat } from "./calls.ts";
import { ask, heardAll, serving, setUp, view } from "./dispatching.ts";
import { FakeHost, pressure } from "./fake-host.ts";
import { until } from "./until.ts";

const bounded = { timeout: 20_000 };
const lost = { code: "sequence-lost", message: "not here" } as const;
const draining = { code: "draining", message: "" } as const;

/** A client's sequence: its frames are numbered from 1, and what comes of all of it stands in one list. */
function sequence(dispatcher: Dispatcher, options: Partial<SeatOptions> = {}) {
  const events: string[] = [];
  const seat = newSeat({ onEnded: (reason) => events.push(`ended ${reason}`), ...options });
  let frames = 0;
  const send = (flags: Partial<SequenceCall> = {}, call: Partial<Call> = {}) => {
    frames += 1;
    const requestId = String(frames);
    const start = frames === 1 && !seat.options.isShared;
    return dispatcher.submit(
      newCall({
        requestId,
        sequence: frameOf(seat, { start, ...flags }),
        onChunk: () => events.push(`${requestId} chunk`),
        onDone: () => events.push(`${requestId} done`),
        onFailed: ({ code }) => events.push(`${requestId} ${code}`),
        ...call,
      }),
    );
  };
  const has = (count: number) => until(() => events.length >= count, `${count} events`);
  return { seat, events, send, has };
}

/** Which frames the host has got. */
function numbersOf({ requests }: FakeHost): readonly string[] {
  return requests.map(({ requestId }) => requestId);
}

/** The host's frame of that number. */
async function frame(host: FakeHost, number: number): Promise<RequestFrame> {
  const find = () => host.requests.find(({ requestId }) => requestId === String(number));
  await until(() => find() !== undefined, `frame ${number}`);
  return find() as RequestFrame;
}

/** What the host has said is heard; `rows` tell this time from others. */
async function heard(dispatcher: Dispatcher, host: FakeHost, rows: number): Promise<void> {
  host.say((writer) => writePressure(writer, pressure({ queuedRows: rows })));
  const isThere = () =>
    dispatcher.loads("m", "1").some(({ reportedRows }) => reportedRows === rows);
  await until(isThere, "the pressure");
}

/** The host says that it runs the frame. */
async function running(dispatcher: Dispatcher, host: FakeHost, number: number): Promise<void> {
  const { id } = await frame(host, number);
  host.say((writer) => writeRunning(writer, [id]));
  await heard(dispatcher, host, 1_000 + number);
}

/** Two hosts, and a sequence whose first frame the first of them has answered. */
async function begun(t: TestContext, options: Partial<SeatOptions> = {}) {
  const parts = await serving(t, 2);
  const one = sequence(parts.dispatcher, options);
  one.send({ start: true });
  await until(() => parts.hosts.some(({ requests }) => requests.length === 1));
  const host = parts.hosts.find(({ requests }) => requests.length === 1) as FakeHost;
  const other = parts.hosts.find((each) => each !== host) as FakeHost;
  host.done((await frame(host, 1)).id);
  await one.has(1);
  one.events.length = 0;
  return { ...parts, ...one, host, other };
}

describe("A sequence", bounded, () => {
  it("is named in its frames, with its first and its last one", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { send } = sequence(dispatcher, { key: "9.1" });
    for (const flags of [{}, {}, { end: true }]) send(flags);
    const claims = (await host.hasRequests(3)).map(({ sequence: claim }) => claim);
    const claim = { key: "9.1", start: false, end: false, shared: false };
    assert.deepEqual(claims, [{ ...claim, start: true }, claim, { ...claim, end: true }]);
  });

  it("goes on where it began, although another host has nothing to do", async (t) => {
    const { dispatcher, host, other, send } = await begun(t);
    const busy = pressure({ queuedRows: 100, rowCostMs: 10 });
    host.say((writer) => writePressure(writer, busy));
    await until(() => dispatcher.loads("m", "1").some(({ reportedRows }) => reportedRows > 0));
    send();
    send();
    await frame(host, 3);
    assert.deepEqual([numbersOf(host), numbersOf(other)], [["1", "2", "3"], []]);
  });

  it("begins where the fewest are", async (t) => {
    const { dispatcher, hosts } = await serving(t, 2);
    for (let at = 0; at < 6; at += 1) sequence(dispatcher, { key: `${at}` }).send();
    for (const host of hosts) await host.hasRequests(3);
  });

  it("has the load of its host alone", async (t) => {
    const { dispatcher, host, seat } = await begun(t);
    await heard(dispatcher, host, 77);
    const rows = dispatcher.loads("m", "1", seat).map(({ reportedRows }) => reportedRows);
    assert.deepEqual(rows, [77]);
  });

  it("waits for a host in the order of its frames", async (t) => {
    const { dispatcher, update } = setUp(t);
    const { send, events, has } = sequence(dispatcher);
    for (let at = 0; at < 3; at += 1) send();
    const host = await FakeHost.ready(t);
    update(host);
    for (const { id } of await host.hasRequests(3)) host.done(id);
    await has(3);
    assert.deepEqual(
      [numbersOf(host), events],
      [
        ["1", "2", "3"],
        ["1 done", "2 done", "3 done"],
      ],
    );
  });

  it("is ended at its host, which still answers what is under way", async (t) => {
    const { dispatcher, host, send, seat, events, has } = await begun(t);
    send();
    dispatcher.end(seat);
    assert.deepEqual(await host.hears("end"), { type: "end", key: "k" });
    host.done((await frame(host, 2)).id);
    await has(1);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual(events, ["2 done"]);
  });

  it("takes no more when it was ended", async (t) => {
    const { dispatcher, send, seat, events } = await begun(t);
    dispatcher.end(seat);
    send();
    assert.deepEqual(events, ["2 sequence-lost"]);
  });

  it("is left with its last frame, for which the host says no more", async (t) => {
    const { dispatcher, host, send, seat, events, has } = await begun(t);
    send({ end: true });
    host.done((await frame(host, 2)).id);
    await has(1);
    host.ended("k", "idle");
    await heard(dispatcher, host, 5);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual([events, seat.link], [["2 done"], undefined]);
  });

  it("ends when its host says so, once, and its frames as the host says", async (t) => {
    const { host, send, events, has, lost: counted } = await begun(t);
    send();
    const { id } = await frame(host, 2);
    host.ended("k", "idle");
    host.failed(id, lost);
    await has(2);
    send();
    assert.deepEqual(events, ["ended idle", "2 sequence-lost", "3 sequence-lost"]);
    assert.deepEqual(counted, []);
  });

  it("is gone when its host does not know it, once", async (t) => {
    const { host, other, send, events, has, lost: counted } = await begun(t);
    send();
    send();
    for (const number of [2, 3]) host.failed((await frame(host, number)).id, lost);
    await has(3);
    assert.deepEqual(events, ["2 sequence-lost", "ended gone", "3 sequence-lost"]);
    assert.deepEqual([counted, other.requests], [[], []]);
  });

  it("goes on when a frame is refused", async (t) => {
    const { host, send, events, has } = await begun(t);
    send();
    host.failed((await frame(host, 2)).id, { code: "invalid-request", message: "" });
    send();
    host.done((await frame(host, 3)).id);
    await has(2);
    assert.deepEqual(events, ["2 invalid-request", "3 done"]);
  });
});

describe("A frame of a sequence", bounded, () => {
  const ends: readonly (readonly ["expired" | "cancelled", readonly string[]])[] = [
    ["expired", ["2 deadline-exceeded", "ended expired"]],
    ["cancelled", ["ended cancelled"]],
  ];
  for (const [reason, told] of ends) {
    const why = reason === "expired" ? "expired" : "client-left";

    it(`that is ${reason} at its host ends it there, and those behind it`, async (t) => {
      const { dispatcher, clock, host, send, events, has } = await begun(t);
      const flight = send({}, { deadlineAt: 2_000 });
      send();
      const { id } = await frame(host, 2);
      if (reason === "expired") clock.advance(1_000);
      else dispatcher.cancel(flight);
      assert.deepEqual(events, told);
      await host.hears("end");
      assert.deepEqual(host.frames.slice(-2), [
        { type: "cancel", id, reason: why },
        { type: "end", key: "k" },
      ]);
      host.failed(id, { code: "cancelled", message: "" });
      host.ended("k", reason);
      host.failed((await frame(host, 3)).id, lost);
      await has(told.length + 1);
      send();
      assert.deepEqual(events, [...told, "3 sequence-lost", "4 sequence-lost"]);
    });

    it(`that is ${reason} while it waits takes those along that wait behind it`, async (t) => {
      const { dispatcher, clock, update } = setUp(t);
      const { send, events } = sequence(dispatcher);
      const flight = send({}, { deadlineAt: 2_000 });
      send();
      send();
      if (reason === "expired") clock.advance(1_000);
      else dispatcher.cancel(flight);
      const [first, ...others] = told.toReversed();
      assert.deepEqual(events, [
        ...others.map(() => "1 deadline-exceeded"),
        "2 sequence-lost",
        "3 sequence-lost",
        first,
      ]);
      const host = await FakeHost.ready(t);
      update(host);
      await heardAll(dispatcher, host);
      assert.deepEqual(numbersOf(host), ["last"]);
    });

    it(`that is ${reason} when its host has answered it fails those behind it, answered or not`, async (t) => {
      const { dispatcher, clock, host, send, events, has } = await begun(t);
      const flight = send({}, { deadlineAt: 2_000 });
      send();
      send({}, { stream: true });
      const ids = [2, 3, 4].map(async (number) => (await frame(host, number)).id);
      const [id = -1, behind = -1, streaming = -1] = await Promise.all(ids);
      if (reason === "expired") clock.advance(1_000);
      else dispatcher.cancel(flight);
      host.done(id);
      host.done(behind);
      host.say((writer) => writeChunk(writer, streaming, { json: Buffer.from("x"), tensors: [] }));
      await has(told.length + 2);
      const cancels = () => host.frames.filter(({ type }) => type === "cancel");
      await until(() => cancels().length === 2, "the cancel of the stream");
      host.failed(streaming, { code: "cancelled", message: "" });
      await heard(dispatcher, host, 5);
      assert.deepEqual(events, [...told, "3 sequence-lost", "4 sequence-lost"]);
      assert.deepEqual(cancels()[1], { type: "cancel", id: streaming, reason: "client-left" });
    });

    it(`that is ${reason} leaves other sequences alone`, async (t) => {
      const { dispatcher, clock, host, send, hosts } = await begun(t);
      const others = hosts.map((_, at) => sequence(dispatcher, { key: `other-${at}` }));
      for (const each of others) each.send();
      const flight = send({}, { deadlineAt: 2_000 });
      await frame(host, 2);
      if (reason === "expired") clock.advance(1_000);
      else dispatcher.cancel(flight);
      await host.hears("end");
      assert.deepEqual(
        others.map(({ events, seat }) => [events, seat.isOver]),
        others.map(() => [[], false]),
      );
    });
  }

  it("fails with those behind it when its model is given up, and its sequence is over", (t) => {
    const { dispatcher } = setUp(t);
    const { send, seat, events } = sequence(dispatcher);
    send();
    send();
    dispatcher.update(view([], { state: "unavailable", reason: "given up" }));
    assert.deepEqual(events, ["1 model-unavailable", "2 model-unavailable", "ended lost"]);
    assert.deepEqual([seat.isOver, seat.inFlight], [true, 0]);
  });
});

describe("A sequence whose host dies", bounded, () => {
  it("is lost with its frames when something was answered, and is counted once", async (t) => {
    const { dispatcher, host, other, send, events, replays, lost: counted } = await begun(t);
    send();
    send();
    await frame(host, 3);
    dispatcher.hostDown(host.view.hostId, "outside");
    send();
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual(events, [
      "2 sequence-lost",
      "3 sequence-lost",
      "ended lost",
      "4 sequence-lost",
    ]);
    assert.deepEqual([counted, replays, other.requests], [["k"], [], []]);
  });

  it("is lost when a part of an answer is out", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { send, events, has } = sequence(dispatcher);
    send({}, { stream: true });
    const { id } = await frame(host, 1);
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("x"), tensors: [] }));
    await has(1);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual(events, ["1 chunk", "1 sequence-lost", "ended lost"]);
  });

  it("is lost though none of its frames was under way", async (t) => {
    const { dispatcher, host, events, lost: counted } = await begun(t);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual([events, counted], [["ended lost"], ["k"]]);
  });

  it("begins anew at another when nothing was answered, first frame first", async (t) => {
    const { dispatcher, hosts, replays } = await serving(t, 2);
    const { send, seat, events, has } = sequence(dispatcher);
    for (let at = 0; at < 3; at += 1) send();
    await until(() => hosts.some(({ requests }) => requests.length === 3));
    const [dead, other] = hosts.toSorted((a, b) => b.requests.length - a.requests.length);
    dispatcher.hostDown(dead?.view.hostId ?? "", "outside");
    const frames = (await other?.hasRequests(3)) ?? [];
    for (const { id } of frames) other?.done(id);
    await has(3);
    assert.deepEqual(
      frames.map(({ requestId, sequence: claim }) => [requestId, claim?.start]),
      [
        ["1", true],
        ["2", false],
        ["3", false],
      ],
    );
    assert.deepEqual(events, ["1 done", "2 done", "3 done"]);
    assert.deepEqual([replays, seat.inFlight], [["queued", "queued", "queued"], 0]);
  });

  it("waits with all its frames for the next host, and those that come meanwhile", async (t) => {
    const { dispatcher, host, update } = await serving(t);
    const { send, events, has } = sequence(dispatcher);
    send();
    send();
    await frame(host, 2);
    dispatcher.hostDown(host.view.hostId, "outside");
    send();
    const next = await FakeHost.ready(t, "m/1#0.2");
    update(next);
    for (const { id } of await next.hasRequests(3)) next.done(id);
    await has(3);
    assert.deepEqual(numbersOf(next), ["1", "2", "3"]);
    assert.deepEqual(events, ["1 done", "2 done", "3 done"]);
  });

  it("is sent again in order although a caller asks for more as soon as another one is lost", async (t) => {
    const { dispatcher, host, update } = await serving(t);
    const fresh = sequence(dispatcher, { key: "fresh" });
    const onFailed = () => void fresh.send();
    const old = sequence(dispatcher, { key: "old" });
    old.send();
    host.done((await host.request()).id);
    await old.has(1);
    old.send({}, { onFailed });
    fresh.send();
    fresh.send();
    await host.hasRequests(4);
    const next = await FakeHost.ready(t, "m/1#1.1");
    update(host, next);
    await until(() => dispatcher.loads("m", "1").length === 2);
    dispatcher.hostDown(host.view.hostId, "outside");
    await next.hasRequests(3);
    assert.deepEqual(numbersOf(next), ["1", "2", "3"]);
  });

  /** The model dies of the first frame, as often as said, and each time the next host is there already. */
  async function survive(t: TestContext, deaths: number) {
    const parts = await serving(t);
    const one = sequence(parts.dispatcher);
    one.send();
    one.send();
    let { host } = parts;
    for (let at = 1; at <= deaths; at += 1) {
      await running(parts.dispatcher, host, 1);
      await frame(host, 2);
      const dead = host;
      host = await FakeHost.ready(t, `m/1#0.${at + 1}`);
      parts.update(dead, host);
      await until(() => parts.dispatcher.loads("m", "1").length === 2);
      parts.dispatcher.hostDown(dead.view.hostId, "model");
    }
    return { ...parts, ...one, host };
  }

  it("runs the frame alone of which the model died", async (t) => {
    const { host } = await survive(t, 1);
    const frames = await host.hasRequests(2);
    assert.deepEqual(
      frames.map(({ requestId, alone }) => [requestId, alone]),
      [
        ["1", true],
        ["2", false],
      ],
    );
  });

  it("has poisoned two hosts with its first frame, and is over", async (t) => {
    const { events, host, seat, lost: counted } = await survive(t, 2);
    assert.deepEqual(events, ["1 poison-request", "2 sequence-lost", "ended lost"]);
    assert.deepEqual([host.requests, seat.inFlight, counted], [[], 0, ["k"]]);
  });

  it("is lost although the model is to blame", async (t) => {
    const { dispatcher, host, send, events } = await begun(t);
    send();
    send();
    await running(dispatcher, host, 2);
    dispatcher.hostDown(host.view.hostId, "model");
    assert.deepEqual(events, ["2 sequence-lost", "3 sequence-lost", "ended lost"]);
  });

  it("is lost with its next frame when only the connection is gone", async (t) => {
    const { dispatcher, host, send, events } = await begun(t);
    host.hangUp();
    await until(() => dispatcher.loads("m", "1").length === 1);
    send();
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual(events, ["2 sequence-lost", "ended gone"]);
  });

  it("is not sent again when its client had ended it before anything was answered", async (t) => {
    const { dispatcher, hosts, replays } = await serving(t, 2);
    const { send, seat, events } = sequence(dispatcher);
    send();
    await until(() => hosts.some(({ requests }) => requests.length === 1));
    const host = hosts.find(({ requests }) => requests.length === 1) as FakeHost;
    dispatcher.end(seat);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual([events, replays, seat.inFlight], [["1 sequence-lost"], [], 0]);
  });

  it("says nothing when its client had ended it", async (t) => {
    const { dispatcher, host, send, seat, events, lost: counted } = await begun(t);
    send();
    await frame(host, 2);
    dispatcher.end(seat);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual([events, counted], [["2 sequence-lost"], []]);
  });
});

describe("A sequence at a host that is drained", bounded, () => {
  /** The host says that it is, and it is heard. */
  async function drain(dispatcher: Dispatcher, host: FakeHost): Promise<void> {
    const open = dispatcher.loads("m", "1").length;
    host.say((writer) => writePressure(writer, pressure({ draining: true })));
    await until(() => dispatcher.loads("m", "1").length === open - 1, "the drain");
  }

  it("goes on there, and others begin elsewhere", async (t) => {
    const { dispatcher, host, other, send } = await begun(t);
    await drain(dispatcher, host);
    send();
    sequence(dispatcher, { key: "new" }).send();
    await other.hasRequests(1);
    await frame(host, 2);
    assert.deepEqual([numbersOf(host), numbersOf(other)], [["1", "2"], ["1"]]);
  });

  it("ends there when the host waits no longer", async (t) => {
    const { dispatcher, host, events, has } = await begun(t);
    await drain(dispatcher, host);
    host.ended("k", "draining");
    await has(1);
    assert.deepEqual(events, ["ended draining"]);
  });

  const load: Partial<Pressure> = { draining: true };

  /** Two frames were sent; the host has given back the first, being drained. */
  async function firstGivenBack(t: TestContext) {
    const { dispatcher, hosts } = await serving(t, 2);
    const { send, events, has } = sequence(dispatcher);
    send();
    send();
    await until(() => hosts.some(({ requests }) => requests.length === 2));
    const host = hosts.find(({ requests }) => requests.length === 2) as FakeHost;
    const other = hosts.find((each) => each !== host) as FakeHost;
    host.failed((await frame(host, 1)).id, draining, pressure(load));
    return { dispatcher, host, other, send, events, has };
  }

  it("moves with the frames behind it where the first one is given back", async (t) => {
    const { dispatcher, hosts } = await serving(t, 2);
    const { send, events, has } = sequence(dispatcher);
    for (let at = 0; at < 3; at += 1) send();
    await until(() => hosts.some(({ requests }) => requests.length === 3));
    const host = hosts.find(({ requests }) => requests.length === 3) as FakeHost;
    const other = hosts.find((each) => each !== host) as FakeHost;
    const [first, ...others] = host.requests;
    host.failed(first?.id ?? -1, draining, pressure(load));
    for (const { id } of others) host.failed(id, lost, pressure(load));
    for (const { id } of await other.hasRequests(3)) other.done(id);
    await has(3);
    send();
    await frame(other, 4);
    assert.deepEqual(numbersOf(other), ["1", "2", "3", "4"]);
    assert.deepEqual(events, ["1 done", "2 done", "3 done"]);
  });

  it("is not overtaken by what comes while it moves", async (t) => {
    const { host, other, send, events, has } = await firstGivenBack(t);
    await frame(other, 1);
    send();
    host.failed((await frame(host, 2)).id, lost, pressure(load));
    for (const { id } of await other.hasRequests(3)) other.done(id);
    await has(3);
    assert.deepEqual(numbersOf(other), ["1", "2", "3"]);
    assert.deepEqual(events, ["1 done", "2 done", "3 done"]);
  });

  it("moves although that host dies before it has given back the others", async (t) => {
    const { dispatcher, host, other, events, has } = await firstGivenBack(t);
    other.done((await frame(other, 1)).id);
    await has(1);
    dispatcher.hostDown(host.view.hostId, "outside");
    other.done((await frame(other, 2)).id);
    await has(2);
    assert.deepEqual(events, ["1 done", "2 done"]);
  });

  it("waits for the next host in order, with what comes meanwhile, where there is no other", async (t) => {
    const { dispatcher, host, update } = await serving(t);
    const { send, events, has } = sequence(dispatcher);
    send();
    send();
    const [first, second] = await host.hasRequests(2);
    host.failed(first?.id ?? -1, draining, pressure(load));
    await until(() => dispatcher.loads("m", "1").length === 0);
    send();
    host.failed(second?.id ?? -1, lost, pressure(load));
    const next = await FakeHost.listen(t, "m/1#0.2");
    update(host, next);
    await next.hears("hello");
    await until(() => host.frames.length > 0);
    send();
    next.greet();
    for (const { id } of await next.hasRequests(4)) next.done(id);
    await has(4);
    assert.deepEqual(numbersOf(next), ["1", "2", "3", "4"]);
    assert.deepEqual(events, ["1 done", "2 done", "3 done", "4 done"]);
  });
});

describe("A sequence that every front door may ask for", bounded, () => {
  const shared = { key: "#7", isShared: true };

  it("is looked for host by host where it was not begun here, and then kept", async (t) => {
    const { dispatcher, hosts, lost: counted } = await serving(t, 3);
    const { send, seat, events, has } = sequence(dispatcher, shared);
    send();
    const asked: FakeHost[] = [];
    for (let at = 1; at <= 3; at += 1) {
      await until(() => hosts.filter(({ requests }) => requests.length > 0).length === at);
      const host = hosts.find((each) => each.requests.length > 0 && !asked.includes(each));
      asked.push(host as FakeHost);
      const { id } = (await host?.request()) ?? { id: -1 };
      if (at < 3) host?.failed(id, lost);
      else host?.done(id);
    }
    await has(1);
    send();
    const keeper = asked.at(-1);
    await keeper?.hasRequests(2);
    assert.deepEqual(
      asked.map(({ requests }) => requests.length),
      [1, 1, 2],
    );
    assert.deepEqual([events, counted, seat.isOver], [["1 done"], [], false]);
  });

  it("is gone where nobody keeps it, which is nobody's loss", async (t) => {
    const { dispatcher, hosts, lost: counted } = await serving(t, 2);
    const { send, events, has } = sequence(dispatcher, shared);
    send();
    for (let at = 0; at < 2; at += 1) {
      await until(() => hosts.some(({ requests }) => requests.length > 0));
      const host = hosts.splice(
        hosts.findIndex(({ requests }) => requests.length > 0),
        1,
      )[0];
      host?.failed((await host.request()).id, lost);
    }
    await has(2);
    assert.deepEqual([events, counted], [["1 sequence-lost", "ended gone"], []]);
  });

  it("is looked for when this front door has just begun, and no host is connected yet", async (t) => {
    const { dispatcher, update } = setUp(t);
    const { send, events, has } = sequence(dispatcher, shared);
    send();
    const host = await FakeHost.ready(t);
    update(host);
    host.done((await frame(host, 1)).id);
    await has(1);
    assert.deepEqual(events, ["1 done"]);
  });

  it("begins at the host where every front door looks for it first", async (t) => {
    const { dispatcher, hosts } = await serving(t, 3);
    const places: number[] = [];
    for (const flags of [{ start: true }, {}]) {
      const counts = hosts.map(({ requests }) => requests.length);
      sequence(dispatcher, shared).send(flags);
      const changed = () =>
        hosts.findIndex(({ requests }, at) => requests.length > (counts[at] ?? 0));
      await until(() => changed() >= 0);
      places.push(changed());
    }
    assert.equal(places[0], places[1]);
  });

  it("is lost with the host that has answered, though it was not begun here", async (t) => {
    const { dispatcher, host, lost: counted } = await serving(t);
    const { send, events, has } = sequence(dispatcher, shared);
    send();
    host.done((await frame(host, 1)).id);
    await has(1);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual([events, counted], [["1 done", "ended lost"], ["#7"]]);
  });

  it("begins anew although its host only now tells of the end of the one before", async (t) => {
    const { dispatcher, host } = await serving(t);
    const old = sequence(dispatcher, shared);
    old.send({ start: true });
    host.done((await frame(host, 1)).id);
    await old.has(1);
    dispatcher.cancel(old.send());
    const next = sequence(dispatcher, shared);
    next.send({ start: true });
    const { id } = (await host.hasRequests(3))[2] ?? {};
    host.ended("#7", "cancelled");
    host.done(id ?? -1);
    await next.has(1);
    assert.deepEqual([next.events, next.seat.isOver], [["1 done"], false]);
  });

  it("is not kept by a host that was asked and is cancelled", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { send, seat, events } = sequence(dispatcher, shared);
    dispatcher.cancel(send());
    await host.hears("cancel");
    assert.deepEqual([events, seat.link], [["ended cancelled"], undefined]);
  });
});

describe("Sequences and requests that stand for themselves", bounded, () => {
  it("leave nothing at a host when all is answered", async (t) => {
    const { dispatcher, host } = await serving(t);
    const one = sequence(dispatcher);
    one.send();
    const plain = ask(dispatcher, { requestId: "plain" });
    for (const { id } of await host.hasRequests(2)) host.done(id);
    await plain.settled();
    await one.has(1);
    dispatcher.end(one.seat);
    const [load] = dispatcher.loads("m", "1");
    const { outstandingRequests, outstandingBytes, sequences } = load ?? {};
    assert.deepEqual([outstandingRequests, outstandingBytes, sequences], [0, 0, 0]);
  });
});
