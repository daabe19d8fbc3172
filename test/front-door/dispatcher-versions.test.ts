import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { VersionState } from "../../src/protocol/views.ts";
import { frameOf, newSeat } from "./calls.ts";
import { ask, setUp } from "./dispatching.ts";
import { FakeHost, pressure } from "./fake-host.ts";
import { until } from "./until.ts";
import { model, version } from "./views.ts";

type Standing = readonly [VersionState, ...hosts: FakeHost[]];

/** Version 1 is ready with a host, and version 2 too, which is the default. */
async function baking(t: TestContext) {
  const parts = setUp(t);
  const { dispatcher } = parts;
  const [old, next] = [await FakeHost.ready(t, "m/1#0.1"), await FakeHost.ready(t, "m/2#0.1")];
  t.after(() => {
    for (const { view } of [old, next]) dispatcher.hostDown(view.hostId, "outside");
  });
  const tell = (...standings: readonly Standing[]) => {
    const versions = standings.map(([state, ...hosts], at) =>
      version({ version: `${at + 1}`, state, hosts: hosts.map(({ view }) => view) }),
    );
    dispatcher.update(model({ name: "m", versions }));
  };
  tell(["ready", old], ["ready", next]);
  await until(() => ["1", "2"].every((one) => dispatcher.loads("m", one).length === 1));
  const rollBack = () => {
    dispatcher.hostDown(next.view.hostId, "model");
    tell(["ready", old], ["unavailable"]);
  };
  return { ...parts, old, next, tell, rollBack };
}

const bounded = { timeout: 20_000 };
const draining = { code: "draining", message: "" } as const;

describe("A request whose version is rolled back", bounded, () => {
  it("is answered by the one before it", async (t) => {
    const { dispatcher, old, next, rollBack } = await baking(t);
    const { flight, events, settled } = ask(dispatcher, { version: "2" });
    await next.request();
    rollBack();
    old.done((await old.request()).id);
    await settled();
    assert.deepEqual([events, flight.version, flight.call.version], [["done {}"], "1", "2"]);
  });

  it("fails where it has named the version", async (t) => {
    const { dispatcher, next, rollBack } = await baking(t);
    const { events } = ask(dispatcher, { version: "2", pinned: true });
    await next.request();
    rollBack();
    assert.deepEqual(events, ["model-unavailable"]);
  });

  it("takes the sequence that it begins along, and the frames behind it", async (t) => {
    const { dispatcher, old, next, rollBack } = await baking(t);
    const seat = newSeat();
    const frame = (requestId: string, start: boolean) =>
      ask(dispatcher, {
        version: "2",
        requestId,
        pinned: !start,
        sequence: frameOf(seat, { start }),
      });
    const asked = [frame("a", true), frame("b", false)];
    await next.hasRequests(2);
    rollBack();
    asked.push(frame("c", false));
    const requests = await old.hasRequests(3);
    assert.deepEqual(
      requests.map(({ requestId, sequence }) => [requestId, sequence?.start]),
      [
        ["a", true],
        ["b", false],
        ["c", false],
      ],
    );
    for (const { id } of requests) old.done(id);
    for (const { settled } of asked) await settled();
    assert.deepEqual(
      [seat.version, asked.map(({ events }) => events[0])],
      ["1", Array(3).fill("done {}")],
    );
  });

  it("loses a sequence that has begun", async (t) => {
    const { dispatcher, next, rollBack } = await baking(t);
    const seat = newSeat();
    const first = ask(dispatcher, { version: "2", sequence: frameOf(seat, { start: true }) });
    next.done((await next.request()).id);
    await first.settled();
    const second = ask(dispatcher, { version: "2", pinned: true, sequence: frameOf(seat) });
    rollBack();
    assert.deepEqual([second.events, seat.isOver], [["sequence-lost"], true]);
  });
});

describe("A request whose version is drained", bounded, () => {
  it("goes to the next one when its host gives it back", async (t) => {
    const { dispatcher, old, next, tell } = await baking(t);
    const { flight } = ask(dispatcher);
    const { id } = await old.request();
    tell(["draining"], ["ready", next]);
    old.failed(id, draining, pressure({ draining: true }));
    await next.request();
    assert.equal(flight.version, "2");
  });

  it("waits for the news when its host gives it back before", async (t) => {
    const { dispatcher, old, next, tell } = await baking(t);
    const { flight } = ask(dispatcher);
    old.failed((await old.request()).id, draining, pressure({ draining: true }));
    await until(() => flight.link === undefined);
    tell(["draining"], ["ready", next]);
    await next.request();
  });

  it("is answered by its host where that has begun it", async (t) => {
    const { dispatcher, old, next, tell } = await baking(t);
    const { events, settled } = ask(dispatcher, { pinned: true });
    const { id } = await old.request();
    tell(["draining"], ["ready", next]);
    tell(["unloaded"], ["ready", next]);
    old.done(id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });

  for (const gone of ["draining", "unloaded", "vanished"] as const) {
    it(`goes to the next one where it comes when its own is ${gone}`, async (t) => {
      const { dispatcher, next, tell } = await baking(t);
      if (gone === "vanished")
        dispatcher.update(
          model({ name: "m", versions: [version({ version: "2", hosts: [next.view] })] }),
        );
      else tell([gone], ["ready", next]);
      ask(dispatcher);
      await next.request();
      assert.deepEqual(ask(dispatcher, { pinned: true }).events, ["model-unavailable"]);
    });
  }
});

describe("A sequence that another front door has begun", bounded, () => {
  it("is found at a host that is on its way out", async (t) => {
    const { dispatcher, old, next, tell } = await baking(t);
    const newer = await FakeHost.ready(t, "m/1#0.2");
    t.after(() => dispatcher.hostDown(newer.view.hostId, "outside"));
    tell(["ready", newer], ["ready", next]);
    await until(() => dispatcher.loads("m", "1").length === 1);
    const seat = newSeat({ isShared: true });
    const { events, settled } = ask(dispatcher, { pinned: true, sequence: frameOf(seat) });
    const lost = { code: "sequence-lost", message: "" } as const;
    newer.failed((await newer.request()).id, lost);
    old.done((await old.request()).id, "{}", pressure({ draining: true }));
    await settled();
    assert.deepEqual([events, seat.link?.hostId], [["done {}"], "m/1#0.1"]);
  });
});

describe("A request whose model goes", bounded, () => {
  it("fails when it is unloaded while the request waits", (t) => {
    const { dispatcher } = setUp(t);
    const { events } = ask(dispatcher);
    dispatcher.update(model({ name: "m", versions: [version({ state: "unloaded" })] }));
    assert.deepEqual(events, ["model-unavailable"]);
  });

  it("fails when it is removed, as do those that come too late", (t) => {
    const { dispatcher } = setUp(t);
    const before = ask(dispatcher);
    dispatcher.remove("m");
    assert.deepEqual(
      [before, ask(dispatcher)].flatMap(({ events }) => events),
      Array(2).fill("model-unavailable"),
    );
  });

  it("waits for the first version that is loaded, in place of one that is not", async (t) => {
    const { dispatcher } = await baking(t);
    dispatcher.update(
      model({
        name: "m",
        versions: [version({ state: "unloaded" }), version({ version: "2", state: "loading" })],
      }),
    );
    const { events, flight } = ask(dispatcher);
    assert.deepEqual([events, flight.version], [[], "2"]);
  });
});
