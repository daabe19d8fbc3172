import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import type { Dispatcher } from "../../src/front-door/dispatcher.ts";
import { writeChunk, writePressure, writeRunning } from "../../src/protocol/host-frames.ts";
import { ask, heardAll, serving, setUp, view } from "./dispatching.ts";
import { FakeHost, pressure } from "./fake-host.ts";
import { until } from "./until.ts";
import { model, version } from "./views.ts";

/** A host that has said that it runs the request that it got. */
async function running(dispatcher: Dispatcher, host: FakeHost): Promise<number> {
  const before = host.requests.length;
  const { id } = await host.request(Math.max(1, before));
  host.say((writer) => writeRunning(writer, [id]));
  await heardAll(dispatcher, host);
  return id;
}

const optionsOf = { timeout: 20_000 };

describe("A dispatcher", optionsOf, () => {
  it("brings a request to its host, and the answer back, once", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { events, settled } = ask(dispatcher);
    const { id, body } = await host.request();
    host.done(id, "answer");
    await settled();
    assert.deepEqual([String(body), events], ["ask", ["done answer"]]);
  });

  it("brings a host's failure back as it is", async (t) => {
    const { dispatcher, host } = await serving(t);
    const failures: unknown[] = [];
    ask(dispatcher, { onFailed: (failure) => failures.push(failure) });
    const failure = { code: "inference-failed", message: "no", retryAfterMs: 7 } as const;
    host.failed((await host.request()).id, failure);
    await until(() => failures.length > 0);
    assert.deepEqual(failures, [failure]);
  });

  it("keeps answers apart, in whatever order they come", async (t) => {
    const { dispatcher, host } = await serving(t);
    const asked = ["a", "b", "c"].map((requestId) => ask(dispatcher, { requestId }));
    for (const { id, requestId } of (await host.hasRequests(3)).toReversed()) {
      host.done(id, requestId);
    }
    for (const { settled } of asked) await settled();
    assert.deepEqual(
      asked.map(({ events }) => events),
      [["done a"], ["done b"], ["done c"]],
    );
  });

  it("spreads requests over the hosts", async (t) => {
    const { dispatcher, hosts } = await serving(t, 2);
    for (let at = 0; at < 4; at += 1) ask(dispatcher);
    for (const host of hosts) await host.hasRequests(2);
  });

  it("prefers the host with the shortest wait", async (t) => {
    const { dispatcher, hosts, host } = await serving(t, 2);
    const load = pressure({ queuedRows: 100, rowCostMs: 1 });
    host.say((writer) => writePressure(writer, load));
    await until(() => dispatcher.loads("m", "1").some(({ reportedRows }) => reportedRows > 0));
    ask(dispatcher);
    ask(dispatcher);
    await hosts[1]?.hasRequests(2);
  });

  it("leaves a host alone whose breaker is open while another's is not", async (t) => {
    const { dispatcher, hosts, host } = await serving(t, 2);
    const load = pressure({ breaker: "open", breakerRetryMs: 5_000 });
    host.say((writer) => writePressure(writer, load));
    await until(() => dispatcher.loads("m", "1").some(({ breaker }) => breaker === "open"));
    ask(dispatcher);
    ask(dispatcher);
    await hosts[1]?.hasRequests(2);
  });

  it("keeps the versions of a model apart", async (t) => {
    const { dispatcher, host } = await serving(t);
    const one = version({ hosts: [host.view] });
    const next = version({ version: "2", state: "recovering" });
    dispatcher.update(model({ name: "m", versions: [one, next] }));
    const { events } = ask(dispatcher, { version: "2", pinned: true });
    await heardAll(dispatcher, host);
    assert.deepEqual([host.requests.length, events], [1, []]);
  });

  it("grants chunks to a stream's host", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { flight, events } = ask(dispatcher, { stream: true });
    const { id } = await host.request();
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("x"), tensors: [] }));
    await until(() => events.length > 0);
    dispatcher.credit(flight, 1);
    assert.deepEqual(await host.hears("credit"), { type: "credit", id, chunks: 1 });
    assert.deepEqual(events, ["chunk x"]);
  });
});

describe("A request without a host", optionsOf, () => {
  it("waits for one, and goes when it has greeted", async (t) => {
    const { dispatcher, update } = setUp(t);
    const { events, settled } = ask(dispatcher);
    const host = await FakeHost.ready(t);
    update(host);
    host.done((await host.request()).id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });

  it("fails when its model cannot be served any more", (t) => {
    const { dispatcher } = setUp(t);
    const { events } = ask(dispatcher);
    dispatcher.update(view([], { state: "unavailable", reason: "given up" }));
    assert.deepEqual(events, ["model-unavailable"]);
  });

  it("fails at its deadline", (t) => {
    const { dispatcher, clock } = setUp(t);
    const { events } = ask(dispatcher);
    clock.advance(9_999);
    assert.deepEqual(events, []);
    clock.advance(6);
    assert.deepEqual(events, ["deadline-exceeded"]);
  });

  it("is forgotten when its caller leaves", async (t) => {
    const { dispatcher, update } = setUp(t);
    const { flight, events } = ask(dispatcher, { requestId: "gone" });
    dispatcher.cancel(flight);
    const host = await FakeHost.ready(t);
    update(host);
    await heardAll(dispatcher, host);
    assert.deepEqual([host.requests.map(({ requestId }) => requestId), events], [["last"], []]);
  });
});

describe("A request at its host", optionsOf, () => {
  for (const [where, words] of [
    ["queued", "waited in the queue"],
    ["running", "was running"],
  ] as const) {
    it(`fails at its deadline while ${where}, and its host is told`, async (t) => {
      const { dispatcher, clock, host } = await serving(t);
      const messages: string[] = [];
      ask(dispatcher, { onFailed: ({ message }) => messages.push(message) });
      const { id } = await host.request();
      if (where === "running") await running(dispatcher, host);
      clock.advance(10_005);
      assert.equal(messages.length, 1);
      assert.ok(messages[0]?.endsWith(words), messages[0]);
      assert.deepEqual(await host.hears("cancel"), { type: "cancel", id, reason: "expired" });
    });
  }

  it("is cancelled there when its caller leaves", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { flight } = ask(dispatcher);
    const { id } = await host.request();
    dispatcher.cancel(flight);
    dispatcher.cancel(flight);
    assert.deepEqual(await host.hears("cancel"), { type: "cancel", id, reason: "client-left" });
    await heardAll(dispatcher, host);
    assert.equal(host.frames.filter(({ type }) => type === "cancel").length, 1);
  });

  it("gets nothing of what comes after it has expired", async (t) => {
    const { dispatcher, clock, host, violations } = await serving(t);
    const { events } = ask(dispatcher, { deadlineAt: 2_000, stream: true });
    const { id } = await host.request();
    clock.advance(1_005);
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("late"), tensors: [] }));
    host.done(id, "late");
    await heardAll(dispatcher, host);
    assert.deepEqual([events, violations], [["deadline-exceeded"], []]);
  });

  it("counts there until the host has answered, cancelled or not", async (t) => {
    const { dispatcher, host } = await serving(t);
    const { flight } = ask(dispatcher);
    const { id } = await host.request();
    dispatcher.cancel(flight);
    const count = () => dispatcher.loads("m", "1")[0]?.outstandingRequests;
    assert.equal(count(), 1);
    host.failed(id, { code: "cancelled", message: "" });
    await until(() => count() === 0);
  });

  it("goes to another when its host is drained before it has begun", async (t) => {
    const { dispatcher, hosts } = await serving(t, 2);
    const { events, settled } = ask(dispatcher);
    await until(() => hosts.some(({ requests }) => requests.length === 1));
    const [draining, other] = hosts.toSorted((a, b) => b.requests.length - a.requests.length);
    const { id } = (await draining?.request()) ?? { id: -1 };
    const failure = { code: "draining", message: "" } as const;
    draining?.failed(id, failure, pressure({ draining: true }));
    other?.done((await other.request()).id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });

  it("waits for the next when the only host is drained", async (t) => {
    const { dispatcher, host, update } = await serving(t);
    const { events, settled } = ask(dispatcher);
    const failure = { code: "draining", message: "" } as const;
    host.failed((await host.request()).id, failure, pressure({ draining: true }));
    await until(() => dispatcher.loads("m", "1").length === 0);
    const next = await FakeHost.ready(t, "m/1#0.2");
    update(host, next);
    next.done((await next.request()).id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });

  it("is not begun again when a draining host gives back what has sent chunks", async (t) => {
    const { dispatcher, hosts } = await serving(t, 2);
    const { flight, events } = ask(dispatcher, { stream: true });
    await until(() => hosts.some(({ requests }) => requests.length === 1));
    const host = hosts.find(({ requests }) => requests.length === 1) as FakeHost;
    const { id } = await host.request();
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("x"), tensors: [] }));
    await until(() => flight.hasChunks);
    host.failed(id, { code: "draining", message: "" }, pressure({ draining: true }));
    await until(() => events.length === 2);
    assert.deepEqual(events, ["chunk x", "draining"]);
  });
});

/** The request is at a host, which dies of this as often as said, each time when the next is already there. */
async function survive(t: TestContext, deaths: readonly ("queued" | "model" | "outside")[]) {
  const parts = setUp(t);
  const { dispatcher, update } = parts;
  let host = await FakeHost.ready(t, "m/1#0.0");
  update(host);
  const asked = ask(dispatcher);
  for (const [at, death] of deaths.entries()) {
    await host.request();
    if (death !== "queued") await running(dispatcher, host);
    const dead = host;
    host = await FakeHost.ready(t, `m/1#0.${at + 1}`);
    dead.hangUp();
    dispatcher.hostDown(dead.view.hostId, death === "model" ? "model" : "outside");
    update(host);
  }
  return { ...parts, ...asked, host };
}

describe("A request whose host dies", optionsOf, () => {
  const replays: readonly (readonly ["queued" | "model" | "outside", boolean])[] = [
    ["queued", false],
    ["outside", false],
    ["model", true],
  ];
  for (const [death, alone] of replays) {
    it(`is sent again, ${alone ? "" : "not "}alone: ${death}`, async (t) => {
      const { host, events, settled, replays: reasons } = await survive(t, [death]);
      const request = await host.request();
      host.done(request.id);
      await settled();
      assert.deepEqual([request.alone, events, reasons], [alone, ["done {}"], [death]]);
    });
  }

  it("is sent again as often as it was only queued", async (t) => {
    const { host, events, settled } = await survive(t, Array(6).fill("queued"));
    host.done((await host.request()).id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });

  it("has poisoned two hosts, and gets no third", async (t) => {
    const { dispatcher, host, events } = await survive(t, ["model", "model"]);
    await until(() => dispatcher.loads("m", "1").length === 1);
    await heardAll(dispatcher, host);
    assert.deepEqual([events, host.requests.length], [["poison-request"], 1]);
  });

  it("stays alone after a death for which the model was to blame", async (t) => {
    const { host } = await survive(t, ["model", "outside"]);
    assert.equal((await host.request()).alone, true);
  });

  it("is sent again three times after kills from outside", async (t) => {
    const { host, events, settled } = await survive(t, ["outside", "outside", "outside"]);
    host.done((await host.request()).id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });

  it("fails after a fourth kill from outside", async (t) => {
    const { events } = await survive(t, Array(4).fill("outside"));
    assert.deepEqual(events, ["host-crashed"]);
  });

  it("fails when part of its answer is out", async (t) => {
    const { dispatcher, host } = await serving(t, 2);
    const { flight, events } = ask(dispatcher, { stream: true });
    const { id } = await host.request();
    host.say((writer) => writeChunk(writer, id, { json: Buffer.from("x"), tensors: [] }));
    await until(() => flight.hasChunks);
    dispatcher.hostDown(host.view.hostId, "outside");
    assert.deepEqual(events, ["chunk x", "host-crashed"]);
  });

  it("goes to another replica at once", async (t) => {
    const { dispatcher, hosts } = await serving(t, 2);
    ask(dispatcher);
    await until(() => hosts.some(({ requests }) => requests.length === 1));
    const [dead, other] = hosts.toSorted((a, b) => b.requests.length - a.requests.length);
    dispatcher.hostDown(dead?.view.hostId ?? "", "outside");
    await other?.hasRequests(1);
  });

  it("fails at its deadline while it waits for the next host", async (t) => {
    const { dispatcher, clock, host } = await serving(t);
    const messages: string[] = [];
    ask(dispatcher, { onFailed: ({ message }) => messages.push(message) });
    await host.request();
    dispatcher.hostDown(host.view.hostId, "outside");
    clock.advance(10_005);
    assert.equal(messages.length, 1);
    assert.match(messages[0] ?? "", /waited for a host$/);
  });

  it("is not sent again when its caller has left", async (t) => {
    const { dispatcher, host, replays: reasons } = await serving(t);
    const { flight } = ask(dispatcher);
    await host.request();
    dispatcher.cancel(flight);
    dispatcher.hostDown(host.view.hostId, "model");
    assert.deepEqual(reasons, []);
  });

  it("waits at a connection that is lost until the supervisor tells what became of it", async (t) => {
    const { dispatcher, host, update } = await serving(t);
    const { events, settled } = ask(dispatcher);
    await host.request();
    host.hangUp();
    await until(() => dispatcher.loads("m", "1").length === 0);
    assert.deepEqual(events, []);
    dispatcher.hostDown(host.view.hostId, "model");
    const next = await FakeHost.ready(t, "m/1#0.2");
    update(next);
    next.done((await next.request()).id);
    await settled();
    assert.deepEqual(events, ["done {}"]);
  });
});

describe("A host that does not keep the protocol", optionsOf, () => {
  it("is reported", async (t) => {
    const { host, violations } = await serving(t);
    host.sayBytes(Buffer.from([1, 0, 0, 0, 99]));
    await until(() => violations.length > 0);
    assert.deepEqual(violations, ["m/1#0.1: it sent a frame that the protocol does not have"]);
  });

  it("is reported a second after it has hung up, if nobody has told of its end", async (t) => {
    const { dispatcher, host, clock, violations } = await serving(t);
    host.hangUp();
    await until(() => dispatcher.loads("m", "1").length === 0);
    clock.advance(999);
    assert.deepEqual(violations, []);
    clock.advance(1);
    assert.deepEqual(violations, ["m/1#0.1: its connection ended while it lives"]);
  });

  it("is not reported when its end was told", async (t) => {
    const { dispatcher, host, clock, violations } = await serving(t);
    host.hangUp();
    await until(() => dispatcher.loads("m", "1").length === 0);
    dispatcher.hostDown(host.view.hostId, "outside");
    clock.advance(5_000);
    assert.deepEqual(violations, []);
  });
});
