import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { bodyOf } from "./calls.ts";
import { model } from "./door-parts.ts";
import { RawClient } from "./raw-client.ts";
import { serveSockets } from "./socket-server.ts";
import { until } from "./until.ts";
import { metadata } from "./views.ts";

describe("An upgrade", { timeout: 20_000 }, () => {
  it("is taken, counted, and forgotten when it closes", async (t) => {
    const { open, sockets, metrics } = await serveSockets(t);
    const client = await open().opened();
    const before = sockets.count;
    client.socket.close();
    await until(() => sockets.count === 0);
    assert.deepEqual([before, metrics.route("GET", "/ws", 101).requests.value], [1, 1]);
  });

  const refusals: readonly (readonly [string, number])[] = [
    ["/elsewhere", 404],
    ["/v2/models/no/stream", 404],
    ["/v2/models/m/versions/9/stream", 404],
    ["/v2/models/m/stream?samples=mp3", 400],
    ["/ws?samples=int16", 400],
  ];
  for (const [path, status] of refusals) {
    it(`is refused with ${status}: ${path}`, async (t) => {
      const { open } = await serveSockets(t);
      assert.equal(await open(path).refused(), status);
    });
  }

  it("is refused in the shape of all failures", async (t) => {
    const { open } = await serveSockets(t);
    const client = open("/v2/models/no/stream", { "x-request-id": "r-1" });
    await client.refused();
    assert.deepEqual(JSON.parse(client.refusalBody), {
      error: "no model is named 'no'",
      code: "model-not-found",
      request_id: "r-1",
    });
  });

  it("is refused as Triton refuses, where that is asked for", async (t) => {
    const { open, metrics } = await serveSockets(t, { compatTriton: true });
    const client = open("/v2/models/no/stream");
    assert.equal(await client.refused(), 400);
    const error = "Request for unknown model: 'no' is not found";
    assert.deepEqual(JSON.parse(client.refusalBody), { error });
    const counted = metrics.route("GET", "/v2/models/{model}/stream", 400);
    assert.equal(counted.requests.value, 1);
  });

  it("that is refused leaves no connection, although its caller does not close", async (t) => {
    const { port, http } = await serveSockets(t);
    const connections: boolean[] = [];
    http.on("connection", (socket) => socket.on("close", () => connections.push(true)));
    const client = new RawClient(t, port);
    client.socket.allowHalfOpen = true;
    client.write(
      "GET /no HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
    );
    await client.answer();
    await until(() => connections.length === 1, "the close on the server's side");
  });

  const allowed = { allowedOrigins: ["https://a.example"] };
  it("is refused to pages of other origins", async (t) => {
    const { open } = await serveSockets(t, allowed);
    assert.equal(await open("/ws", { origin: "https://b.example" }).refused(), 403);
  });

  for (const headers of [{ origin: "https://a.example" }, {}]) {
    it(`is open to ${headers.origin ?? "whoever is no browser"}`, async (t) => {
      const { open } = await serveSockets(t, allowed);
      await open("/ws", headers as Readonly<Record<string, string>>).opened();
    });
  }

  it("is open to all origins where none are named", async (t) => {
    const { open } = await serveSockets(t);
    await open("/ws", { origin: "https://b.example" }).opened();
  });
});

describe("A socket", { timeout: 20_000 }, () => {
  it("is closed with 1009 by a message past the limit", async (t) => {
    const { open } = await serveSockets(t, { wsMaxPayloadBytes: 1_000 });
    const client = await open().opened();
    client.socket.send("x".repeat(1_001));
    assert.equal(await client.closed(), 1009);
  });

  it("takes a message at the limit", async (t) => {
    const { open } = await serveSockets(t, { wsMaxPayloadBytes: 1_000 });
    const client = await open().opened();
    client.socket.send("x".repeat(1_000));
    assert.equal((await client.has(1))[0]?.code, "invalid-request");
  });

  it("knows the model of its path", async (t) => {
    const { open, fake } = await serveSockets(t);
    const client = await open("/v2/models/m/versions/1/stream").opened();
    client.send({ type: "infer", id: 1 });
    assert.equal((await fake.call()).model, "m");
  });
});

describe("A socket of samples", { timeout: 20_000 }, () => {
  for (const samples of ["int16", "int32", "float32"]) {
    it(`knows from its path that binary frames are ${samples}`, async (t) => {
      const { open, fake } = await serveSockets(t);
      const client = await open(`/v2/models/m/stream?samples=${samples}`).opened();
      client.socket.send(Buffer.from([1, 2, 3, 4]));
      const { codec, body } = await fake.call();
      assert.deepEqual([codec, bodyOf({ body })], [samples, Buffer.from([1, 2, 3, 4])]);
    });
  }

  it("says what is wrong with the path before it is one", async (t) => {
    const { open } = await serveSockets(t);
    const client = open("/v2/models/m/stream?samples=mp3");
    await client.refused();
    const { code, error } = JSON.parse(client.refusalBody);
    assert.equal(code, "invalid-request");
    assert.equal(error, "samples must be one of int16, int32, float32, got 'mp3'");
  });
});

describe("Sockets that are drained", { timeout: 20_000 }, () => {
  it("are over at once where there are none", async (t) => {
    const { sockets } = await serveSockets(t);
    await sockets.drain();
  });

  it("are all told 1001", async (t) => {
    const { open, sockets } = await serveSockets(t);
    const clients = [await open().opened(), await open().opened()];
    await sockets.drain();
    assert.deepEqual(await Promise.all(clients.map((client) => client.closed())), [1001, 1001]);
    assert.equal(sockets.count, 0);
  });

  it("are waited for while they have sequences", async (t) => {
    const { open, sockets, directory, fake, clock } = await serveSockets(t, {
      drainSequencesMs: 100,
    });
    const state = [{ input: 0, output: 0, found: false }];
    directory.update(model("m", { metadata: { ...metadata, state } }));
    const clients = [await open().opened(), await open().opened()];
    clients[0]?.infer(1);
    fake.done(await fake.call());
    const drained = sockets.drain();
    assert.equal(await clients[1]?.closed(), 1001);
    assert.equal(sockets.count, 1);
    clock.advance(100);
    await drained;
    assert.equal(await clients[0]?.closed(), 1001);
  });

  it("take no more", async (t) => {
    const { port, sockets } = await serveSockets(t);
    await sockets.drain();
    const client = new RawClient(t, port);
    const head = "GET /ws HTTP/1.1\r\nhost: x\r\nx-request-id: r-1\r\nconnection: upgrade\r\n";
    client.write(`${head}upgrade: websocket\r\n\r\n`);
    const { status, headers } = await client.answer();
    assert.deepEqual([status, headers["retry-after"], headers["x-request-id"]], [503, "1", "r-1"]);
  });
});
