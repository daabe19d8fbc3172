import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import { TroupeClientError } from "../../src/client/client-error.ts";
import { type StreamOptions, StreamSession } from "../../src/client/stream-session.ts";
import { FakeSockets } from "./fake-sockets.ts";

const row = { features: [1] };

function open(options: StreamOptions & { readonly isStateful?: boolean } = {}) {
  const sockets = new FakeSockets();
  const { isStateful = false, ...others } = options;
  const parts = { connect: sockets.connect, describe: async () => described(isStateful) };
  const session = new StreamSession(parts, others);
  return { sockets, session, answers: session[Symbol.asyncIterator]() };
}

function described(isStateful: boolean) {
  return { isStateful, outputs: ["y"], takesBinary: true };
}

function isCode(code: string): (thrown: unknown) => true {
  return (thrown) => {
    assert.ok(thrown instanceof TroupeClientError);
    assert.equal(thrown.code, code);
    return true;
  };
}

describe("a session of a stream", () => {
  it("gives answers as they come, each under the id of its request", async () => {
    const { sockets, session, answers } = open();
    const ids = [await session.send(row), await session.send(row)];
    const connection = await sockets.connection(0);
    assert.deepEqual(await connection.received(2), [
      { type: "infer", id: 1, features: [1] },
      { type: "infer", id: 2, features: [1] },
    ]);
    connection.done(2);
    connection.say({ type: "failed", id: 1, error: "no", code: "invalid-request" });
    const [second, first] = [(await answers.next()).value, (await answers.next()).value];
    assert.deepEqual([ids, second], [[1, 2], { type: "done", id: 2 }]);
    assert.ok(first?.type === "failed" && first.error.code === "invalid-request");
  });

  it("sends no more than may be in flight until an answer is taken", async () => {
    const { sockets, session, answers } = open({ maxInFlight: 2 });
    await session.send(row);
    await session.send(row);
    const third = session.send(row);
    const connection = await sockets.connection(0);
    connection.done(1);
    await turn();
    assert.equal(connection.sent.length, 2);
    await answers.next();
    assert.equal(await third, 3);
    assert.equal(connection.sent.length, 3);
  });

  it("frees no place for what was no request", async () => {
    const { sockets, session, answers } = open({ maxInFlight: 1 });
    await session.send(row);
    const connection = await sockets.connection(0);
    connection.say({ type: "failed", id: null, error: "no sequence", code: "invalid-request" });
    await answers.next();
    const second = session.send(row);
    await turn();
    assert.equal(connection.sent.length, 1);
    connection.done(1);
    await answers.next();
    assert.equal(await second, 2);
  });

  it("asks what is unanswered again on a new connection", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    await session.send(row);
    const before = await sockets.connection(0);
    before.done(1);
    sockets.refusals = 1;
    before.break();
    const after = await sockets.connection(1);
    const [again] = await after.received(1);
    assert.deepEqual([again?.id, after.sent.length], [2, 1]);
    after.done(2);
    assert.equal((await answers.next()).value?.type, "done");
    assert.deepEqual((await answers.next()).value, { type: "done", id: 2 });
  });

  it("opens a connection that broke idle when the next request comes", async () => {
    const { sockets, session } = open();
    await session.send(row);
    const before = await sockets.connection(0);
    before.done(1);
    before.break(1000);
    await turn();
    assert.equal(sockets.connections.length, 1);
    await session.send(row);
    assert.equal((await sockets.connection(1)).sent.length, 1);
  });

  it("loses no request that is sent while the connection breaks", async () => {
    const { sockets, session } = open();
    await session.send(row);
    const before = await sockets.connection(0);
    before.done(1);
    const sending = session.send(row);
    before.break();
    assert.equal(await sending, 2);
    const after = await sockets.connection(1);
    assert.deepEqual(
      (await after.received(1)).map(({ id }) => id),
      [2],
    );
  });

  it("does not begin an answer again of which a part was given", async () => {
    const { sockets, session, answers } = open();
    await session.send({ ...row, stream: true });
    const connection = await sockets.connection(0);
    connection.say({ type: "chunk", id: 1, first_row: 0 });
    connection.break();
    assert.equal((await answers.next()).value?.type, "chunk");
    const failed = (await answers.next()).value;
    assert.ok(failed?.type === "failed" && failed.error.code === "unreachable");
  });

  it("gives up the largest request where the server finds a message too large, and asks the rest again", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    await session.send({ features: [1, 2, 3] });
    (await sockets.connection(0)).break(1009);
    const failed = (await answers.next()).value;
    assert.deepEqual([failed?.type, failed?.type === "failed" && failed.id], ["failed", 2]);
    const [again] = await (await sockets.connection(1)).received(1);
    assert.equal(again?.id, 1);
  });

  it("asks nothing again that is cancelled between two connections", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    await session.send(row);
    const before = await sockets.connection(0);
    before.break();
    session.cancel(1);
    const failed = (await answers.next()).value;
    assert.ok(failed?.type === "failed" && failed.error.code === "cancelled");
    const after = await sockets.connection(1);
    assert.deepEqual(
      (await after.received(1)).map(({ id }) => id),
      [2],
    );
  });

  it("asks nothing again that was cancelled on the connection that breaks", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    const before = await sockets.connection(0);
    session.cancel(1);
    assert.deepEqual(before.sent.at(-1), { type: "cancel", id: 1 });
    before.break();
    const failed = (await answers.next()).value;
    assert.ok(failed?.type === "failed" && failed.error.code === "cancelled");
    await session.send(row);
    const after = await sockets.connection(1);
    assert.deepEqual(
      (await after.received(1)).map(({ id }) => id),
      [2],
    );
  });

  for (const [closing, code] of [
    [1007, "invalid-request"],
    [1009, "payload-too-large"],
  ] as const) {
    it(`fails at once what the server closes for with ${closing}`, async () => {
      const { sockets, session, answers } = open();
      await session.send(row);
      (await sockets.connection(0)).break(closing);
      const failed = (await answers.next()).value;
      assert.ok(failed?.type === "failed" && failed.error.code === code);
      assert.equal(sockets.connections.length, 1);
    });
  }

  it("sends before its end what waits for its place", async () => {
    const { sockets, session, answers } = open({ maxInFlight: 1 });
    const sending = [session.send(row), session.send(row)];
    const finished = session.finish();
    const connection = await sockets.connection(0);
    for (const id of [1, 2]) {
      await connection.received(id);
      connection.done(id);
      assert.deepEqual((await answers.next()).value, { type: "done", id });
    }
    await finished;
    assert.equal((await answers.next()).done, true);
    assert.deepEqual(await Promise.all(sending), [1, 2]);
  });

  it("gives up a request that breaks each connection on which it is asked", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    for (let at = 0; at < 4; at += 1) {
      const connection = await sockets.connection(at);
      await connection.received(1);
      connection.break();
    }
    const failed = (await answers.next()).value;
    assert.ok(failed?.type === "failed" && failed.error.code === "unreachable");
    assert.equal(sockets.connections.length, 4);
  });

  it("waits for a server that starts anew to describe its model", async () => {
    let failures = 0;
    const sockets = new FakeSockets();
    const describeAgain = async () => {
      if (failures > 0) {
        failures -= 1;
        throw new TroupeClientError("unreachable", "nobody is there");
      }
      return described(false);
    };
    const session = new StreamSession({ connect: sockets.connect, describe: describeAgain }, {});
    await session.send(row);
    failures = 2;
    (await sockets.connection(0)).break();
    const [again] = await (await sockets.connection(1)).received(1);
    assert.equal(again?.id, 1);
    session.close();
  });

  it("gives up an opening that is never answered when its caller says so", async () => {
    const caller = new AbortController();
    const { sockets, session } = open({ signal: caller.signal });
    sockets.isSilent = true;
    const sending = session.send(row);
    await turn();
    caller.abort();
    await assert.rejects(sending, isCode("cancelled"));
  });

  it("asks no longer what its model is when it is closed", async () => {
    const describeNever = (signal: AbortSignal) =>
      new Promise<never>((_, reject) => {
        const error = new TroupeClientError("cancelled", "the caller has cancelled it");
        signal.addEventListener("abort", () => reject(error));
      });
    const { connect } = new FakeSockets();
    const session = new StreamSession({ connect, describe: describeNever }, {});
    const sending = session.send(row);
    await turn();
    session.close();
    await assert.rejects(sending, isCode("cancelled"));
  });

  it("tells that a sequence is lost, instead of going on without its state", async () => {
    const { sockets, session, answers } = open({ isStateful: true });
    await session.send(row);
    (await sockets.connection(0)).break();
    await assert.rejects(answers.next(), isCode("sequence-lost"));
    await assert.rejects(session.send(row), isCode("sequence-lost"));
    assert.equal(sockets.connections.length, 1);
  });

  it("ends when its caller says so", async () => {
    const caller = new AbortController();
    const { sockets, session, answers } = open({ signal: caller.signal, maxInFlight: 1 });
    await session.send(row);
    const waiting = session.send(row);
    caller.abort();
    await assert.rejects(waiting, isCode("cancelled"));
    await assert.rejects(answers.next(), isCode("cancelled"));
    assert.equal((await sockets.connection(0)).isClosed, true);
  });

  it("closes the connection when the reader's loop is left", async () => {
    const { sockets, session } = open();
    await session.send(row);
    const connection = await sockets.connection(0);
    connection.done(1);
    for await (const answer of session) {
      assert.equal(answer.type, "done");
      break;
    }
    assert.equal(connection.isClosed, true);
    await assert.rejects(session.send(row), isCode("cancelled"));
  });

  it("ends the reader's loop behind the last answer when it is finished", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    await session.finish();
    const connection = await sockets.connection(0);
    assert.deepEqual(
      connection.sent.map(({ type }) => type),
      ["infer"],
    );
    connection.done(1);
    assert.equal((await answers.next()).value?.type, "done");
    assert.equal((await answers.next()).done, true);
  });

  it("ends a sequence when it is finished", async () => {
    const { sockets, session, answers } = open({ isStateful: true });
    await session.send(row);
    await session.finish();
    const connection = await sockets.connection(0);
    assert.deepEqual(
      connection.sent.map(({ type }) => type),
      ["infer", "end"],
    );
    connection.done(1);
    connection.say({ type: "ended", reason: "end" });
    const types = [(await answers.next()).value?.type, (await answers.next()).value?.type];
    assert.deepEqual(types, ["done", "ended"]);
    assert.equal((await answers.next()).done, true);
  });

  it("gives the place of a request back that cannot be written", async () => {
    const { sockets, session } = open({ maxInFlight: 1 });
    const tensors = { x: { data: new Float32Array(3), shape: [4] } };
    await assert.rejects(session.send({ tensors }), isCode("invalid-request"));
    await session.send(row);
    assert.equal((await sockets.connection(0)).sent.length, 1);
  });

  it("ends where a frame has another form", async () => {
    const { sockets, session, answers } = open();
    await session.send(row);
    (await sockets.connection(0)).sayBytes(new Uint8Array(3));
    await assert.rejects(answers.next(), isCode("unexpected-answer"));
  });

  it("does not wait for long for a server that was never there", async () => {
    const { sockets, session } = open();
    sockets.refusals = 1_000;
    await assert.rejects(session.send(row), isCode("unreachable"));
    assert.equal(sockets.refusals, 995);
  });

  it("rejects with what the server refuses it for", async () => {
    const refusal = new TroupeClientError("model-not-found", "no model is named 'x'");
    const parts = {
      connect: () => Promise.reject(refusal),
      describe: async () => described(false),
    };
    const session = new StreamSession(parts, {});
    await assert.rejects(session.send(row), refusal);
    await assert.rejects(session[Symbol.asyncIterator]().next(), refusal);
  });
});
