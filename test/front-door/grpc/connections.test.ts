import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import { Connections } from "../../../src/front-door/grpc/connections.ts";
import { FakeClock } from "../../fake-clock.ts";

const lookMs = 10_000;

function setUp() {
  const clock = new FakeClock();
  const connections = new Connections(clock);
  const handle = { bytesWritten: 0 };
  let isDestroyed = false;
  const socket = Object.assign(new EventEmitter(), {
    ...{ remoteAddress: "127.0.0.1", remotePort: 5, bytesWritten: 0, _handle: handle },
    destroy: () => {
      isDestroyed = true;
    },
  });
  connections.add(socket as unknown as Socket);
  return { clock, connections, handle, socket, isDestroyed: () => isDestroyed };
}

const peer = "127.0.0.1:5";

describe("Connections", () => {
  it("end one by which nothing leaves while an answer waits", () => {
    const { clock, connections, isDestroyed } = setUp();
    connections.wait(peer);
    clock.advance(lookMs);
    assert.equal(isDestroyed(), false);
    clock.advance(lookMs);
    assert.equal(isDestroyed(), true);
  });

  it("keep one that takes its answer slowly, one whose answer has left, and one that is idle", () => {
    const { clock, connections, handle, isDestroyed } = setUp();
    const left = connections.wait(peer);
    for (let looks = 0; looks < 3; looks += 1) {
      handle.bytesWritten += 1;
      clock.advance(lookMs);
    }
    left();
    clock.advance(5 * lookMs);
    assert.equal(isDestroyed(), false);
  });

  it("are gone when the last is", async () => {
    const { connections, socket } = setUp();
    const gone = connections.gone();
    socket.emit("close");
    await gone;
    await connections.gone();
  });
});
