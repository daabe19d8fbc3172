import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { assertError } from "./answers.ts";
import { startReady } from "./cluster.ts";

const maxBodyBytes = 100_000;
const row = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  {
    models: { echo: { onnx: echoModel() } },
    flags: ["--max-body-bytes", String(maxBodyBytes)],
  },
);

/** Sends bytes that no client library would send, and gives what came back. */
function sendRaw(bytes: string): Promise<string> {
  const { port, hostname } = new URL(cluster.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

describe("What every route keeps", () => {
  const paths = ["/predict/echo", "/predict/nobody", "/livez", "/nowhere", "/v2/models/echo"];
  for (const path of paths) {
    it(`a well-formed request id, where another gets a new one: ${path}`, async () => {
      const method = path.startsWith("/predicts") ? "POST" : "GET";
      const ask = (id: string) =>
        cluster.send({ method, path, body: "{}", headers: { "x-request-id": id } });
      assert.equal((await ask("a.b:C/1+=@-_")).headers["x-request-id"], "a.b:C/1+=@-_");
      for (const bad of ["two words", "x".repeat(129), '"quoted"', "é"]) {
        const { headers } = await ask(bad);
        assert.match(String(headers["x-request-id"]), /^[0-9a-f]{24}$/, bad);
      }
      const [first, second] = [await ask(""), await ask("")];
      assert.notEqual(first.headers["x-request-id"], second.headers["x-request-id"]);
    });
  }

  it("the id stands in the body too", async () => {
    const headers = { "x-request-id": "mine-1" };
    assert.equal(
      (await cluster.predict("echo", { features: row }, headers)).json.request_id,
      "mine-1",
    );
    assert.equal((await cluster.predict("echo", "{", headers)).json.request_id, "mine-1");
  });

  const unknown: readonly (readonly [string, string, string])[] = [
    ["GET", "/nowhere", "not-found"],
    ["POST", "/predicts", "not-found"],
    ["POST", "/predict/", "not-found"],
    ["POST", "/predict/echo/versions", "not-found"],
    ["POST", "/predict/echo/versions/1/more", "not-found"],
    ["POST", "/predict/nobody", "model-not-found"],
    ["POST", "/predict/echo/versions/2", "model-not-found"],
    ["POST", "/v2/models/nobody/infer", "model-not-found"],
    ["POST", "/v2/models/echo/versions/2/infer", "model-not-found"],
    ["GET", "/v2/models/nobody", "model-not-found"],
    ["GET", "/v2/models/echo/versions/2", "model-not-found"],
    ["GET", "/v2/models/nobody/ready", "model-not-found"],
    ["GET", "/v2/models/echo/versions/2/ready", "model-not-found"],
    ["GET", "/readyz?model=nobody", "model-not-found"],
    ["GET", "/v2/models/..%2f..%2fetc", "model-not-found"],
    ["GET", "/v2/models/constructor", "model-not-found"],
    ["POST", "/predict/__proto__", "model-not-found"],
  ];
  for (const [method, path, code] of unknown) {
    it(`404 for ${method} ${path}`, async () => {
      assertError(await cluster.send({ method, path, body: "{}" }), 404, code);
    });
  }

  const otherVerbs: readonly (readonly [string, string, string])[] = [
    ["GET", "/predict/echo", "POST"],
    ["PUT", "/predict/echo/versions/1", "POST"],
    ["GET", "/v2/models/echo/infer", "POST"],
    ["DELETE", "/v2/models/echo/versions/1/infer", "POST"],
    ["POST", "/livez", "GET"],
    ["POST", "/readyz", "GET"],
    ["PUT", "/health", "GET"],
    ["DELETE", "/metrics", "GET"],
    ["PATCH", "/supervisor", "GET"],
    ["POST", "/v2", "GET"],
    ["POST", "/v2/health/live", "GET"],
    ["POST", "/v2/health/ready", "GET"],
    ["POST", "/v2/models", "GET"],
    ["DELETE", "/v2/models/echo", "GET"],
    ["POST", "/v2/models/echo/versions/1", "GET"],
    ["POST", "/v2/models/echo/ready", "GET"],
    ["OPTIONS", "/v2/models/echo/versions/1/ready", "GET"],
  ];
  for (const [method, path, allowed] of otherVerbs) {
    it(`405 for ${method} ${path}`, async () => {
      const reply = await cluster.send({ method, path, body: "{}" });
      assertError(reply, 405, "method-not-allowed");
      assert.equal(reply.headers.allow, allowed);
    });
  }

  it("415 for a body that is surely no JSON", async () => {
    for (const headers of [
      { "content-type": "image/png" },
      { "content-type": "application/octet-stream" },
      { "content-encoding": "br" },
    ]) {
      const reply = await cluster.predict("echo", { features: row }, headers);
      assertError(reply, 415, "unsupported-media-type");
    }
  });

  it("400 for the header of binary tensors on a route that takes JSON", async () => {
    const headers = { "inference-header-content-length": "10" };
    const reply = await cluster.predict("echo", { features: row }, headers);
    assertError(reply, 400, "invalid-request");
  });

  it("413 for a body over the limit, declared or not, while one at the limit is read", async () => {
    const bodyOf = (bytes: number) => {
      const body = JSON.stringify({ features: row });
      return `${body}${" ".repeat(bytes - body.length)}`;
    };
    const whole = await cluster.predict("echo", bodyOf(maxBodyBytes));
    assert.deepEqual([whole.status, whole.json.predictions], [200, [row]]);
    const tooLarge = { method: "POST", path: "/predict/echo", body: bodyOf(maxBodyBytes + 1) };
    assertError(await cluster.send(tooLarge), 413, "payload-too-large");
    assertError(await cluster.send({ ...tooLarge, chunked: true }), 413, "payload-too-large");
    const huge = { ...tooLarge, body: bodyOf(maxBodyBytes * 50) };
    assertError(await cluster.send(huge), 413, "payload-too-large");
    assertError(await cluster.send({ ...huge, chunked: true }), 413, "payload-too-large");
  });

  it("our own words for what is no HTTP", async () => {
    assert.match(await sendRaw("nonsense\r\n\r\n"), /^HTTP\/1\.1 400 .*"code":"invalid-request"/s);
    const fat = `GET /livez HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}\r\n\r\n`;
    assert.match(await sendRaw(fat), /^HTTP\/1\.1 431 .*"code":"payload-too-large"/s);
    const twoLengths =
      "POST /predict/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}}";
    assert.match(await sendRaw(twoLengths), /^HTTP\/1\.1 400 /);
    const smuggled =
      "POST /predict/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert.match(await sendRaw(smuggled), /^HTTP\/1\.1 400 /);
  });
});

describe("The routes of health", () => {
  it("say that the server lives and is ready", async () => {
    assert.deepEqual((await cluster.get<unknown>("/livez")).json, { live: true });
    assert.deepEqual((await cluster.get<unknown>("/v2/health/live")).json, { live: true });
    const ready = { ready: true, live: true, reasons: [] };
    for (const path of ["/readyz", "/v2/health/ready", "/readyz?model=echo"]) {
      const { status, json } = await cluster.get(path);
      assert.deepEqual([status, json], [200, ready], path);
    }
    assert.equal((await cluster.send({ method: "HEAD", path: "/livez" })).status, 200);
  });

  it("describe it to people", async () => {
    const { json } = await cluster.get<Record<string, unknown>>("/health");
    const { status, version, uptime_seconds, models } = json;
    assert.deepEqual([status, typeof version, typeof uptime_seconds], ["ok", "string", "number"]);
    assert.equal((models as unknown[]).length, 1);
  });

  it("give the tree of all processes", async () => {
    const tree = await cluster.tree();
    assert.equal(tree.supervisor.pid, cluster.pid);
    const pids = [...tree.front_doors, ...(await cluster.hosts("echo"))].map(({ pid }) => pid);
    for (const pid of pids) assert.ok(pid !== null && cluster.children.includes(pid));
    assert.equal(tree.models.length, 1);
    const host = (await cluster.host("echo")) as unknown as Record<string, unknown>;
    for (const field of ["rss_bytes", "cpu_seconds", "event_loop_delay_ms", "since"]) {
      assert.ok(field in host && host[field] !== null, field);
    }
    assert.deepEqual(
      ["role", "model", "version", "state", "restarts", "last_exit", "breaker"].map(
        (field) => host[field],
      ),
      ["host", "echo", "1", "ready", 0, null, "closed"],
    );
    const { thread, reason } = host["engine"] as Readonly<Record<string, string>>;
    // A machine that is busy enough makes any model too slow for the main thread.
    assert.match(`${thread}: ${reason}`, /^(main|own): a full batch took (no )?more than 0\.25 ms/);
  });
});

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
