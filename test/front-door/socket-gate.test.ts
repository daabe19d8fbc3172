import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { WebSocket } from "ws";
import { SocketGate } from "../../src/front-door/socket-gate.ts";
import { FakeClock } from "../fake-clock.ts";

class FakeSocket {
  readonly OPEN = 1;
  readyState = 1;
  bufferedAmount = 0;
  readonly did: string[] = [];

  get asSocket(): WebSocket {
    return this as unknown as WebSocket;
  }

  pause(): void {
    this.did.push("pause");
  }

  resume(): void {
    this.did.push("resume");
  }

  terminate(): void {
    this.did.push("terminate");
  }
}

function setUp() {
  const socket = new FakeSocket();
  const clock = new FakeClock();
  const obeyed: string[] = [];
  const state = { isClogged: false, isFull: false };
  const gate: SocketGate<string> = new SocketGate(socket.asSocket, clock, {
    isClogged: () => state.isClogged,
    isFull: () => state.isFull,
    obey: (message) => {
      obeyed.push(message);
      if (message === "too much") gate.pause();
    },
  });
  return { socket, clock, obeyed, state, gate };
}

describe("A socket's gate", () => {
  it("lets through what comes", () => {
    const { gate, obeyed, clock } = setUp();
    gate.hear("a");
    gate.hear("b");
    assert.deepEqual([obeyed, gate.isPaused, clock.armed], [["a", "b"], false, 0]);
  });

  it("shuts once, and parks what still comes", () => {
    const { gate, obeyed, socket, clock } = setUp();
    gate.pause();
    gate.pause();
    gate.hear("a");
    assert.deepEqual([obeyed, gate.isPaused, socket.did, clock.armed], [[], true, ["pause"], 1]);
  });

  it("shuts after so many refusals", () => {
    const { gate } = setUp();
    const states = [1, 2, 3].map(() => {
      gate.noteRefused(3);
      return gate.isPaused;
    });
    assert.deepEqual(states, [false, false, true]);
  });

  it("counts refusals anew when there was room", () => {
    const { gate } = setUp();
    for (let at = 0; at < 3; at += 1) gate.noteRefused(3);
    gate.resumeIfRoom();
    gate.noteRefused(3);
    assert.equal(gate.isPaused, false);
  });

  for (const what of ["isClogged", "isFull"] as const) {
    it(`stays shut while ${what}, and opens in the order in which things came`, () => {
      const { gate, state, obeyed, socket, clock } = setUp();
      gate.pause();
      for (const message of ["a", "b"]) gate.hear(message);
      state[what] = true;
      gate.resumeIfRoom();
      const before = [...obeyed];
      state[what] = false;
      gate.noteTaken();
      assert.deepEqual([before, obeyed], [[], ["a", "b"]]);
      assert.deepEqual([socket.did, gate.isPaused, clock.armed], [["pause", "resume"], false, 0]);
    });
  }

  it("shuts again for what it had parked, and keeps the rest in order", () => {
    const { gate, obeyed, socket, clock } = setUp();
    gate.pause();
    for (const message of ["a", "too much", "b", "c"]) gate.hear(message);
    gate.resumeIfRoom();
    assert.deepEqual([obeyed, gate.isPaused, clock.armed], [["a", "too much"], true, 1]);
    gate.hear("d");
    gate.resumeIfRoom();
    assert.deepEqual(obeyed, ["a", "too much", "b", "c", "d"]);
    assert.deepEqual([socket.did, clock.armed], [["pause", "pause", "resume"], 0]);
  });

  it("shuts for what must wait, which stands before all that comes behind it", () => {
    const { gate, obeyed, socket } = setUp();
    gate.hold("a");
    gate.hear("b");
    const before = [...obeyed];
    gate.resumeIfRoom();
    assert.deepEqual([before, obeyed, socket.did], [[], ["a", "b"], ["pause", "resume"]]);
  });

  it("drops what it had parked when the socket has ended", () => {
    const { gate, obeyed, socket } = setUp();
    gate.pause();
    gate.hear("a");
    socket.readyState = 3;
    gate.resumeIfRoom();
    assert.deepEqual(obeyed, []);
  });

  it("opens nothing that is open", () => {
    const { gate, socket } = setUp();
    gate.resumeIfRoom();
    assert.deepEqual(socket.did, []);
  });
});

describe("A gate that is shut", () => {
  it("ends the socket when its reader takes nothing for ten seconds", () => {
    const { gate, clock, socket } = setUp();
    socket.bufferedAmount = 1;
    gate.pause();
    clock.advance(9_999);
    assert.deepEqual(socket.did, ["pause"]);
    clock.advance(1);
    assert.deepEqual([socket.did, clock.armed], [["pause", "terminate"], 0]);
  });

  it("waits as long as the reader takes something", () => {
    const { gate, clock, socket, state } = setUp();
    Object.assign(state, { isClogged: true });
    socket.bufferedAmount = 1;
    gate.pause();
    for (let at = 0; at < 5; at += 1) {
      gate.noteTaken();
      clock.advance(10_000);
    }
    assert.deepEqual([socket.did, clock.armed], [["pause"], 1]);
    clock.advance(10_000);
    assert.deepEqual(socket.did, ["pause", "terminate"]);
  });

  it("waits where the reader has nothing to take", () => {
    const { gate, clock, socket } = setUp();
    gate.pause();
    clock.advance(60_000);
    assert.deepEqual([socket.did, clock.armed], [["pause"], 1]);
  });

  it("watches no more when the socket is gone", () => {
    const { gate, clock } = setUp();
    gate.pause();
    gate.stop();
    assert.equal(clock.armed, 0);
  });
});
