import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { SocketSession } from "../../src/front-door/socket-session.ts";
import type { SocketTarget } from "../../src/front-door/socket-target.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import type { DoorSettings } from "../../src/protocol/control.ts";
import { bodyOf } from "./calls.ts";
import { doorParts, model } from "./door-parts.ts";
import { type Frame, SocketClient } from "./socket-client.ts";
import { until } from "./until.ts";
import { metadata, version } from "./views.ts";

const anyModel: SocketTarget = {
  endpoint: "/ws",
  model: undefined,
  version: undefined,
  samples: undefined,
};
const perSocket = 4;

/** A session on a real socket, whose client is the test's, before a dispatcher that it drives. */
async function converse(
  t: TestContext,
  changed: Partial<DoorSettings> = {},
  target: SocketTarget = anyModel,
) {
  const parts = doorParts({ wsMaxInFlight: perSocket, ...changed });
  const http = createServer();
  const server = new WebSocketServer({ server: http, perMessageDeflate: false });
  const sessions: SocketSession[] = [];
  const sockets: WebSocket[] = [];
  server.on("connection", (socket, request) => {
    sockets.push(socket);
    sessions.push(new SocketSession(parts, socket, request.socket, target));
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    for (const socket of sockets) socket.terminate();
    server.close();
    http.close();
  });
  const { port } = http.address() as AddressInfo;
  const client = await new SocketClient(t, `ws://127.0.0.1:${port}`).opened();
  await until(() => sessions.length === 1);
  const session = sessions[0] as SocketSession;
  return { ...parts, client, session, socket: sockets[0] as WebSocket };
}

function brief(frames: readonly Frame[]): readonly string[] {
  return frames.map(({ type, id, code }) =>
    [type, id, code].filter((one) => one != null).join(" "),
  );
}

function range(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}

const bounded = { timeout: 30_000 };

describe("A request on a socket", bounded, () => {
  it("reaches the dispatcher as it was asked", async (t) => {
    const { client, fake } = await converse(t);
    client.infer("a", { version: 1, timeout_ms: 500, priority: "low", stream: true });
    const { onChunk, onDone, onFailed, body, requestId, ...call } = await fake.call();
    assert.deepEqual(call, {
      model: "m",
      version: "1",
      pinned: true,
      codec: "predict",
      deadlineAt: 1_500,
      priority: "low",
      stream: true,
      sequence: null,
      trace: undefined,
    });
    assert.equal(JSON.parse(String(body)).id, "a");
  });

  it("is answered with the host's fields under its own id", async (t) => {
    const { client, fake } = await converse(t);
    client.infer('a"b');
    fake.done(await fake.call(), '{"predictions":[1]}');
    assert.deepEqual(await client.has(1), [{ type: "done", id: 'a"b', predictions: [1] }]);
  });

  it("that fails says why, when to try again, and its request id", async (t) => {
    const { client, fake } = await converse(t);
    client.infer(7);
    const { onFailed, requestId } = await fake.call();
    onFailed({ code: "overloaded", message: "full", retryAfterMs: 1.5 });
    assert.deepEqual(await client.has(1), [
      {
        type: "failed",
        id: 7,
        error: "full",
        code: "overloaded",
        retry_after_ms: 2,
        request_id: requestId,
      },
    ]);
  });

  it("gets its chunks, and each sent one grants the next", async (t) => {
    const { client, fake } = await converse(t);
    client.infer(1, { stream: true });
    const call = await fake.call();
    call.onChunk({ jsonBytes: 0, body: Buffer.from('{"part":1}') });
    call.onChunk({ jsonBytes: 0, body: Buffer.from('{"part":2}') });
    fake.done(call, '{"part":3}');
    const frames = await client.has(3);
    await until(() => fake.credits.length === 2);
    assert.deepEqual(
      [frames.map(({ part }) => part), brief(frames), fake.credits],
      [
        [1, 2, 3],
        ["chunk 1", "chunk 1", "done 1"],
        [1, 1],
      ],
    );
  });

  it("holds a permit until it is answered, and is noted once", async (t) => {
    const { client, fake, permits, lines, metrics } = await converse(t);
    client.infer(1);
    const call = await fake.call();
    const before = permits.requests;
    fake.done(call);
    await client.has(1);
    assert.deepEqual([before, permits.requests, permits.bytes], [1, 0, 0]);
    assert.deepEqual(
      lines.map(({ status, route }) => [status, route]),
      [[200, "/ws"]],
    );
    assert.equal(metrics.model("m", "1").predictions("ok").value, 1);
  });

  it("may not have the id of another that is in flight, which goes on", async (t) => {
    const { client, fake } = await converse(t);
    client.infer("a");
    client.infer("a");
    await client.has(1);
    fake.done(await fake.call());
    assert.deepEqual(brief(await client.has(2)), ["failed a invalid-request", "done a"]);
    assert.equal(fake.flights.length, 1);
  });

  it("may have the id of one that was answered", async (t) => {
    const { client, fake } = await converse(t);
    client.infer("a");
    fake.done(await fake.call());
    await client.has(1);
    client.infer("a");
    fake.done(await fake.call(2));
    assert.deepEqual(brief(await client.has(2)), ["done a", "done a"]);
  });

  it("that is cancelled is answered so, and given back", async (t) => {
    const { client, fake, permits } = await converse(t);
    client.infer("a");
    await fake.call();
    client.send({ type: "cancel", id: "a" });
    assert.deepEqual(brief(await client.has(1)), ["failed a cancelled"]);
    assert.deepEqual([fake.cancelled, permits.requests], [fake.flights, 0]);
  });

  it("that is unknown may be cancelled: nothing comes of it", async (t) => {
    const { client } = await converse(t);
    client.send({ type: "cancel", id: "b" }, { type: "infer", id: "c", model: "nobody" });
    assert.deepEqual(brief(await client.has(1)), ["failed c model-not-found"]);
  });

  it("in binary is refused where it does not begin with the length of its JSON", async (t) => {
    const { client } = await converse(t);
    client.socket.send(Buffer.from("{}"));
    assert.deepEqual(brief(await client.has(1)), ["failed invalid-request"]);
  });

  it("in binary reaches the dispatcher whole, and is answered as its host says", async (t) => {
    const { client, fake } = await converse(t);
    const json = Buffer.from(JSON.stringify({ type: "infer", id: "a", model: "m", inputs: [] }));
    const frame = Buffer.concat([lengthPrefix(json.length), json, Buffer.from("tensors")]);
    client.socket.send(frame);
    const call = await fake.call();
    assert.deepEqual([call.codec, bodyOf(call)], ["predict-binary", frame]);
    const answers: Buffer[] = [];
    client.socket.removeAllListeners("message");
    client.socket.on("message", (data, isBinary) => {
      assert.equal(isBinary, true);
      answers.push(data as Buffer);
    });
    call.onChunk({ jsonBytes: 7, body: Buffer.from('{"n":1}ab') });
    fake.done(call, '{"n":2}cd', 7);
    await until(() => answers.length === 2);
    assert.deepEqual(
      answers.map((answer) => answer.toString("latin1", 4)),
      ['{"type":"chunk","id":"a","n":1}ab', '{"type":"done","id":"a","n":2}cd'],
    );
    assert.equal(answers[0]?.readUInt32LE(0), (answers[0]?.length ?? 0) - 6);
  });

  it("goes to the model of the path, and to no other", async (t) => {
    const target = { endpoint: "/stream", model: "m", version: "1", samples: undefined };
    const { client, fake } = await converse(t, {}, target);
    client.infer(1, { model: undefined });
    client.infer(2, { model: "n" });
    const { model, version } = await fake.call();
    assert.deepEqual([model, version], ["m", "1"]);
    assert.deepEqual(brief(await client.has(1)), ["failed 2 invalid-request"]);
  });
});

describe("A client that leaves its socket", bounded, () => {
  it("has all its requests cancelled, and gives back what they held", async (t) => {
    const { client, fake, permits, lines, clock } = await converse(t);
    for (const id of range(3)) client.infer(id);
    await fake.call(3);
    client.socket.terminate();
    await until(() => permits.requests === 0);
    assert.deepEqual([fake.cancelled, permits.bytes, clock.armed], [fake.flights, 0, 0]);
    assert.deepEqual(
      lines.map(({ status }) => status),
      [499, 499, 499],
    );
  });
});

describe("A socket on which too much is asked", bounded, () => {
  it("refuses what is past its limit, and goes on", async (t) => {
    const { client, fake } = await converse(t);
    for (const id of range(perSocket + 2)) client.infer(id);
    assert.deepEqual(brief(await client.has(2)), ["failed 4 overloaded", "failed 5 overloaded"]);
    for (const { call } of [...fake.flights]) fake.done(call);
    assert.deepEqual(brief((await client.has(6)).slice(2)), [
      "done 0",
      "done 1",
      "done 2",
      "done 3",
    ]);
  });

  it("is read no further when a flood has been refused", async (t) => {
    const { client, fake, socket } = await converse(t);
    for (const id of range(3 * perSocket)) client.infer(id);
    await until(() => socket.isPaused);
    await client.has(perSocket);
    client.infer("later");
    await new Promise(setImmediate);
    assert.equal(fake.flights.length, perSocket);
    assert.deepEqual(
      brief(client.frames),
      range(perSocket).map((at) => `failed ${at + perSocket} overloaded`),
    );
  });

  it("answers each frame of a flood once, and is never stuck", async (t) => {
    const { client, fake, permits } = await converse(t);
    const count = 2_000;
    for (const id of range(count)) client.infer(id);
    let answered = 0;
    await until(() => {
      for (; answered < fake.flights.length; answered += 1) {
        const flight = fake.flights[answered];
        if (flight !== undefined) fake.done(flight.call);
      }
      return client.frames.length >= count;
    }, "all answers");
    const ids = client.frames.map(({ id }) => Number(id)).toSorted((a, b) => a - b);
    assert.deepEqual([ids, permits.requests], [range(count), 0]);
  });

  it("takes up what it had parked in the order in which it came", async (t) => {
    const { client, fake, socket } = await converse(t);
    client.flood(range(3 * perSocket));
    await until(() => socket.isPaused);
    fake.done(await fake.call());
    const { body } = await fake.call(perSocket + 1);
    await client.has(2 * perSocket);
    assert.equal(JSON.parse(String(body)).id, 2 * perSocket);
    assert.deepEqual(brief(client.frames.slice(perSocket)), [
      "done 0",
      "failed 9 overloaded",
      "failed 10 overloaded",
      "failed 11 overloaded",
    ]);
  });

  it("sees a cancel that stands behind the flood when there is room again", async (t) => {
    const { client, fake, socket } = await converse(t);
    client.flood(range(2 * perSocket), { type: "cancel", id: 1 });
    await until(() => socket.isPaused);
    fake.done(await fake.call());
    await until(() => fake.cancelled.length === 1);
    assert.equal(fake.cancelled[0], fake.flights[1]);
  });

  it("asks nothing more of what it had parked when it has ended", async (t) => {
    const { client, fake, socket, permits } = await converse(t);
    client.flood(range(3 * perSocket));
    await until(() => socket.isPaused);
    await client.has(perSocket);
    socket.terminate();
    await until(() => fake.cancelled.length > 0);
    assert.deepEqual([fake.flights.length, permits.requests], [perSocket, 0]);
  });
});

/** The client reads nothing, and more is on its way than the operating system holds. */
async function clogged(t: TestContext) {
  const parts = await converse(t, { wsMaxBufferedBytes: 1_000_000 });
  const { client, fake, socket } = parts;
  client.socket.pause();
  const part = JSON.stringify({ part: "x".repeat(1_000_000) });
  client.infer("slow", { stream: true });
  const call = await fake.call();
  await until(() => {
    if (socket.bufferedAmount < 10_000_000) call.onChunk({ jsonBytes: 0, body: Buffer.from(part) });
    return socket.bufferedAmount >= 10_000_000;
  });
  return { ...parts, call };
}

describe("A reader that is slow", bounded, () => {
  it("is read no further", async (t) => {
    const { socket } = await clogged(t);
    assert.equal(socket.isPaused, true);
  });

  it("is granted no chunk before it has taken the last", async (t) => {
    const { fake, client } = await clogged(t);
    const before = fake.credits.length;
    client.socket.resume();
    await until(() => fake.credits.length > before);
  });

  it("is read again when it has taken what there was", async (t) => {
    const { fake, client, socket, call } = await clogged(t);
    client.infer("next");
    client.socket.resume();
    await until(() => !socket.isPaused, "the resumption");
    fake.done(call);
    fake.done(await fake.call(2));
    await until(() => client.frames.at(-1)?.id === "next");
  });

  it("is ended when far more stands there than it may leave", async (t) => {
    const { fake, call, socket, permits } = await clogged(t);
    const part = Buffer.from(JSON.stringify({ part: "x".repeat(1_000_000) }));
    for (let at = 0; at < 30; at += 1) call.onChunk({ jsonBytes: 0, body: part });
    assert.ok(socket.bufferedAmount < 20_000_000);
    await until(() => fake.cancelled.length === 1);
    assert.equal(permits.requests, 0);
  });

  it("is ended when it has taken nothing for ten seconds", async (t) => {
    const { clock, fake, permits } = await clogged(t);
    clock.advance(10_000);
    clock.advance(10_000);
    await until(() => fake.cancelled.length === 1);
    assert.equal(permits.requests, 0);
  });

  it("is not ended as long as it takes something", async (t) => {
    const { clock, client, socket, fake } = await clogged(t);
    const before = socket.bufferedAmount;
    client.socket.resume();
    await until(() => socket.bufferedAmount < before);
    client.socket.pause();
    clock.advance(10_000);
    assert.deepEqual([socket.readyState, fake.cancelled], [socket.OPEN, []]);
  });
});

describe("A socket that is drained", bounded, () => {
  it("is closed with 1001 at once where nothing is in flight", async (t) => {
    const { client, session } = await converse(t);
    session.drain();
    assert.equal(await client.closed(), 1001);
  });

  it("is closed with 1001 when what is in flight is answered", async (t) => {
    const { client, session, fake } = await converse(t);
    client.infer("a");
    const call = await fake.call();
    session.drain();
    client.infer("b");
    await client.has(1);
    fake.done(call);
    assert.equal(await client.closed(), 1001);
    assert.deepEqual(brief(client.frames), ["failed b draining", "done a"]);
  });

  it("refuses what was parked, and closes", async (t) => {
    const { client, session, fake, socket } = await converse(t);
    client.flood(range(3 * perSocket));
    await until(() => socket.isPaused);
    session.drain();
    for (const { call } of [...fake.flights]) fake.done(call);
    assert.equal(await client.closed(), 1001);
    const refused = client.frames.filter(({ code }) => code === "draining");
    assert.equal(refused.length, perSocket);
    assert.equal(client.frames.length, 3 * perSocket);
  });
});

const memory = {
  ...metadata,
  state: [{ input: 0, output: 0, found: false }],
  stream: { input: 0, window: 1, hop: 1, pad: "zeros" } as const,
};

/** A session whose model remembers. */
async function remembering(
  t: TestContext,
  changed: Partial<DoorSettings> = {},
  target: SocketTarget = anyModel,
) {
  const parts = await converse(t, changed, target);
  parts.directory.update(model("m", { metadata: memory }));
  const { client, fake } = parts;
  /** A frame that has come to the dispatcher. */
  const infer = async (id: unknown, fields: object = {}) => {
    const count = fake.flights.length + 1;
    client.infer(id, fields);
    const call = await fake.call(count);
    assert.ok(call.sequence !== null);
    return { call, ...call.sequence };
  };
  return { ...parts, infer };
}

const lostFields = {
  reason: "lost",
  code: "sequence-lost",
  error: "the sequence has ended: the host that kept it died",
};

describe("A socket of a model that remembers", bounded, () => {
  it("is a sequence: its first frame begins it, the others go on", async (t) => {
    const { infer } = await remembering(t);
    const [first, second] = [await infer(1), await infer(2)];
    assert.deepEqual([first.start, second.start, second.seat], [true, false, first.seat]);
    assert.deepEqual([first.seat.options.isShared, first.end], [false, false]);
  });

  it("may have several, by name, each of which goes on", async (t) => {
    const { infer } = await remembering(t, { wsMaxInFlight: 6 });
    const names = [undefined, "a", "b"];
    const firsts = [];
    for (const sequence of names) firsts.push(await infer(`1 ${sequence}`, { sequence }));
    for (const [at, sequence] of names.entries()) {
      const { start, seat } = await infer(`2 ${sequence}`, { sequence });
      assert.deepEqual([start, seat], [false, firsts[at]?.seat]);
    }
    assert.equal(new Set(firsts.map(({ seat }) => seat)).size, 3);
  });

  it("goes on with the version that has begun, though another is the newest", async (t) => {
    const { infer, directory } = await remembering(t);
    await infer(1);
    const versions = ["1", "2"].map((name) => version({ version: name, metadata: memory }));
    directory.update({ ...model("m"), versions });
    const next = await infer(2);
    const other = await infer(3, { sequence: "other" });
    assert.deepEqual([next.call.version, other.call.version], ["1", "2"]);
  });

  it("goes on although its model is described no more", async (t) => {
    const { infer, directory } = await remembering(t);
    const { seat } = await infer(1);
    directory.update(model("m", { metadata: null }));
    assert.equal((await infer(2)).seat, seat);
  });

  it("begins anew after a reset, which is not answered", async (t) => {
    const { infer, client, fake } = await remembering(t);
    const first = await infer(1);
    fake.done(first.call);
    client.send({ type: "reset", id: "r", model: "m" });
    const next = await infer(2);
    assert.deepEqual([next.start, fake.ended], [true, [first.seat]]);
    assert.deepEqual(brief(client.frames), ["done 1"]);
  });

  it("says that a sequence has ended when its last frame is answered", async (t) => {
    const { infer, client, fake } = await remembering(t);
    const { call, seat } = await infer(1, { sequence: "s" });
    client.send({ type: "end", model: "m", sequence: "s" });
    const next = await infer(2, { sequence: "s" });
    fake.done(call);
    await client.has(2);
    assert.deepEqual(client.frames, [
      { type: "done", id: 1, ok: true },
      { type: "ended", model: "m", sequence: "s", reason: "end" },
    ]);
    assert.deepEqual([next.start, fake.ended], [true, [seat]]);
  });

  it("takes a reset where there is nothing, and says that nothing has ended", async (t) => {
    const { client } = await remembering(t);
    client.send({ type: "reset", model: "m" }, { type: "end", id: 7, model: "m", sequence: "s" });
    assert.deepEqual(await client.has(1), [
      { type: "ended", model: "m", sequence: "s", reason: "end" },
    ]);
  });

  const unknown = [
    [{ type: "reset", id: "r", model: "nobody" }, "failed r model-not-found"],
    [{ type: "end", model: "m", version: 9 }, "failed model-not-found"],
    [{ type: "end" }, "failed invalid-request"],
  ] as const;
  for (const [frame, failed] of unknown) {
    it(`refuses ${JSON.stringify(frame)}`, async (t) => {
      const { client } = await remembering(t);
      client.send(frame);
      assert.deepEqual(brief(await client.has(1)), [failed]);
    });
  }

  it("may not ask for another version in the middle, and goes on", async (t) => {
    const { infer, client, directory } = await remembering(t);
    const versions = ["1", "2"].map((name) => version({ version: name, metadata: memory }));
    directory.update({ ...model("m"), versions });
    const { seat } = await infer(1, { version: "1" });
    client.infer(2, { version: "2" });
    assert.deepEqual(brief(await client.has(1)), ["failed 2 invalid-request"]);
    assert.equal((await infer(3)).seat, seat);
  });

  it("says that the server has ended it, and takes nothing before a reset", async (t) => {
    const { infer, client, fake } = await remembering(t);
    const { call, seat } = await infer(1);
    fake.failed(call, "sequence-lost");
    fake.break(seat, "lost");
    client.infer(2);
    await client.has(3);
    client.send({ type: "reset", model: "m" });
    const next = await infer(3);
    const [failed, ended, refused] = client.frames;
    assert.deepEqual(
      [failed?.code, ended, refused?.code],
      [
        "sequence-lost",
        { type: "ended", model: "m", sequence: null, ...lostFields },
        "sequence-lost",
      ],
    );
    assert.deepEqual([next.start, client.frames.length], [true, 3]);
  });

  it("leaves its other sequences on their way when one has ended", async (t) => {
    const { infer, client, fake } = await remembering(t);
    const other = await infer(1, { sequence: "other" });
    fake.break((await infer(2, { sequence: "s" })).seat, "idle");
    await client.has(1);
    assert.equal((await infer(3, { sequence: "other" })).seat, other.seat);
    assert.deepEqual(
      client.frames.map(({ sequence, reason }) => [sequence, reason]),
      [["s", "idle"]],
    );
  });

  it("ends with a frame that is cancelled, and each frame is answered once", async (t) => {
    const { infer, client, fake, permits, lines } = await remembering(t);
    fake.isWaiting = true;
    for (const id of ["a", "b", "c"]) await infer(id);
    client.send({ type: "cancel", id: "a" });
    await client.has(4);
    client.infer("d");
    await client.has(5);
    assert.deepEqual(brief(client.frames), [
      "failed a cancelled",
      "failed b sequence-lost",
      "failed c sequence-lost",
      "ended sequence-lost",
      "failed d sequence-lost",
    ]);
    assert.equal(client.frames[3]?.["reason"], "cancelled");
    assert.deepEqual([permits.requests, lines.length], [0, 4]);
  });

  it("is left by a client that leaves, with each frame noted once", async (t) => {
    const { infer, client, fake, permits, lines, clock, metrics } = await remembering(t);
    fake.isWaiting = true;
    const resting = await infer("rest", { sequence: "rest" });
    fake.done(resting.call);
    for (const id of ["a", "b", "c"]) await infer(id);
    client.socket.terminate();
    await until(() => permits.requests === 0);
    await until(() => clock.armed === 0);
    assert.deepEqual(
      lines.map(({ status }) => status),
      [200, 503, 503, 499],
    );
    assert.deepEqual([fake.ended, permits.bytes], [[resting.seat], 0]);
    const counts = (["ok", "cancelled", "sequence-lost"] as const).map(
      (code) => metrics.model("m", "1").predictions(code).value,
    );
    assert.deepEqual(counts, [1, 1, 2]);
  });

  for (const [code, isLeft] of [
    ["overloaded", true],
    ["model-unavailable", true],
    ["invalid-request", true],
    ["inference-failed", false],
  ] as const) {
    it(`${isLeft ? "begins" : "goes on"} with the next frame where the first one failed: ${code}`, async (t) => {
      const { infer, client, fake } = await remembering(t);
      const first = await infer(1);
      fake.failed(first.call, code);
      const next = await infer(2);
      assert.deepEqual([next.start, fake.ended], [isLeft, isLeft ? [first.seat] : []]);
      assert.deepEqual(brief(client.frames), [`failed 1 ${code}`]);
    });
  }

  it("begins with the next frame where the first one was not admitted", async (t) => {
    const { infer, client, fake } = await remembering(t);
    const idle = { outstandingRequests: 0, outstandingBytes: 0, reportedRows: 0 };
    const costs = { rowCostMs: 0, batchCostMs: 0, rowsPerRequest: 1 };
    const rest = { ...costs, breaker: "closed", breakerRetryMs: 0 } as const;
    fake.replicas = [{ ...idle, ...rest, sequences: 2 }];
    client.infer(1);
    assert.deepEqual(brief(await client.has(1)), ["failed 1 overloaded"]);
    fake.replicas = [{ ...idle, ...rest, sequences: 1 }];
    assert.equal((await infer(2)).start, true);
    fake.replicas = [{ ...idle, ...rest, sequences: 2 }];
    assert.equal((await infer(3)).start, false);
  });

  it("keeps its place when a frame is past the limit of the socket", async (t) => {
    const { client, fake } = await remembering(t);
    client.flood(range(perSocket + 1));
    await client.has(1);
    for (const { call } of [...fake.flights]) fake.done(call);
    client.infer("next");
    const { sequence } = await fake.call(perSocket + 1);
    assert.deepEqual([client.frames[0]?.code, sequence?.start], ["overloaded", false]);
    assert.equal(sequence?.seat, fake.flights[0]?.call.sequence?.seat);
  });
});

describe("A socket of a model without memory", bounded, () => {
  it("takes frames that stand for themselves, and no sequence", async (t) => {
    const { client, fake, directory } = await converse(t);
    directory.update(model("m", { metadata }));
    client.infer(1, { sequence: "s" });
    client.infer(2);
    const { sequence } = await fake.call();
    const [failed] = await client.has(1);
    assert.equal(sequence, null);
    assert.deepEqual(
      [failed?.id, failed?.code, failed?.error],
      [
        1,
        "invalid-request",
        "model 'm' keeps no state from frame to frame, so it takes no 'sequence'",
      ],
    );
  });
});

describe("A reset or end for a model without memory", bounded, () => {
  for (const type of ["reset", "end"]) {
    it(`is refused: ${type}`, async (t) => {
      const { client, directory } = await converse(t);
      directory.update(model("m", { metadata }));
      client.send({ type, id: 1, model: "m" });
      const [failed] = await client.has(1);
      assert.deepEqual(
        [failed?.code, failed?.error],
        [
          "invalid-request",
          "model 'm' keeps no state from frame to frame, so it has no sequence to reset or end",
        ],
      );
    });
  }
});

describe("A frame that is refused", bounded, () => {
  it("is noted like one that was answered", async (t) => {
    const { client, lines } = await converse(t);
    client.infer(1, { model: "nobody" });
    await client.has(1);
    assert.deepEqual(
      lines.map(({ status, code, model: name, route }) => [status, code, name, route]),
      [[404, "model-not-found", "nobody", "/ws"]],
    );
  });
});

describe("A piece of a signal", bounded, () => {
  it("that is refused ends its sequence, which would have a gap, until a reset", async (t) => {
    const { client, infer, fake } = await remembering(t);
    const { call, seat } = await infer(1, { samples: [1] });
    client.infer(1, { samples: [2] });
    await client.has(2);
    fake.done(call);
    client.infer(2, { samples: [3] });
    await client.has(4);
    client.send({ type: "reset", model: "m" });
    const next = await infer(3, { samples: [4] });
    assert.deepEqual(brief(client.frames), [
      "failed 1 invalid-request",
      "ended sequence-lost",
      "done 1",
      "failed 2 sequence-lost",
    ]);
    assert.equal(client.frames[1]?.["reason"], "failed");
    assert.deepEqual([next.start, fake.ended], [true, [seat]]);
  });

  it("that is refused as the first does so too", async (t) => {
    const { client, infer, permits } = await remembering(t, { maxInFlight: 1 });
    const permit = permits.take(0);
    client.infer(1, { samples: [1] });
    await client.has(2);
    permit.release();
    assert.deepEqual(brief(client.frames), ["failed 1 overloaded", "ended sequence-lost"]);
    client.send({ type: "reset", model: "m" });
    assert.equal((await infer(2, { samples: [1] })).start, true);
  });

  it("waits for room on the socket, before all that comes behind it", async (t) => {
    const { client, fake, socket } = await remembering(t);
    for (const id of range(perSocket + 2)) client.infer(id, { samples: [id] });
    await until(() => socket.isPaused);
    client.infer("last");
    for (const count of range(perSocket + 3)) fake.done(await fake.call(count + 1));
    await client.has(perSocket + 3);
    assert.deepEqual(brief(client.frames), [
      ...range(perSocket + 2).map((id) => `done ${id}`),
      "done last",
    ]);
  });
});

describe("Binary frames", bounded, () => {
  const target = { endpoint: "/stream", model: "m", version: "1", samples: "int16" } as const;

  it("are samples of the socket's own sequence, numbered from 0", async (t) => {
    const { client, fake, infer } = await remembering(t, {}, target);
    const bytes = [Buffer.from([1, 2, 3, 4]), Buffer.from([5, 6])];
    for (const each of bytes) client.socket.send(each);
    const calls = [await fake.call(1), await fake.call(2)];
    const { seat } = await infer("a", { model: undefined });
    assert.deepEqual(
      calls.map(({ codec, body, stream, model: name, version: at, sequence }) => ({
        what: [codec, bodyOf({ body }), stream, name, at],
        sequence: [sequence?.seat === seat, sequence?.start],
      })),
      bytes.map((each, at) => ({
        what: ["int16", each, true, "m", "1"],
        sequence: [true, at === 0],
      })),
    );
    for (const call of calls) fake.done(call);
    assert.deepEqual(brief(await client.has(2)), ["done 0", "done 1"]);
  });

  it("have numbers of their own, which are no ids of the client", async (t) => {
    const { client, fake, infer } = await remembering(t, {}, target);
    client.socket.send(Buffer.from([1, 2]));
    const samples = await fake.call(1);
    const { call } = await infer(0, { model: undefined });
    client.send({ type: "cancel", id: 0 });
    await until(() => fake.cancelled.length === 1);
    assert.equal(fake.cancelled[0]?.call, call);
    fake.done(samples);
    assert.deepEqual(brief(await client.has(3)), [
      "failed 0 cancelled",
      "ended sequence-lost",
      "done 0",
    ]);
  });

  it("wait for room on the socket, in order", async (t) => {
    const { client, fake, socket } = await remembering(t, {}, target);
    for (const id of range(perSocket + 2)) client.socket.send(Buffer.from([id, 0]));
    await until(() => socket.isPaused);
    for (const count of range(perSocket + 2)) {
      const call = await fake.call(count + 1);
      assert.deepEqual(bodyOf(call), Buffer.from([count, 0]));
      fake.done(call);
    }
    await client.has(perSocket + 2);
    assert.deepEqual(
      brief(client.frames),
      range(perSocket + 2).map((id) => `done ${id}`),
    );
  });

  it("are refused where the path does not say what they hold, and JSON goes on", async (t) => {
    const { client, infer } = await remembering(t);
    client.socket.send(Buffer.from([1, 2]));
    assert.deepEqual(brief(await client.has(1)), ["failed invalid-request"]);
    assert.equal((await infer(1)).start, true);
  });
});

describe("A socket with sequences that is drained", bounded, () => {
  const patience = { drainSequencesMs: 5_000 };

  it("goes on with them for a while, then says that they have ended, and closes", async (t) => {
    const { client, fake, session, clock, infer } = await remembering(t, patience);
    const names = ["a", "b"];
    for (const sequence of names) fake.done((await infer(sequence, { sequence })).call);
    session.drain();
    const next = await infer("a2", { sequence: "a" });
    client.infer("new");
    await client.has(3);
    fake.done(next.call);
    clock.advance(4_999);
    await client.has(4);
    assert.equal(client.socket.readyState, client.socket.OPEN);
    clock.advance(1);
    assert.equal(await client.closed(), 1001);
    assert.deepEqual(brief(client.frames), [
      "done a",
      "done b",
      "failed new draining",
      "done a2",
      "ended draining",
      "ended draining",
    ]);
    assert.deepEqual(
      client.frames.slice(4),
      names.map((sequence) => ({
        type: "ended",
        model: "m",
        sequence,
        reason: "draining",
        code: "draining",
        error: "the sequence has ended: the server is stopping",
      })),
    );
    await until(() => clock.armed === 0);
    assert.equal(fake.ended.length, 2);
  });

  it("closes before that when its client has ended them", async (t) => {
    const { client, fake, session, clock, infer } = await remembering(t, patience);
    const { call } = await infer(1);
    session.drain();
    client.send({ type: "end", model: "m" });
    fake.done(call);
    assert.equal(await client.closed(), 1001);
    assert.deepEqual(brief(client.frames), ["done 1", "ended"]);
    await until(() => clock.armed === 0);
  });

  it("closes before that when its client has reset them", async (t) => {
    const { client, fake, session, infer } = await remembering(t, patience);
    fake.done((await infer(1)).call);
    session.drain();
    client.send({ type: "reset", model: "m" });
    assert.equal(await client.closed(), 1001);
    assert.deepEqual(brief(client.frames), ["done 1"]);
  });

  it("closes before that when the host has ended them", async (t) => {
    const { client, fake, session, infer } = await remembering(t, patience);
    const { call, seat } = await infer(1);
    fake.done(call);
    session.drain();
    fake.break(seat, "draining");
    assert.equal(await client.closed(), 1001);
    assert.deepEqual(brief(client.frames), ["done 1", "ended sequence-lost"]);
  });

  it("waits for the answers of what is under way when they have ended", async (t) => {
    const { client, fake, session, clock, infer } = await remembering(t, patience);
    const { call } = await infer(1);
    session.drain();
    clock.advance(5_000);
    await client.has(1);
    client.infer(2);
    await client.has(2);
    assert.equal(client.socket.readyState, client.socket.OPEN);
    fake.done(call);
    assert.equal(await client.closed(), 1001);
    assert.deepEqual(brief(client.frames), ["ended draining", "failed 2 draining", "done 1"]);
  });

  it("is closed at once where it has none any more", async (t) => {
    const { client, fake, session, clock, infer } = await remembering(t, patience);
    const { call, seat } = await infer(1);
    fake.done(call);
    fake.break(seat, "idle");
    session.drain();
    assert.equal(await client.closed(), 1001);
    await until(() => clock.armed === 0);
  });
});
