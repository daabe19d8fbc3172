import assert from "node:assert/strict";
import { describe, it, type TestContext } from "node:test";
import { gunzipSync, gzipSync } from "node:zlib";
import { HttpServer } from "../../src/front-door/http-server.ts";
import { predictRoute } from "../../src/front-door/predict-route.ts";
import { refusalsALook } from "../../src/front-door/refusal-lane.ts";
import { SharedSeats } from "../../src/front-door/shared-seats.ts";
import type { DoorSettings } from "../../src/protocol/control.ts";
import { bodyOf } from "./calls.ts";
import { doorParts, model } from "./door-parts.ts";
import { pressure } from "./fake-host.ts";
import { codeOf, post, RawClient } from "./raw-client.ts";
import { until } from "./until.ts";
import { metadata } from "./views.ts";

/** Bodies above this are not read and dropped for the sake of the connection. */
const droppedBytes = 65_536;

async function serve(t: TestContext, changed: Partial<DoorSettings> = {}) {
  const parts = doorParts(changed);
  const { maxBodyBytes, defaultModel, compatTriton } = parts.settings;
  const state = { draining: false };
  const sharedSeats = new SharedSeats();
  const isDraining = () => state.draining;
  const hot = predictRoute({
    ...parts,
    sharedSeats,
    maxBodyBytes,
    defaultModel,
    compatTriton,
    isDraining,
  });
  const http = new HttpServer(parts.clock, hot, (_request, response) => {
    response.statusCode = 418;
    response.end();
  });
  const port = await http.listen({ port: 0, host: "127.0.0.1" });
  t.after(() => {
    http.server.closeAllConnections();
    http.server.close();
  });
  return { ...parts, sharedSeats, state, http, connect: () => new RawClient(t, port) };
}

async function served(t: TestContext, changed: Partial<DoorSettings> = {}) {
  const parts = await serve(t, changed);
  return { ...parts, client: parts.connect() };
}

const bounded = { timeout: 20_000 };

describe("A prediction over HTTP", bounded, () => {
  it("reaches the dispatcher as it was asked", async (t) => {
    const { client, fake } = await served(t);
    const headers = ["x-request-id: r-1", "x-request-timeout-ms: 500", "x-priority: low"];
    client.write(post("/v2/models/m/versions/1/infer?x=1", "the body", headers));
    const { onChunk, onDone, onFailed, ...call } = await fake.call();
    assert.deepEqual(call, {
      model: "m",
      version: "1",
      pinned: true,
      hurried: false,
      codec: "v2",
      body: [Buffer.from("the body")],
      deadlineAt: 1_500,
      priority: "low",
      requestId: "r-1",
      stream: false,
      sequence: null,
      trace: undefined,
    });
  });

  it("gets the host's bytes untouched, with its id", async (t) => {
    const { client, fake } = await served(t);
    client.write(post("/predict/m", "{}", ["x-request-id: r-1"]));
    fake.done(await fake.call(), '{"é":1}');
    const { status, headers, body } = await client.answer();
    assert.deepEqual([status, Buffer.from(body, "latin1").toString()], [200, '{"é":1}']);
    assert.equal(headers["content-type"], "application/json");
    assert.equal(headers["x-request-id"], "r-1");
  });

  it("gets a large answer although its bytes are overwritten at once", async (t) => {
    const { client, fake } = await served(t);
    client.write(post("/predict/m", "{}"));
    const { onDone } = await fake.call();
    const answer = Buffer.alloc(300_000, "a");
    const stages = { decodeUs: 0, queueUs: 0, runUs: 0, encodeUs: 0 };
    onDone({
      type: "done",
      id: 1,
      stages,
      rows: 1,
      pressure: pressure(),
      jsonBytes: 0,
      body: answer,
    });
    answer.fill("b");
    assert.equal((await client.answer()).body, "a".repeat(300_000));
  });

  it("gives its permit back when nothing of a large answer is taken", async (t) => {
    const { client, fake, permits, clock } = await served(t);
    client.socket.pause();
    client.write(post("/predict/m", "{}"));
    fake.done(await fake.call(), "x".repeat(50_000_000));
    const armed = clock.armed;
    // The operating system takes some at first.
    await until(() => {
      clock.advance(10_000);
      return permits.requests === 0;
    });
    assert.deepEqual([armed, clock.armed], [1, 0]);
  });

  it("is refused only after others have had their answers, and a few at a look", async (t) => {
    const { client, connect, fake, metrics } = await served(t, { maxInFlight: 1 });
    client.write(post("/predict/m", "{}"));
    const call = await fake.call();
    const crowd = connect();
    const count = 4 * refusalsALook;
    const refused = metrics.route("POST", "/predict/{model}", 503).requests;
    crowd.write(...Array.from({ length: count }, () => post("/predict/m", "{}")));
    const perLook: number[] = [];
    await until(() => {
      perLook.push(refused.value);
      if (refused.value === refusalsALook) fake.done(call);
      return refused.value === count;
    });
    const steps = perLook.slice(1).map((value, at) => value - (perLook[at] ?? 0));
    assert.ok(Math.max(...steps) <= refusalsALook, `${Math.max(...steps)} at a look`);
    assert.equal((await client.answer()).status, 200);
    assert.equal((await crowd.answer()).status, 503);
  });

  it("is not watched when its answer is small", async (t) => {
    const { client, fake, clock } = await served(t);
    client.write(post("/predict/m", "{}"));
    fake.done(await fake.call());
    assert.equal(clock.armed, 0);
  });

  it("is answered at its deadline although its body has stalled", async (t) => {
    const { client, clock, fake } = await served(t);
    const head = "POST /predict/m HTTP/1.1\r\nhost: x\r\nx-request-timeout-ms: 500\r\n";
    client.write(`${head}content-length: 10\r\n\r\nabc`);
    await until(() => clock.armed > 0, "the watch");
    clock.advance(500);
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [504, "deadline-exceeded"]);
    clock.advance(1_000);
    await client.ended();
    await until(() => clock.armed === 0, "the end of the watches");
    assert.equal(fake.flights.length, 0);
  });

  it("gets an id where it brings none that is well-formed", async (t) => {
    const { client, fake } = await served(t);
    client.write(post("/predict/m", "{}", ["x-request-id: no good"]));
    fake.done(await fake.call());
    assert.match((await client.answer()).headers["x-request-id"] ?? "", /^[0-9a-f]{24}$/);
  });

  it("gets a failure with its status, code, and when to try again", async (t) => {
    const { client, fake } = await served(t);
    client.write(post("/predict/m", "{}", ["x-request-id: r-1"]));
    const { onFailed } = await fake.call();
    onFailed({ code: "model-unavailable", message: "gone", retryAfterMs: 1_500 });
    const { status, headers, body } = await client.answer();
    assert.equal(status, 503);
    assert.deepEqual(JSON.parse(body), {
      error: "gone",
      code: "model-unavailable",
      request_id: "r-1",
    });
    assert.deepEqual([headers["retry-after"], headers["retry-after-ms"]], ["2", "1500"]);
  });

  it("holds a permit until it is answered", async (t) => {
    const { client, fake, permits } = await served(t);
    client.write(post("/predict/m", "12345"));
    const call = await fake.call();
    const before = [permits.requests, permits.bytes];
    fake.done(call);
    await client.answer();
    await until(() => permits.requests === 0);
    assert.deepEqual([before, permits.bytes], [[1, 5], 0]);
  });

  it("counts a body without a declared length as it comes", async (t) => {
    const { client, fake, permits } = await served(t);
    client.write("POST /predict/m HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    client.write("5\r\nabcde\r\n");
    await until(() => permits.bytes === 5);
    client.write("3\r\nfgh\r\n0\r\n\r\n");
    assert.equal(String(bodyOf(await fake.call())), "abcdefgh");
    assert.equal(permits.bytes, 8);
  });

  it("is counted, and noted in the access log, once", async (t) => {
    const { client, fake, metrics, lines, clock } = await served(t);
    client.write(post("/predict/m", "{}", ["x-request-id: r-1"]));
    const call = await fake.call();
    clock.advance(20);
    fake.done(call);
    await client.answer();
    assert.equal(metrics.route("POST", "/predict/{model}", 200).requests.value, 1);
    assert.equal(metrics.model("m", "1").predictions("ok").value, 1);
    const [line, ...others] = lines;
    const { request_id, status, total_ms } = line ?? {};
    assert.deepEqual([request_id, status, total_ms, others], ["r-1", 200, 20, []]);
  });

  it("that is none of the route's goes to the other routes", async (t) => {
    const { client } = await served(t);
    for (const path of ["/predicts", "/v2/models/m", "/predict/m/x"]) client.write(post(path, ""));
    const statuses = [];
    for (let at = 0; at < 3; at += 1) statuses.push((await client.answer()).status);
    assert.deepEqual(statuses, [418, 418, 418]);
  });

  it("ends its connection while the server drains", async (t) => {
    const { client, fake, state } = await served(t);
    client.write(post("/predict/m", "{}"));
    const call = await fake.call();
    state.draining = true;
    fake.done(call);
    assert.equal((await client.answer()).headers["connection"], "close");
    await client.ended();
  });
});

describe("Requests on one connection", bounded, () => {
  it("that are pipelined are answered in order", async (t) => {
    const { client, fake } = await served(t);
    for (const id of ["a", "b", "c"]) client.write(post("/predict/m", id));
    await fake.call(3);
    for (const { call } of fake.flights.toReversed()) fake.done(call, String(bodyOf(call)));
    const bodies = [];
    for (let at = 0; at < 3; at += 1) bodies.push((await client.answer()).body);
    assert.deepEqual(bodies, ["a", "b", "c"]);
  });

  it("that are pipelined give all their permits back when the caller leaves", async (t) => {
    const { client, fake, permits } = await served(t);
    for (const id of ["a", "b", "c"]) client.write(post("/predict/m", id));
    await fake.call(3);
    client.socket.destroy();
    await until(() => permits.requests === 0, "the return of all permits");
    assert.deepEqual([permits.bytes, fake.cancelled.length], [0, 3]);
  });

  it("go on after a small body that was refused unread", async (t) => {
    const { client, fake } = await served(t);
    client.write(post("/predict/nobody", "x".repeat(1_000)), post("/predict/m", "{}"));
    const refused = await client.answer();
    fake.done(await fake.call());
    assert.deepEqual([refused.status, (await client.answer()).status], [404, 200]);
  });

  it("are answered one after the other", async (t) => {
    const { client, fake } = await served(t);
    client.write(post("/predict/m", "{}"));
    fake.done(await fake.call());
    await client.answer();
    client.write(post("/predict/m", "{}"));
    fake.done(await fake.call(2));
    assert.equal((await client.answer()).status, 200);
  });
});

describe("A caller who expects 100-continue", bounded, () => {
  const expect = ["expect: 100-continue"];

  it("is told to go on when there is room, and answered", async (t) => {
    const { client, fake } = await served(t);
    client.write("POST /predict/m HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n");
    client.write("expect: 100-continue\r\n\r\n");
    assert.equal((await client.answer()).status, 100);
    client.write("{}");
    fake.done(await fake.call());
    assert.equal((await client.answer()).status, 200);
  });

  it("is refused without the body, and its connection ends, because the body may yet come", async (t) => {
    const { client } = await served(t);
    const [head] = post("/predict/nobody", "{}", expect).split("{}");
    client.write(head ?? "");
    const { status, headers } = await client.answer();
    assert.deepEqual([status, headers["connection"]], [404, "close"]);
  });
});

describe("A body that is too large", bounded, () => {
  const limit = 100_000;

  it("is refused by its declared length, and its rest is dropped before the end", async (t) => {
    const { client, fake } = await served(t, { maxBodyBytes: limit });
    client.write(post("/predict/m", "x".repeat(limit + 1)));
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [413, "payload-too-large"]);
    assert.equal(answer.headers["connection"], "close");
    await client.ended();
    assert.equal(fake.flights.length, 0);
  });

  it("is answered before it has come, and the connection ends a second later", async (t) => {
    const { client, clock } = await served(t, { maxBodyBytes: limit });
    client.write(`POST /predict/m HTTP/1.1\r\nhost: x\r\ncontent-length: ${limit + 1}\r\n\r\nx`);
    assert.equal((await client.answer()).status, 413);
    assert.equal(client.isEnded, false);
    clock.advance(1_000);
    await client.ended();
  });

  it("is taken at the limit", async (t) => {
    const { client, fake } = await served(t, { maxBodyBytes: limit });
    client.write(post("/predict/m", "x".repeat(limit)));
    assert.equal(bodyOf(await fake.call()).length, limit);
  });

  it("is refused as soon as it is past the limit where no length was declared", async (t) => {
    const { client, permits, clock } = await served(t, { maxBodyBytes: 9 });
    client.write("POST /predict/m HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n");
    client.write("a\r\n0123456789\r\n");
    assert.equal((await client.answer()).status, 413);
    clock.advance(1_000);
    await client.ended();
    await until(() => permits.requests === 0);
  });

  it("is not waited for where another refusal is due", async (t) => {
    const { client, clock } = await served(t);
    const length = droppedBytes + 1;
    client.write(`POST /predict/no HTTP/1.1\r\nhost: x\r\ncontent-length: ${length}\r\n\r\nx`);
    const { status, headers } = await client.answer();
    assert.deepEqual([status, headers["connection"]], [404, "close"]);
    clock.advance(1_000);
    await client.ended();
  });
});

describe("A caller who leaves", bounded, () => {
  const cancelled = { status: 499, code: "cancelled" };

  it("during the upload gives the permit back, and counts as 499", async (t) => {
    const { client, permits, lines, fake, metrics } = await served(t);
    client.write("POST /predict/m HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nx");
    await until(() => permits.requests === 1);
    client.socket.destroy();
    await until(() => permits.requests === 0);
    const { status, code } = lines[0] ?? {};
    assert.deepEqual({ status, code }, cancelled);
    assert.deepEqual([permits.bytes, fake.flights], [0, []]);
    assert.equal(metrics.route("POST", "/predict/{model}", 499).requests.value, 1);
  });

  it("before the answer has the request cancelled", async (t) => {
    const { client, permits, lines, fake } = await served(t);
    client.write(post("/predict/m", "{}"));
    await fake.call();
    client.socket.destroy();
    await until(() => permits.requests === 0);
    const { status, code } = lines[0] ?? {};
    assert.deepEqual({ status, code }, cancelled);
    assert.deepEqual(fake.cancelled, fake.flights);
  });
});

describe("What surely is no JSON", bounded, () => {
  const rows: readonly (readonly [string, number, string])[] = [
    ["content-type: application/octet-stream", 415, "unsupported-media-type"],
    ["content-encoding: br", 415, "unsupported-media-type"],
    ["content-encoding: gzip, gzip", 415, "unsupported-media-type"],
    ["inference-header-content-length: 10", 400, "invalid-request"],
    ["x-request-timeout-ms: soon", 400, "invalid-request"],
    ["x-request-timeout-ms: 0", 400, "invalid-request"],
    ["x-priority: top", 400, "invalid-request"],
    ["x-priority: high", 403, "forbidden"],
  ];
  for (const [header, status, code] of rows) {
    it(`is refused: ${header}`, async (t) => {
      const { client } = await served(t);
      client.write(post("/predict/m", "{}", [header]));
      const answer = await client.answer();
      assert.deepEqual([answer.status, codeOf(answer)], [status, code]);
    });
  }

  const taken = [
    "content-type: application/json; charset=utf-8",
    "content-type: text/plain",
    "content-type: application/x-www-form-urlencoded",
    "content-encoding: identity",
  ];
  for (const header of taken) {
    it(`is not this: ${header}`, async (t) => {
      const { client, fake } = await served(t);
      client.write(post("/predict/m", "{}", [header]));
      await fake.call();
    });
  }
});

describe("A prediction with binary tensors", bounded, () => {
  const length = (bytes: number) => `inference-header-content-length: ${bytes}`;
  const v2 = "/v2/models/m/infer";

  it("reaches the dispatcher with the length of its JSON before it", async (t) => {
    const { client, fake, permits } = await served(t);
    client.write(post(v2, "{}abcd", [length(2), "content-type: application/octet-stream"]));
    const { codec, body } = await fake.call();
    assert.deepEqual([codec, bodyOf({ body })], ["v2-binary", Buffer.from("\x02\0\0\0{}abcd")]);
    assert.equal(permits.bytes, 6);
  });

  it("reaches it as it came where it is one tensor's bytes", async (t) => {
    const { client, fake } = await served(t);
    client.write(post(v2, "abcd", [length(0)]));
    const { codec, body } = await fake.call();
    assert.deepEqual([codec, String(bodyOf({ body }))], ["v2-raw", "abcd"]);
  });

  it("is answered with the host's bytes, and the length of their JSON", async (t) => {
    const { client, fake } = await served(t);
    client.write(post(v2, "{}", [length(2)]));
    fake.done(await fake.call(), "{}tensors", 2);
    const { headers, body } = await client.answer();
    assert.equal(body, "{}tensors");
    assert.equal(headers["content-type"], "application/octet-stream");
    assert.equal(headers["inference-header-content-length"], "2");
  });

  it("belongs to the sequence that its JSON names", async (t) => {
    const { client, fake, directory } = await served(t);
    directory.update(model("memory", { metadata: remembered }));
    const json = JSON.stringify({ parameters: { sequence_id: 7, sequence_start: true } });
    client.write(post("/v2/models/memory/infer", `${json}{{{`, [length(json.length)]));
    const { sequence } = await fake.call();
    assert.equal(sequence?.start, true);
    client.write(post("/v2/models/memory/infer", "{{{", [length(0)]));
    assert.equal((await fake.call(2)).sequence, null);
  });
});

describe("A packed prediction", bounded, () => {
  /** Bytes that go over the wire as `latin1` has them. */
  function postPacked(packed: Buffer, headers: readonly string[]): Buffer {
    const head = ["POST /predict/m HTTP/1.1", "host: x", `content-length: ${packed.length}`];
    return Buffer.concat([Buffer.from(`${[...head, ...headers].join("\r\n")}\r\n\r\n`), packed]);
  }

  it("reaches the dispatcher unpacked, and counts as such", async (t) => {
    const { client, fake, permits } = await served(t);
    client.write(postPacked(gzipSync("x".repeat(1_000)), ["content-encoding: gzip"]));
    assert.equal(String(bodyOf(await fake.call())), "x".repeat(1_000));
    assert.equal(permits.bytes, 1_000);
  });

  it("is refused past the limit, and gives back what it held", async (t) => {
    const { client, fake, permits } = await served(t, { maxBodyBytes: 100_000 });
    client.write(postPacked(gzipSync(Buffer.alloc(10_000_000)), ["content-encoding: gzip"]));
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [413, "payload-too-large"]);
    await until(() => permits.requests === 0);
    assert.deepEqual([permits.bytes, fake.flights.length], [0, 0]);
  });

  it("is refused where it is corrupt", async (t) => {
    const { client } = await served(t);
    client.write(postPacked(Buffer.from("{}"), ["content-encoding: deflate"]));
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [400, "invalid-request"]);
  });

  it("gives back what it held when its caller leaves amid it", async (t) => {
    const { client, permits } = await served(t);
    const packed = postPacked(gzipSync("abc"), ["content-encoding: gzip"]);
    client.write(packed.subarray(0, -5));
    await until(() => permits.requests === 1);
    client.socket.destroy();
    await until(() => permits.requests === 0);
  });

  it("in an unknown coding is told which there are", async (t) => {
    const { client } = await served(t);
    client.write(post("/predict/m", "{}", ["content-encoding: br"]));
    assert.equal((await client.answer()).headers["accept-encoding"], "gzip, deflate");
    client.write(post("/predict/m", "{}", ["content-type: image/png"]));
    assert.equal((await client.answer()).headers["accept-encoding"], undefined);
  });
});

describe("An answer that is to be packed", bounded, () => {
  const asked = post("/predict/m", "{}", ["accept-encoding: gzip"]);

  it("is, although its bytes are overwritten at once", async (t) => {
    const { client, fake } = await served(t);
    client.write(asked);
    const { onDone } = await fake.call();
    const body = Buffer.alloc(30_000, "a");
    const stages = { decodeUs: 0, queueUs: 0, runUs: 0, encodeUs: 0 };
    onDone({ type: "done", id: 1, stages, rows: 1, pressure: pressure(), jsonBytes: 9, body });
    body.fill("b");
    const answer = await client.answer();
    assert.equal(answer.headers["content-encoding"], "gzip");
    assert.equal(answer.headers["vary"], "accept-encoding");
    assert.equal(answer.headers["inference-header-content-length"], "9");
    assert.equal(String(gunzipSync(Buffer.from(answer.body, "latin1"))), "a".repeat(30_000));
  });

  it("is not where it is small, or a failure", async (t) => {
    const { client, fake } = await served(t);
    client.write(asked);
    fake.done(await fake.call(), "x".repeat(100));
    assert.equal((await client.answer()).headers["content-encoding"], undefined);
    client.write(post("/predict/nobody", "{}", ["accept-encoding: gzip"]));
    assert.equal((await client.answer()).headers["content-encoding"], undefined);
  });

  it("is noted once where its caller leaves while it is packed", async (t) => {
    const { client, fake, permits, lines } = await served(t);
    client.write(asked);
    const call = await fake.call();
    client.socket.destroy();
    fake.done(call, "x".repeat(1_000_000));
    await until(() => permits.requests === 0 && lines.length > 0);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(lines.length, 1);
  });
});

describe("A request that is not admitted", bounded, () => {
  it("is refused before its body has come", async (t) => {
    const { client, directory } = await served(t);
    directory.update(model("dead", { state: "unavailable", reason: "it is broken" }));
    client.write(post("/predict/dead", "{}"));
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [503, "model-unavailable"]);
  });

  it("takes no permit", async (t) => {
    const { connect, fake, permits } = await serve(t, { maxInFlight: 1 });
    const [first, second] = [connect(), connect()];
    first.write(post("/predict/m", "{}"));
    await fake.call();
    second.write(post("/predict/m", "{}"));
    assert.equal(codeOf(await second.answer()), "overloaded");
    assert.equal(permits.requests, 1);
  });
});

const remembered = { ...metadata, state: [{ input: 0, output: 0, found: false }] };

/** A server whose model `m` remembers. */
async function remembering(t: TestContext) {
  const parts = await serve(t);
  parts.directory.update(model("m", { metadata: remembered }));
  const client = parts.connect();
  const path = "/v2/models/m/infer";
  const body = (parameters: object) => JSON.stringify({ parameters, inputs: [{ data: [1] }] });
  let count = 0;
  /** A request that has come to the dispatcher. */
  const infer = async (parameters: object, at = path) => {
    count += 1;
    client.write(post(at, body(parameters)));
    return parts.fake.call(count);
  };
  return { ...parts, client, path, body, infer };
}

describe("A sequence over HTTP", bounded, () => {
  const start = { sequence_id: 7, sequence_start: true };

  it("is what the parameters of an Open Inference body say", async (t) => {
    const { infer, body } = await remembering(t);
    const { sequence, ...call } = await infer({ ...start, sequence_end: true });
    const { seat, ...flags } = sequence ?? {};
    assert.deepEqual(flags, { start: true, end: true });
    assert.deepEqual([seat?.options.key, seat?.options.isShared], ["#7", true]);
    assert.equal(String(bodyOf(call)), body({ ...start, sequence_end: true }));
  });

  it("goes on from request to request, at any connection, until it ends", async (t) => {
    const { infer, connect, path, body, fake, sharedSeats } = await remembering(t);
    const first = await infer(start);
    const other = connect();
    other.write(post(path, body({ sequence_id: 7 })));
    const second = await fake.call(2);
    const known = sharedSeats.known;
    other.write(post(path, body({ sequence_id: 7, sequence_end: true })));
    fake.done(second);
    const third = await fake.call(3);
    assert.deepEqual(
      [second, third].map(({ sequence }) => sequence),
      [
        { seat: first.sequence?.seat, start: false, end: false },
        { seat: first.sequence?.seat, start: false, end: true },
      ],
    );
    assert.deepEqual([known, sharedSeats.known], [1, 0]);
  });

  it("stays with the version at which it began, when another is the default by now", async (t) => {
    const { infer, directory } = await remembering(t);
    const first = await infer(start);
    const known = model("m").versions.map((one) => ({ ...one, metadata: remembered }));
    const next = known.map((one) => ({ ...one, version: "2" }));
    directory.update({ ...model("m"), versions: [...known, ...next] });
    const second = await infer({ sequence_id: 7 });
    assert.equal(second.sequence?.seat, first.sequence?.seat);
    assert.deepEqual([first.pinned, second.pinned, second.version], [false, true, "1"]);
    assert.equal((await infer({ ...start, sequence_id: 8 })).version, "2");
  });

  it("begins anew with another start of its name", async (t) => {
    const { infer, sharedSeats } = await remembering(t);
    const [first, second] = [await infer(start), await infer(start)];
    const third = await infer({ sequence_id: 7 });
    assert.notEqual(second.sequence?.seat, first.sequence?.seat);
    assert.deepEqual([third.sequence?.seat, sharedSeats.known], [second.sequence?.seat, 1]);
  });

  it("is one of each version", async (t) => {
    const { infer, fake } = await remembering(t);
    const first = await infer(start);
    const named = await infer({ sequence_id: 7 }, "/v2/models/m/versions/1/infer");
    assert.equal(named.sequence?.seat, first.sequence?.seat);
    assert.deepEqual(fake.ended, []);
  });

  it("is none where the body names none", async (t) => {
    const { infer } = await remembering(t);
    assert.equal((await infer({})).sequence, null);
  });

  it("is none in the other wire format, which refuses to be asked for one", async (t) => {
    const { connect, body, infer, sharedSeats, permits } = await remembering(t);
    const { sequence } = await infer({}, "/predict/m");
    const other = connect();
    other.write(post("/predict/m", body(start)));
    const answer = await other.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [400, "invalid-request"]);
    await until(() => permits.requests === 1, "the return of the other permit");
    assert.deepEqual([sequence, sharedSeats.known], [null, 0]);
  });

  for (const what of [metadata, null]) {
    it(`is the host's to refuse where the model ${what === null ? "is not known" : "remembers nothing"}`, async (t) => {
      const { infer, directory, sharedSeats } = await remembering(t);
      directory.update(model("m", { metadata: what }));
      assert.deepEqual([(await infer(start)).sequence, sharedSeats.known], [null, 0]);
    });
  }

  it("is refused with 400 where it is named by something else, and the permit given back", async (t) => {
    const { client, path, body, fake, permits, sharedSeats, lines } = await remembering(t);
    client.write(post(path, body({ sequence_id: -1 })));
    const answer = await client.answer();
    assert.deepEqual([answer.status, codeOf(answer)], [400, "invalid-request"]);
    assert.match(JSON.parse(answer.body).error, /^parameter 'sequence_id' must be /);
    await until(() => permits.requests === 0);
    assert.deepEqual([fake.flights, sharedSeats.known, permits.bytes], [[], 0, 0]);
    assert.deepEqual(
      lines.map(({ status, code }) => [status, code]),
      [[400, "invalid-request"]],
    );
  });

  it("leaves the connection as it was when it is refused", async (t) => {
    const { client, path, body, infer } = await remembering(t);
    client.write(post(path, body({ sequence_start: true })));
    assert.equal((await client.answer()).status, 400);
    assert.equal((await infer(start)).sequence?.start, true);
  });

  it("is lost with 503, and when to try again", async (t) => {
    const { client, infer, fake } = await remembering(t);
    fake.failed(await infer({ sequence_id: 7 }), "sequence-lost");
    const { status, headers } = await client.answer();
    assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
  });

  it("ends when the caller of a frame leaves", async (t) => {
    const { client, infer, permits, sharedSeats, fake } = await remembering(t);
    await infer(start);
    client.socket.destroy();
    await until(() => permits.requests === 0);
    assert.deepEqual([sharedSeats.known, fake.cancelled], [0, fake.flights]);
  });
});
