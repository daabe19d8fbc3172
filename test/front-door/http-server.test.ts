import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { describe, it, type TestContext } from "node:test";
import { HttpServer } from "../../src/front-door/http-server.ts";
import { FakeClock } from "../fake-clock.ts";
import { codeOf, post, RawClient } from "./raw-client.ts";
import { until } from "./until.ts";

/** A server that keeps what it is asked until the test answers; `/other` goes to the other routes. */
async function serve(t: TestContext) {
  const clock = new FakeClock();
  const asked: ServerResponse[] = [];
  const http = new HttpServer(
    clock,
    (request, response) => {
      if (request.url === "/other") return false;
      asked.push(response);
      return true;
    },
    (_request, response) => response.end("other"),
  );
  const port = await http.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => {
    http.server.closeAllConnections();
    http.server.close();
  });
  const connect = () => new RawClient(t, port);
  const has = (count: number) => until(() => asked.length >= count, `${count} requests`);
  return { clock, http, asked, has, connect, client: connect() };
}

function answerWith(response: ServerResponse | undefined, body: string): void {
  response?.writeHead(200, { "content-length": body.length });
  response?.end(body);
}

/** The port is, and the grace of those who are connected begins. */
function closed({ server }: HttpServer): Promise<void> {
  return until(() => !server.listening, "the port to be closed");
}

const bounded = { timeout: 20_000 };

describe("An HTTP server", bounded, () => {
  it("hands to the other routes what the hot one leaves", async (t) => {
    const { client } = await serve(t);
    client.write(post("/other", ""));
    await client.has("other");
  });

  it("says where it cannot listen", async (t) => {
    const { http } = await serve(t);
    const { port } = http.server.address() as { port: number };
    const second = new HttpServer(
      new FakeClock(),
      () => true,
      () => undefined,
    );
    await assert.rejects(second.listen({ port, host: "127.0.0.1" }), { code: "EADDRINUSE" });
  });
});

describe("What is no HTTP", bounded, () => {
  const rows: readonly (readonly [string, string, number, string])[] = [
    ["a malformed request", "nonsense\r\n\r\n", 400, "invalid-request"],
    ["a malformed header", "GET / HTTP/1.1\r\nhost x\r\n\r\n", 400, "invalid-request"],
    [
      "a malformed length",
      "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
      400,
      "invalid-request",
    ],
    [
      "headers past the limit",
      `GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(20_000)}\r\n\r\n`,
      431,
      "payload-too-large",
    ],
  ];
  for (const [what, bytes, status, code] of rows) {
    it(`is answered in our words, and the connection ends: ${what}`, async (t) => {
      const { client } = await serve(t);
      client.write(bytes);
      const answer = await client.answer();
      assert.deepEqual([answer.status, codeOf(answer)], [status, code]);
      assert.match(JSON.parse(answer.body).request_id, /^[0-9a-f]{24}$/);
      await client.ended();
    });
  }

  it("takes headers just under the limit", async (t) => {
    const { client, has } = await serve(t);
    client.write(`GET / HTTP/1.1\r\nhost: x\r\nx: ${"y".repeat(16_000)}\r\n\r\n`);
    await has(1);
  });

  it("is a request that takes too long to send: 408", async (t) => {
    const { client, http } = await serve(t);
    http.server.headersTimeout = 1;
    http.server.requestTimeout = 1;
    client.write("GET / HTTP/1.1\r\n");
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [408, "request-timeout"]);
    await client.ended();
  });

  it("is a body that is not whole in time: 408", async (t) => {
    const { client, clock, has } = await serve(t);
    client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12");
    await has(1);
    await until(() => clock.armed === 1, "the limit");
    clock.advance(30_000);
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [408, "request-timeout"]);
    await client.ended();
  });

  it("is a body that goes on and on, although its request has been answered", async (t) => {
    const { client, clock } = await serve(t);
    client.write("POST /other HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12");
    await client.has("other");
    client.text = "";
    clock.advance(30_000);
    assert.equal((await client.answer()).status, 408);
    await client.ended();
  });

  for (const path of ["/models", "/models/upload?id=m"]) {
    it(`is no upload that takes long: ${path}`, async (t) => {
      const { client, clock, asked, has } = await serve(t);
      client.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n12`);
      await has(1);
      await new Promise(setImmediate);
      clock.advance(3_600_000);
      answerWith(asked[0], "patience");
      assert.equal((await client.answer()).body, "patience");
    });
  }

  it("keeps no limit of a body that has come", async (t) => {
    const { client, clock, asked, has } = await serve(t);
    client.write("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n1");
    await has(1);
    await until(() => clock.armed === 1, "the limit");
    client.write("23");
    asked[0]?.req.resume();
    await until(() => clock.armed === 0, "its end");
    answerWith(asked[0], "one");
    await client.answer();
  });

  it("gives no half of an answer a second head", async (t) => {
    const { client, asked, has } = await serve(t);
    client.write(post("/", ""));
    await has(1);
    asked[0]?.writeHead(200, { "content-length": 100 });
    asked[0]?.write("half");
    await client.has("half");
    client.write("nonsense\r\n\r\n");
    await client.ended();
    assert.equal(client.text.split("HTTP/1.1").length, 2);
  });
});

describe("A caller whose request was no HTTP", bounded, () => {
  it("is not listened to any more", async (t) => {
    const { http, client } = await serve(t);
    const sockets: Socket[] = [];
    http.server.on("connection", (socket) => sockets.push(socket));
    // A client that keeps its own side open.
    client.socket.allowHalfOpen = true;
    client.write("nonsense\r\n\r\n");
    await client.has("invalid-request");
    await until(() => sockets[0]?.destroyed === true, "the end of the socket");
  });
});

describe("A server that is drained", bounded, () => {
  it("answers what is in flight, and closes then", async (t) => {
    const { client, clock, http, asked, has } = await serve(t);
    client.write(post("/", ""));
    await has(1);
    let isDrained = false;
    const drained = http.drain().then(() => {
      isDrained = true;
    });
    for (let at = 0; at < 5; at += 1) {
      clock.advance(1_000);
      await new Promise(setImmediate);
    }
    const before = [isDrained, http.isDraining];
    answerWith(asked[0], "late");
    await drained;
    assert.deepEqual([before, (await client.answer()).body], [[false, true], "late"]);
    await client.ended();
  });

  it("answers a request that was on its way, and closes idle connections", async (t) => {
    const { client, connect, clock, http, asked, has } = await serve(t);
    const idle = connect();
    client.write(post("/", ""));
    idle.write(post("/other", ""));
    await has(1);
    await idle.has("other");
    answerWith(asked[0], "one");
    await client.answer();
    const drained = http.drain();
    client.write(post("/", ""));
    await has(2);
    answerWith(asked[1], "two");
    assert.equal((await client.answer()).body, "two");
    clock.advance(30);
    await closed(http);
    clock.advance(250);
    await drained;
    await idle.ended();
    await client.ended();
  });

  it("lets those in who knocked while it was not run, however late that is", async (t) => {
    const { clock, http, connect } = await serve(t);
    const clients = Array.from({ length: 20 }, connect);
    for (const client of clients) client.write(post("/other", ""));
    // Now they knock; nobody is let in before the event loop turns.
    await new Promise<void>((resolve) => process.nextTick(resolve));
    const drained = http.drain();
    // No turn of the event loop comes between: it has not seen them when the time is over.
    clock.advance(30);
    await Promise.all(clients.map((client) => client.has("other")));
    await closed(http);
    clock.advance(250);
    await drained;
  });

  it("takes no new connection", async (t) => {
    const { clock, http, connect } = await serve(t);
    const drained = http.drain();
    clock.advance(30);
    await closed(http);
    clock.advance(250);
    await drained;
    await connect().ended();
  });

  it("does not wait for pipelined requests whose caller has left", async (t) => {
    const { client, clock, http, has } = await serve(t);
    client.write(post("/", ""), post("/", ""));
    await has(2);
    client.socket.destroy();
    const drained = http.drain();
    clock.advance(30);
    await closed(http);
    clock.advance(250);
    await drained;
  });
});
