import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { brokenModel, echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { type EventFeed, type FeedFrame, openFeed } from "./event-feed.ts";
import { openSocket, type Refusal } from "./frame-socket.ts";
import { formHeaders, formOf, HeldUpload, type Part, uploadParts } from "./multipart.ts";
import { waitFor } from "./wait.ts";

const yaml = "bake_ms: 0\n";
const cluster = await startReady(
  { after },
  { models: { steady: { onnx: echoModel() }, changing: { onnx: echoModel(), yaml } } },
);
/** Open from the beginning to the end. */
const feed = await openFeed(cluster, "?since=0");

async function change(path: string, method = "POST", body?: unknown): Promise<number> {
  const headers = body === undefined ? {} : { "content-type": "application/json" };
  return (await cluster.send({ method, path, headers, body })).status;
}

async function upload(parts: readonly Part[]): Promise<number> {
  const ask = { method: "POST", path: "/models", headers: formHeaders, body: formOf(parts) };
  return (await cluster.send(ask)).status;
}

/** The first line of the log that has these values. */
function logged(wanted: Readonly<Record<string, unknown>>): Promise<Record<string, unknown>> {
  const fields = Object.entries(wanted);
  const isWanted = (line: Record<string, unknown>) =>
    fields.every(([key, value]) => line[key] === value);
  return waitFor(() => cluster.logs.find(isWanted), `a line like ${JSON.stringify(wanted)}`);
}

async function counted({ name = "", ...labels }: Record<string, string>): Promise<number> {
  return cluster.metric(name, labels);
}

/** What follows the first of these events after the mark in this order, others in between. */
function assertOrder(events: readonly FeedFrame[], expected: readonly string[]): void {
  const told = events.map(({ kind, state }) => `${kind} ${state}`);
  let at = 0;
  for (const one of told) if (one === expected[at]) at += 1;
  assert.equal(at, expected.length, `no ${expected[at]} in its place among ${told.join(", ")}`);
}

function assertUnbroken({ events }: EventFeed, after: number): void {
  assert.deepEqual(
    events.map(({ seq }) => seq),
    events.map((_, index) => after + 1 + index),
  );
}

describe("The feed", () => {
  it("begins with the run, and what is kept of it", async () => {
    const [hello] = feed.frames;
    assert.equal(hello?.type, "hello");
    assert.match(hello.run, /^\S{8,}$/);
    assert.equal(hello.oldest, 1);
    assert.ok(hello.newest > 0);
  });

  it("tells how the models came to be, to those who ask for all of it", async () => {
    await feed.event({ model: "changing", state: "ready" });
    const events = feed.of({ model: "changing" });
    assertOrder(events, ["host starting", "host ready", "model ready"]);
    assert.deepEqual(
      events.find(({ kind, state }) => kind === "host" && state === "ready")?.pid,
      (await cluster.host("changing")).pid,
    );
  });

  it("tells new events only to those who ask for nothing else", async () => {
    const late = await openFeed(cluster);
    assert.equal(late.frames.length, 1);
    await late.close();
  });

  it("tells how a model is unloaded and loaded again", async () => {
    let { mark } = feed;
    const { pid } = await cluster.host("changing");
    assert.equal(await change("/models/changing/unload"), 200);
    await feed.event({ model: "changing", state: "done" }, mark);
    const unloading = feed.of({ model: "changing" }, mark);
    assertOrder(unloading, ["change began", "model draining", "model unloaded", "change done"]);
    assertOrder(unloading, ["host draining", "host stopped"]);
    assert.equal(unloading.find(({ state }) => state === "draining" && pid)?.version, "1");
    mark = feed.mark;
    assert.equal(await change("/models/changing/load"), 200);
    await feed.event({ model: "changing", state: "done" }, mark);
    const loading = feed.of({ model: "changing" }, mark);
    assertOrder(loading, ["change began", "host starting", "host ready", "model ready"]);
    assertOrder(loading, ["model loading", "change committing", "model ready", "change done"]);
    assert.deepEqual(feed.of({ model: "steady" }, mark), []);
  });

  it("tells of an upload: its bytes, and then each step", async () => {
    const { mark } = feed;
    const padding = new Uint8Array(3_000_000);
    const status = await upload(
      uploadParts({ id: "fresh" }, ["net.onnx", echoModel()], ["weights.bin", padding]),
    );
    assert.equal(status, 201);
    const { seq } = await feed.event({ model: "fresh", kind: "change", state: "done" }, mark);
    const progress = feed.events.filter((event) => event.kind === "upload" && event.seq > mark);
    const bytes = progress.map((event) => event.bytes ?? 0);
    assert.ok((bytes.at(-1) ?? 0) >= padding.length, `only ${bytes} bytes were told of`);
    assert.deepEqual(
      bytes,
      bytes.toSorted((a, b) => a - b),
    );
    assert.ok(progress.every((event) => event.seq < seq));
    const steps = ["change began", "change trial", "change installed", "change starting"];
    assertOrder(feed.of({ model: "fresh" }, mark), [...steps, "model ready", "change done"]);
  });

  it("tells which version an upload has become, where it named none", async () => {
    const { mark } = feed;
    assert.equal(await upload(uploadParts({ id: "numbered" }, ["net.onnx", echoModel()])), 201);
    const done = await feed.event({ model: "numbered", kind: "change", state: "done" }, mark);
    const [began] = feed.of({ model: "numbered", kind: "change", state: "began" }, mark);
    assert.deepEqual([began?.version, done.version], [null, "1"]);
  });

  it("tells of the bytes of a small upload once", async () => {
    const { mark } = feed;
    assert.equal(await upload(uploadParts({ id: "small" }, ["net.onnx", echoModel()])), 201);
    await feed.event({ model: "small", state: "done" }, mark);
    assert.equal(feed.of({ kind: "upload" }, mark).length, 1);
  });

  it("tells that an upload was left by its client, as do the log and the metrics", async () => {
    const { mark } = feed;
    const form = formOf(uploadParts({ id: "left" }, ["net.onnx", echoModel()]));
    const held = new HeldUpload(cluster.url, form, 10);
    await feed.event({ kind: "upload", model: "left", state: "receiving" }, mark);
    held.leave();
    const { reason, version } = await feed.event({ model: "left", state: "cancelled" }, mark);
    assert.deepEqual([reason, version], ["the client left", null]);
    const asked = await logged({ msg: "request", code: "cancelled" });
    assert.deepEqual([asked["path"], asked["status"]], ["/models", 499]);
    const dropped = await logged({ msg: "upload cancelled" });
    assert.deepEqual([dropped["model"], dropped["reason"]], ["left", "the client left"]);
    assert.equal(dropped["request_id"], asked["request_id"]);
    const changes = { name: "troupe_changes_total", kind: "upload", outcome: "cancelled" };
    assert.equal(await counted(changes), 1);
    assert.equal(await counted({ name: "http_requests_total", status: "499" }), 1);
  });

  it("tells that an upload was refused on its way", async () => {
    const { mark } = feed;
    const parts = uploadParts({ id: "wrong" }, ["net.onnx", echoModel()]);
    assert.equal(await upload([...parts, { field: "labels", content: "a" }]), 400);
    const { reason } = await feed.event({ model: "wrong", state: "failed" }, mark);
    assert.match(reason ?? "", /^unknown field 'labels'/);
  });

  it("names the model of an upload that is there already, as does the log", async () => {
    const { mark } = feed;
    const parts = uploadParts({ id: "steady", version: "1" }, ["net.onnx", echoModel()]);
    assert.equal(await upload(parts), 409);
    const { reason } = await feed.event({ kind: "upload", model: "steady" }, mark);
    const { model } = await logged({ msg: "upload failed", reason });
    assert.equal(model, "steady");
  });

  it("names in the log of a change the request that asked for it", async () => {
    const path = "/models/changing/restart";
    const headers = { "x-request-id": "restarts-it" };
    assert.equal((await cluster.send({ method: "POST", path, headers })).status, 200);
    for (const msg of ["change began", "change done", "request"]) {
      await logged({ msg, request_id: "restarts-it" });
    }
  });

  it("goes with a warning of labels that name the classes of no output", async () => {
    const parts = uploadParts({ id: "named", config: "labels: [a, b]" }, ["net.onnx", echoModel()]);
    assert.equal(await upload(parts), 201);
    const words = /^labels names 2 classes, but no output has as many scores: '\w+' has 4$/;
    const { reason } = await logged({ msg: "labels do not fit", model: "named" });
    assert.match(String(reason), words);
    const config = await cluster.get<{ warnings: readonly string[] }>("/models/named/config");
    assert.equal(config.json.warnings.length, 1);
    assert.match(config.json.warnings[0] ?? "", words);
  });

  it("names the host of a trial apart from the one that serves", async () => {
    assert.equal(await upload(uploadParts({ id: "tried" }, ["net.onnx", echoModel()])), 201);
    for (const process of ["trial host", "host"]) {
      await logged({ msg: "process ready", model: "tried", process });
    }
  });

  it("tells why a model is refused", async () => {
    const { mark } = feed;
    assert.equal(await upload(uploadParts({ id: "bad" }, ["net.onnx", brokenModel()])), 422);
    const { reason } = await feed.event({ model: "bad", state: "failed" }, mark);
    assert.match(reason ?? "", /\S/);
  });

  it("tells of a host that dies, and of the one that comes after it", async () => {
    const { mark } = feed;
    const { pid } = await cluster.host("steady");
    process.kill(pid ?? 0, "SIGKILL");
    const next = await feed.event({ model: "steady", kind: "host", state: "ready" }, mark);
    assert.notEqual(next.pid, pid);
    await feed.event({ model: "steady", kind: "model", state: "ready" }, mark);
    const events = feed.of({ model: "steady" }, mark);
    assertOrder(events, ["host queued", "model recovering", "host starting", "model ready"]);
    const queued = events.find(({ state }) => state === "queued");
    assert.deepEqual([queued?.reason, queued?.pid], ["SIGKILL", pid]);
    assert.deepEqual(feed.of({ model: "steady", kind: "change" }, mark), []);
  });

  it("tells of a host that dies while it bakes what it died of", async () => {
    assert.equal(await change("/models/changing", "PATCH", { bake_ms: 600_000 }), 200);
    const { mark } = feed;
    const parts = uploadParts({ id: "changing", version: "2" }, ["net.onnx", echoModel()]);
    assert.equal(await upload(parts), 201);
    await feed.event({ model: "changing", kind: "change", state: "baking" }, mark);
    const { pid } = await feed.event({ version: "2", kind: "host", state: "ready" }, mark);
    const killedAt = feed.mark;
    process.kill(pid ?? 0, "SIGKILL");
    await feed.event({ model: "changing", kind: "host", state: "stopped" }, killedAt);
    const events = feed.of({ model: "changing", kind: "host" }, killedAt);
    assert.deepEqual(
      events.map(({ state, reason, pid: of }) => [state, reason, of]),
      [["stopped", "SIGKILL", pid]],
    );
  });

  it("has all of it, each once, in order", () => {
    assert.deepEqual(
      feed.frames.map(({ type }) => type).filter((type) => type !== "event"),
      ["hello"],
    );
    assertUnbroken(feed, 0);
  });
});

describe("A replay", () => {
  it("goes on behind the last event that was seen", async () => {
    const { run } = feed.frames[0] ?? assert.fail("no hello");
    const { mark } = feed;
    const since = mark - 10;
    const again = await openFeed(cluster, `?since=${since}&run=${run}`);
    await again.count(11);
    assert.equal(await change("/models/steady", "PATCH", { description: "told to both" }), 200);
    await again.event({ model: "steady", state: "done" }, mark);
    await feed.event({ model: "steady", state: "done" }, mark);
    assertUnbroken(again, since);
    assert.deepEqual(
      again.events,
      feed.events.filter(({ seq }) => seq > since),
    );
    await again.close();
  });

  it("begins anew, behind a gap, for those who saw another run", async () => {
    const other = await openFeed(cluster, "?since=7&run=another");
    await other.count(3);
    const [hello, gap, first] = other.frames;
    assert.deepEqual([hello?.type, gap?.type, first?.type], ["hello", "gap", "event"]);
    const { run, from, to, next } = gap ?? assert.fail("no gap");
    assert.deepEqual([run, from, to, next, first?.seq], ["another", 8, null, 1, 1]);
    await other.close();
  });

  it("is refused for what is no number", async () => {
    for (const query of ["?since=x", "?since=-1", "?since=1.5"]) {
      const refusal = await openSocket(cluster.url, `/events${query}`).catch((thrown) => thrown);
      assert.deepEqual(refusal, { status: 400, code: "invalid-request" });
    }
  });
});

describe("The feed's guard", () => {
  async function refusalOf(headers: Readonly<Record<string, string>>): Promise<unknown> {
    return openSocket(cluster.url, "/events", headers).then(
      () => "opened",
      ({ status, code }: Refusal) => ({ status, code }),
    );
  }

  it("keeps pages of others out", async () => {
    const forbidden = { status: 403, code: "forbidden" };
    const { host } = new URL(cluster.url);
    assert.deepEqual(await refusalOf({ origin: "http://evil.example" }), forbidden);
    assert.deepEqual(await refusalOf({ host: "evil.example" }), forbidden);
    assert.deepEqual(await refusalOf({ origin: "null" }), forbidden);
    assert.deepEqual(await refusalOf({ origin: `http://${host}` }), "opened");
  });
});

it("and nothing is left", async () => {
  await feed.close();
  await cluster.endsCleanly();
});
