import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { describe, it } from "node:test";
import type { SocketClient } from "./socket-client.ts";
import { serveSockets } from "./socket-server.ts";
import { until } from "./until.ts";

/** Through the socket under the client's, so that a frame may be cut anywhere. */
function write(client: SocketClient, bytes: Buffer): void {
  const { _socket: wire } = client.socket as unknown as { readonly _socket: Socket };
  wire.write(bytes);
}

/** The beginning of a binary frame of 60 000 bytes, whose mask changes nothing. */
function beginning(bytes: number): Buffer {
  const head = Buffer.alloc(8);
  head.writeUInt16BE(0x82fe, 0);
  head.writeUInt16BE(60_000, 2);
  return Buffer.concat([head, Buffer.alloc(bytes - head.length)]);
}

describe("The room of a WebSocket's messages", { timeout: 20_000 }, () => {
  it("is held from the first byte on, and given back with the whole message", async (t) => {
    const { open, room } = await serveSockets(t);
    const client = await open().opened();
    write(client, beginning(5_000));
    await until(() => room.bytes === 5_000);
    write(client, Buffer.alloc(60_008 - 5_000));
    await client.has(1);
    assert.equal(room.bytes, 0);
  });

  it("is given back with the socket", async (t) => {
    const { open, room, clock } = await serveSockets(t);
    const client = await open().opened();
    write(client, beginning(5_000));
    await until(() => room.bytes === 5_000);
    client.socket.terminate();
    await until(() => room.bytes === 0);
    assert.equal(clock.armed, 0);
  });

  it("ends the socket whose message outgrows it, and not the others", async (t) => {
    const { open, room, metrics } = await serveSockets(t, { maxInFlightBytes: 8_000 });
    const [one, two] = [await open().opened(), await open().opened()];
    write(one, beginning(5_000));
    await until(() => room.bytes === 5_000);
    write(two, beginning(3_001));
    assert.equal(await two.closed(), 1013);
    assert.equal(metrics.shed("", "bytes").value, 1);
    write(one, Buffer.alloc(60_008 - 5_000));
    await one.has(1);
    await until(() => room.bytes === 0);
  });

  it("ends a socket whose message does not come to its end", async (t) => {
    const { open, room, clock } = await serveSockets(t, { wsPingMs: 1_000_000 });
    const client = await open().opened();
    write(client, beginning(5_000));
    await until(() => room.bytes === 5_000);
    clock.advance(29_999);
    assert.equal(client.closeCode, undefined);
    clock.advance(1);
    assert.equal(await client.closed(), 1013);
    await until(() => room.bytes === 0);
  });

  it("is not taken by pings and pongs", async (t) => {
    const { open, room } = await serveSockets(t);
    const client = await open().opened();
    client.socket.pong(Buffer.from("still here"));
    client.socket.ping("and you");
    await once(client.socket, "pong");
    assert.equal(room.bytes, 0);
  });
});
