import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { converse } from "../../bench/conversation.ts";

function urlOf(server: Pick<Server, "address">): string {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return `ws://127.0.0.1:${address.port}`;
}

async function listen(test: TestContext, onSocket: (socket: WebSocket) => void): Promise<string> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 }).on("connection", onSocket);
  test.after(() => server.close());
  await once(server, "listening");
  return urlOf(server);
}

describe("converse", () => {
  it("sends each text when the one before it is answered", async (test) => {
    const url = await listen(test, (socket) => {
      let heard = 0;
      socket.on("message", (data) => {
        heard += 1;
        setImmediate((before) => socket.send(`${data}: ${before}, ${heard}`), heard);
      });
    });
    assert.deepEqual(await converse(url, ["a", "b", "c"], 5000), ["a: 1, 1", "b: 2, 2", "c: 3, 3"]);
  });

  it("fails where no answer comes in time", async (test) => {
    const url = await listen(test, () => undefined);
    await assert.rejects(converse(url, ["a"], 100), { name: "AbortError" });
  });

  it("fails where the server refuses", async (test) => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    test.after(() => server.close());
    await once(server.listen(0, "127.0.0.1"), "listening");
    await assert.rejects(converse(urlOf(server), ["a"], 5000), /Unexpected server response: 404/);
  });
});
