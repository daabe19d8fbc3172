import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WebSocket } from "ws";
import type { SequenceNotice } from "../../src/front-door/socket-sequences.ts";
import { SocketWriter } from "../../src/front-door/socket-writer.ts";
import { doorParts } from "./door-parts.ts";

/** Takes nothing before the test says so. */
class FakeSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  isTerminated = false;
  readonly sent: string[] = [];
  readonly #waiting: (() => void)[] = [];

  get asSocket(): WebSocket {
    return this as unknown as WebSocket;
  }

  send(bytes: Buffer, options: { readonly binary: boolean }, onSent: () => void): void {
    this.sent.push(options.binary ? bytes.toString("hex") : String(bytes));
    this.bufferedAmount += bytes.length;
    this.#waiting.push(onSent);
  }

  take(): void {
    this.bufferedAmount = 0;
    for (const onSent of this.#waiting.splice(0)) onSent();
  }

  terminate(): void {
    this.isTerminated = true;
  }
}

const freeWire = { cork: () => undefined, uncork: () => undefined };

function setUp(wsMaxBufferedBytes = 100) {
  const { settings, metrics } = doorParts({ wsMaxBufferedBytes });
  const socket = new FakeSocket();
  const events: string[] = [];
  const writer = new SocketWriter(socket.asSocket, freeWire, {
    settings,
    metrics,
    onTaken: () => events.push("taken"),
    onClogged: () => events.push("clogged"),
  });
  const frames = () => socket.sent.map((text) => JSON.parse(text));
  return { socket, writer, events, metrics, frames };
}

const nothing = () => undefined;

/** An answer that is all JSON. */
function all(body: Buffer) {
  return { jsonBytes: 0, body };
}

describe("A socket's writer", () => {
  it("puts type and id before what the host has written, which it does not read", () => {
    const { writer, socket } = setUp();
    writer.body("chunk", 'a"b', all(Buffer.from('{ "predictions":[1] }')), nothing);
    writer.body("done", 7, all(Buffer.from('{"rows":tru}')), nothing);
    assert.deepEqual(socket.sent, [
      '{"type":"chunk","id":"a\\"b", "predictions":[1] }',
      '{"type":"done","id":7,"rows":tru}',
    ]);
  });

  it("says why a frame failed, and when to try again", () => {
    const { writer, frames } = setUp();
    writer.failed(1, { code: "overloaded", message: "full", retryAfterMs: 0.5 }, "r-1");
    writer.failed(null, { code: "invalid-request", message: "no" });
    assert.deepEqual(frames(), [
      {
        type: "failed",
        id: 1,
        error: "full",
        code: "overloaded",
        retry_after_ms: 1,
        request_id: "r-1",
      },
      { type: "failed", id: null, error: "no", code: "invalid-request" },
    ]);
  });

  const of = { model: "m", sequence: undefined };
  const notices: readonly (readonly [SequenceNotice, object])[] = [
    [
      { ...of, reason: "end" },
      { sequence: null, reason: "end" },
    ],
    [
      { ...of, sequence: "s", reason: "end" },
      { sequence: "s", reason: "end" },
    ],
    [
      { ...of, reason: "idle" },
      {
        sequence: null,
        reason: "idle",
        code: "sequence-lost",
        error: "the sequence has ended: it was idle for too long",
      },
    ],
    [
      { ...of, sequence: "s", reason: "lost" },
      {
        sequence: "s",
        reason: "lost",
        code: "sequence-lost",
        error: "the sequence has ended: the host that kept it died",
      },
    ],
    [
      { ...of, reason: "draining" },
      {
        sequence: null,
        reason: "draining",
        code: "sequence-lost",
        error: "the sequence has ended: its host is being stopped",
      },
    ],
    [
      { ...of, reason: "stopping" },
      {
        sequence: null,
        reason: "draining",
        code: "draining",
        error: "the sequence has ended: the server is stopping",
      },
    ],
  ];
  for (const [notice, expected] of notices) {
    it(`says that a sequence has ended: ${notice.sequence ?? "its own"}, ${notice.reason}`, () => {
      const { writer, frames } = setUp();
      writer.ended(notice);
      assert.deepEqual(frames(), [{ type: "ended", model: "m", ...expected }]);
    });
  }

  it("sends tensors behind the JSON, whose length comes first", () => {
    const { writer, socket } = setUp();
    const body = Buffer.from('{"a":1}\x01\x02');
    writer.body("done", 1, { jsonBytes: 7, body }, nothing);
    const json = '{"type":"done","id":1,"a":1}';
    assert.deepEqual(socket.sent, [Buffer.from(`\x1c\0\0\0${json}\x01\x02`).toString("hex")]);
    assert.equal(json.length, 0x1c);
  });

  it("tells when a frame was taken, after whoever waits for that one", () => {
    const { writer, socket, events, metrics } = setUp();
    writer.body("chunk", 1, all(Buffer.from('{"a":1}')), () => events.push("sent"));
    const before = [...events];
    socket.take();
    assert.deepEqual([before, events, metrics.framesOut.value], [[], ["sent", "taken"], 1]);
  });

  it("is clogged while more waits than may", () => {
    const { writer, socket, events } = setUp(30);
    const states = [1, 2].map((id) => {
      writer.body("done", id, all(Buffer.from('{"a":1}')), nothing);
      return writer.isClogged;
    });
    assert.deepEqual([states, events], [[false, true], ["clogged"]]);
    socket.take();
    assert.equal(writer.isClogged, false);
  });

  it("ends the socket when far more waits than may", () => {
    const { writer, socket, metrics } = setUp(10);
    socket.bufferedAmount = 160;
    writer.failed(1, { code: "cancelled", message: "" });
    assert.equal(socket.isTerminated, false);
    socket.bufferedAmount = 161;
    writer.failed(2, { code: "cancelled", message: "" });
    assert.deepEqual([socket.isTerminated, socket.sent.length], [true, 1]);
    assert.equal(metrics.framesOut.value, 1);
  });

  it("writes nothing to a socket that has ended", () => {
    const { writer, socket, events, metrics } = setUp();
    socket.readyState = 3;
    writer.ended({ ...of, reason: "lost" });
    writer.failed(1, { code: "cancelled", message: "" });
    assert.deepEqual([socket.sent, events, metrics.framesOut.value], [[], [], 0]);
  });
});
