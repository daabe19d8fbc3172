/* A server of nothing but WebSockets, as a front door has it. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestContext } from "node:test";
import { DoorFeed } from "../../src/front-door/door-feed.ts";
import { WebSockets } from "../../src/front-door/web-sockets.ts";
import type { DoorSettings } from "../../src/protocol/control.ts";
import { doorParts } from "./door-parts.ts";
import { SocketClient } from "./socket-client.ts";

export async function serveSockets(t: TestContext, changed: Partial<DoorSettings> = {}) {
  const parts = doorParts(changed);
  const feed = new DoorFeed();
  const sockets = new WebSockets({ ...parts, feed });
  const http = createServer();
  http.on("upgrade", (request, socket, head) => sockets.upgrade(request, socket, head));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  t.after(() => http.close());
  const { port } = http.address() as AddressInfo;
  const open = (path = "/ws", headers: Readonly<Record<string, string>> = {}) =>
    new SocketClient(t, `ws://127.0.0.1:${port}${path}`, headers);
  return { ...parts, feed, sockets, http, port, open };
}
