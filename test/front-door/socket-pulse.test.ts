import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { describe, it } from "node:test";
import type { WebSocket } from "ws";
import { SocketPulse } from "../../src/front-door/socket-pulse.ts";
import { FakeClock } from "../fake-clock.ts";

/** As much of a WebSocket as a pulse needs; its peer answers when the test says so. */
class FakeSocket extends EventEmitter {
  readonly OPEN = 1;
  readyState = 1;
  readonly acts: string[] = [];

  ping(): void {
    this.acts.push("ping");
  }

  close(code: number): void {
    this.acts.push(`close ${code}`);
    this.readyState = 2;
  }

  terminate(): void {
    this.acts.push("terminate");
    this.readyState = 3;
  }
}

function setUp(wsIdleMs = 0) {
  const clock = new FakeClock(500);
  const socket = new FakeSocket();
  const state = { resting: true, paused: false };
  const pulse = new SocketPulse(socket as unknown as WebSocket, clock, {
    wsPingMs: 100,
    wsIdleMs,
    isResting: () => state.resting,
    isPaused: () => state.paused,
  });
  return { clock, socket, state, pulse, acts: socket.acts };
}

describe("A socket's pulse", () => {
  it("asks each time whether the peer is there", () => {
    const { clock, socket, acts } = setUp();
    for (let at = 0; at < 5; at += 1) {
      clock.advance(100);
      socket.emit("pong");
    }
    assert.deepEqual(acts, Array(5).fill("ping"));
  });

  it("ends a socket whose peer has missed two pings", () => {
    const { clock, acts } = setUp();
    clock.advance(1_000);
    assert.deepEqual(acts, ["ping", "ping", "terminate"]);
  });

  it("takes a message for an answer", () => {
    const { clock, pulse, acts } = setUp();
    clock.advance(200);
    pulse.note();
    clock.advance(100);
    assert.deepEqual(acts, ["ping", "ping", "ping"]);
  });

  it("does not judge a peer while its socket is paused, and does afterwards", () => {
    const { clock, state, acts } = setUp();
    state.paused = true;
    clock.advance(1_000);
    assert.deepEqual(acts, []);
    state.paused = false;
    clock.advance(300);
    assert.deepEqual(acts, ["ping", "ping", "terminate"]);
  });

  it("closes a socket that nobody uses", () => {
    const { clock, socket, acts } = setUp(250);
    for (let at = 0; at < 3; at += 1) {
      clock.advance(100);
      socket.emit("pong");
    }
    assert.deepEqual(acts, ["ping", "ping", "close 1000"]);
  });

  it("does not close a socket on which something is in flight", () => {
    const { clock, socket, state, acts } = setUp(150);
    state.resting = false;
    for (let at = 0; at < 3; at += 1) {
      clock.advance(100);
      socket.emit("pong");
    }
    assert.deepEqual(acts, ["ping", "ping", "ping"]);
  });

  it("counts from the last message how long nobody uses it", () => {
    const { clock, socket, pulse, acts } = setUp(250);
    for (let at = 0; at < 4; at += 1) {
      clock.advance(100);
      socket.emit("pong");
      if (at === 1) pulse.note();
    }
    assert.deepEqual(acts, ["ping", "ping", "ping", "ping"]);
  });

  it("never closes idle sockets where that is not wanted", () => {
    const { clock, pulse, acts } = setUp(0);
    for (let at = 0; at < 100; at += 1) {
      clock.advance(100);
      pulse.note();
    }
    assert.ok(!acts.includes("close 1000"));
  });

  it("stops with its socket", () => {
    const { clock, pulse } = setUp();
    pulse.stop();
    assert.equal(clock.armed, 0);
  });
});
