import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener, type Server } from "node:http";
import { describe, it, type TestContext } from "node:test";
import { runLoad } from "../../../bench/driver/load.ts";
import type { Job, Tally } from "../../../bench/driver/message.ts";

const events = { onOpened: () => undefined, onClosed: () => undefined };

function portOf(server: Server): number {
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

function load(port: number, changes: Partial<Job> = {}): Promise<Tally> {
  const closed: Job = {
    port,
    path: "/predict/iris",
    body: '{"features":[1]}',
    connections: 4,
    arrivals: { type: "closed" },
    warmUpMs: 50,
    windowMs: 250,
  };
  return runLoad({ ...closed, ...changes }, events);
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
    const { requests, broken, unanswered, statusesNot200 } = await load(port);
    assert.ok(requests > 4);
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
    await assert.rejects(load(port, { connections: 1 }), /Cannot load port/);
  });
});
