import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { type WebSocket, WebSocketServer } from "ws";
import { runLoad } from "../../../bench/driver/load.ts";
import type { Job, Tally } from "../../../bench/driver/message.ts";

/** For a server that will not answer, however long it is waited for. */
const shortMs = 200;
const events = { onOpened: () => undefined, onClosed: () => undefined };

function portOf(server: Pick<Server, "address">): number {
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  return address.port;
}

async function listen(test: TestContext, listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  test.after(() => {
    server.closeAllConnections();
    server.close();
  });
  await once(server, "listening");
  return portOf(server);
}

async function listenForSockets(
  test: TestContext,
  onSocket: (socket: WebSocket, path: string | undefined) => void,
): Promise<number> {
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket, { url }) => onSocket(socket, url));
  test.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  await once(server, "listening");
  return portOf(server);
}

function load(port: number, changes: Partial<Job> = {}, connectLimitMs?: number): Promise<Tally> {
  const closed: Job = {
    port,
    transport: "http",
    paths: ["/predict/iris"],
    headers: { "content-type": "application/json" },
    body: '{"features":[1]}',
    connections: 4,
    depth: 1,
    arrivals: { type: "closed" },
    warmUpMs: 50,
    windowMs: 250,
  };
  return runLoad({ ...closed, ...changes }, events, connectLimitMs);
}

function loadSockets(
  port: number,
  changes: Partial<Job> = {},
  connectLimitMs?: number,
): Promise<Tally> {
  const paths = ["/v2/models/smoother/stream"];
  const frames = { transport: "websocket", paths, body: '{"type":"infer"}' } as const;
  return load(port, { ...frames, ...changes }, connectLimitMs);
}

/** An arrival at the very edge of the window may fall to either side. */
function isAbout(count: number, expected: number): boolean {
  return Math.abs(count - expected) <= 1;
}

describe("runLoad", () => {
  it("sends the request as given, over connections that stay", async (test) => {
    const sockets = new Set<unknown>();
    const seen = new Set<string>();
    const port = await listen(test, async (request, response) => {
      sockets.add(request.socket);
      const chunks = await request.toArray();
      seen.add(`${request.method} ${request.url} ${Buffer.concat(chunks)}`);
      response.end("{}");
    });
    const { requests, broken, unanswered, statusesNot200 } = await load(port, { windowMs: 1_000 });
    assert.ok(requests > 4, `${requests} requests`);
    assert.deepEqual([broken, unanswered, statusesNot200], [0, 0, {}]);
    assert.deepEqual([...seen], ['POST /predict/iris {"features":[1]}']);
    assert.equal(sockets.size, 4);
  });

  it("keeps to its rate in an open loop, and leaves out no arrival", async (test) => {
    const port = await listen(test, (_request, response) => response.end("{}"));
    const arrivals = { type: "open", perSecond: 400 } as const;
    const { requests, unanswered } = await load(port, { arrivals });
    assert.ok(isAbout(requests, 100), `${requests} requests`);
    assert.equal(unanswered, 0);
  });

  it("counts a stall against every request that was due in it", async (test) => {
    let stalled: (() => void)[] | undefined = [];
    const port = await listen(test, (_request, response) => {
      if (stalled === undefined) return response.end("{}");
      if (stalled.length === 0) setTimeout(release, 200);
      return stalled.push(() => response.end("{}"));
    });
    function release(): void {
      const waiting = stalled ?? [];
      stalled = undefined;
      for (const answer of waiting) answer();
    }
    const arrivals = { type: "open", perSecond: 400 } as const;
    const changes = { arrivals, connections: 1, warmUpMs: 0, windowMs: 400 };
    const { requests, p90Ms, maxMs } = await load(port, changes);
    assert.ok(isAbout(requests, 160), `${requests} requests`);
    assert.ok(maxMs >= 190, `longest wait ${maxMs}`);
    // Only one request was in the stall; the 79 that were due behind it waited up to as long.
    assert.ok(p90Ms >= 100, `p90 ${p90Ms}`);
  });

  it("counts refusals by status", async (test) => {
    const port = await listen(test, (_request, response) => {
      response.statusCode = 503;
      response.end("{}");
    });
    const { requests, requestsPerSecond, statusesNot200 } = await load(port);
    assert.equal(requestsPerSecond, 0);
    assert.deepEqual(statusesNot200, { 503: requests });
  });

  it("goes on with a new connection when one breaks", async (test) => {
    let count = 0;
    const port = await listen(test, (request, response) => {
      count += 1;
      if (count % 20 === 0) request.socket.destroy();
      else response.end("{}");
    });
    const { requests, broken, unanswered } = await load(port);
    assert.ok(broken > 0);
    assert.ok(requests > broken);
    assert.equal(unanswered, 0);
  });

  it("says so when nobody listens", async () => {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = portOf(server);
    server.close();
    await once(server, "close");
    await assert.rejects(load(port, { connections: 1 }, shortMs), /Cannot load port/);
  });
});

describe("runLoad over WebSockets", () => {
  const done = '{"type":"done","id":1}';

  it("sends the frame as given, over sockets that stay, one at a time in each", async (test) => {
    const seen = new Set<string>();
    let sockets = 0;
    let mostInFlight = 0;
    const port = await listenForSockets(test, (socket, path) => {
      sockets += 1;
      let inFlight = 0;
      socket.on("message", (data, isBinary) => {
        inFlight += 1;
        mostInFlight = Math.max(mostInFlight, inFlight);
        seen.add(`${path} ${isBinary} ${data}`);
        setImmediate(() => {
          inFlight -= 1;
          socket.send(done);
        });
      });
    });
    const { requests, broken, unanswered, statusesNot200 } = await loadSockets(port);
    assert.ok(requests > 4);
    assert.deepEqual([broken, unanswered, statusesNot200], [0, 0, {}]);
    assert.deepEqual([...seen], ['/v2/models/smoother/stream false {"type":"infer"}']);
    assert.deepEqual([sockets, mostInFlight], [4, 1]);
  });

  it("keeps as many in flight on a socket as are wanted, in whatever order they are answered", async (test) => {
    let mostInFlight = 0;
    const port = await listenForSockets(test, (socket) => {
      let waiting: number[] = [];
      function answer(): void {
        const ids = waiting.toReversed();
        waiting = [];
        for (const id of ids) socket.send(JSON.stringify({ type: "done", id }));
      }
      socket.on("message", (data) => {
        if (waiting.length === 0) setTimeout(answer, 5);
        waiting.push(JSON.parse(String(data)).id);
        mostInFlight = Math.max(mostInFlight, waiting.length);
      });
    });
    const body = '{"type":"infer","id":1}';
    const { requests, unanswered, statusesNot200 } = await loadSockets(port, { body, depth: 8 });
    assert.ok(requests > 32);
    assert.deepEqual([mostInFlight, unanswered, statusesNot200], [8, 0, {}]);
  });

  it("counts as failed what is not done", async (test) => {
    const port = await listenForSockets(test, (socket) => {
      socket.on("message", () => socket.send('{"type":"failed","id":1,"code":"overloaded"}'));
    });
    const { requests, requestsPerSecond, statusesNot200 } = await loadSockets(port);
    assert.equal(requestsPerSecond, 0);
    assert.deepEqual(statusesNot200, { 500: requests });
  });

  it("answers pings in between, and does not count them", async (test) => {
    let pings = 0;
    let pongs = 0;
    const port = await listenForSockets(test, (socket) => {
      socket.on("pong", (payload) => {
        pongs += 1;
        assert.equal(payload.toString(), "there?");
        socket.send(done);
      });
      socket.on("message", () => {
        pings += 1;
        socket.ping("there?");
      });
    });
    const { requests, statusesNot200 } = await loadSockets(port);
    assert.ok(requests > 4);
    assert.deepEqual(statusesNot200, {});
    assert.equal(pongs, pings);
  });

  it("goes on with a new socket when the server closes one", async (test) => {
    let count = 0;
    const port = await listenForSockets(test, (socket) => {
      socket.on("message", () => {
        count += 1;
        if (count % 20 === 0) socket.close(1001, "the server is draining");
        else socket.send(done);
      });
    });
    const { requests, broken, unanswered } = await loadSockets(port);
    assert.ok(broken > 0);
    assert.ok(requests > broken);
    assert.equal(unanswered, 0);
  });

  it("says so when the server takes no sockets", async (test) => {
    const port = await listen(test, (_request, response) => response.end("{}"));
    await assert.rejects(
      loadSockets(port, {}, shortMs),
      /Cannot load port \d+: it took no 4 connections/,
    );
  });
});
