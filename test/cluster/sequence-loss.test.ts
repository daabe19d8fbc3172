import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { totalModel } from "../../models/loop-models.ts";
import { startCluster, startReady } from "./cluster.ts";
import { type Frame, type FrameSocket, openSocket } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

const restartsSoon = "restart: { intensity: 50, min_backoff_ms: 10, max_backoff_ms: 50 }";
/** Nobody lives to see its end. */
const endlessTrips = 2 ** 40;
const longTrips = 800_000;

const cluster = await startReady(
  { after },
  {
    models: {
      killed: { onnx: totalModel(), yaml: restartsSoon },
      begun: { onnx: totalModel(), yaml: restartsSoon },
      pair: { onnx: totalModel(), yaml: `${restartsSoon}\nreplicas: 2` },
      poisoned: { onnx: totalModel(), yaml: `${restartsSoon}\ntimeouts: { run_ms: 500 }` },
    },
    flags: ["--front-doors", "2"],
  },
);

function open(model: string, of = cluster): Promise<FrameSocket> {
  return openSocket(of.url, `/v2/models/${model}/stream`);
}

function totalOf({ type, predictions, error }: Frame): number {
  assert.equal(type, "done", error);
  return (predictions as readonly (readonly number[])[])[0]?.[0] ?? Number.NaN;
}

function codeOf({ type, code }: Frame): string {
  return type === "failed" ? code : type;
}

async function kill(model: string, pid: number | null | undefined): Promise<void> {
  assert.ok(typeof pid === "number");
  process.kill(pid, "SIGKILL");
  await waitFor(
    async () =>
      (await cluster.hosts(model)).every((host) => host.state === "ready" && host.pid !== pid),
    `another host of ${model} than ${pid}`,
  );
}

/** Resolves when so many are counted, and the host is back. */
async function restartsOf(model: string, count: number): Promise<number> {
  await waitFor(async () => {
    const { state, restarts } = await cluster.host(model);
    return state === "ready" && restarts === count;
  }, `${count} restarts of ${model}`);
  return count;
}

describe("Sequences whose host is killed", () => {
  it("fail with sequence-lost, idle ones with a notice, and their sockets live on", async () => {
    const [busy, idle] = await Promise.all([open("killed"), open("killed")]);
    await busy.step(0, { features: [1] });
    await idle.step(0, { features: [1] });
    await idle.step("n", { features: [1], sequence: "named" });
    busy.infer(1, { features: [longTrips] });
    busy.infer(2, { features: [1] });
    await cluster.reaches(4, "troupe_requests_run_total", { model_id: "killed" });
    await kill("killed", (await cluster.host("killed")).pid);
    for (const id of [1, 2]) assert.equal(codeOf(await busy.answer(id)), "sequence-lost");
    for (const [socket, name] of [
      [busy, null],
      [idle, null],
      [idle, "named"],
    ] as const) {
      const { reason, code } = await socket.ending(name);
      assert.deepEqual([reason, code], ["lost", "sequence-lost"]);
    }
    assert.equal(codeOf(await idle.step(3, { features: [1] })), "sequence-lost");
    for (const socket of [busy, idle]) {
      socket.send({ type: "reset" });
      assert.equal(totalOf(await socket.step(4, { features: [7] })), 7);
      assert.equal(totalOf(await socket.step(5, { features: [7] })), 14);
    }
    assert.equal(idle.endings.length, 2);
    assert.equal(
      await cluster.metric("troupe_sequences_ended_total", { model_id: "killed", reason: "lost" }),
      3,
    );
    for (const socket of [busy, idle]) socket.close();
  });

  it("are none where nothing of them was answered: those begin again elsewhere", async () => {
    const socket = await open("begun");
    socket.infer(1, { features: [longTrips] });
    socket.infer(2, { features: [1] });
    socket.infer(3, { features: [1] });
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "begun" });
    await kill("begun", (await cluster.host("begun")).pid);
    const answers = await Promise.all([1, 2, 3].map((id) => socket.answer(id)));
    assert.deepEqual(answers.map(totalOf), [longTrips, longTrips + 1, longTrips + 2]);
    assert.deepEqual(socket.endings, []);
    socket.close();
  });

  it("are only those of that replica", async () => {
    const sockets = await Promise.all(Array.from({ length: 8 }, () => open("pair")));
    for (const socket of sockets) await socket.step(0, { features: [1] });
    const shares = await waitFor(async () => {
      const hosts = await cluster.hosts("pair");
      const counts = hosts.map(({ sequences }) => sequences ?? 0);
      return counts.reduce((sum, count) => sum + count, 0) === sockets.length && counts;
    }, "all sequences to be counted");
    const [lost = 0, kept = 0] = shares;
    // Each of two front doors evens out what it sees, so they may differ by one apiece.
    assert.ok(lost >= 3 && kept >= 3, `shares ${shares}`);
    await kill("pair", (await cluster.hosts("pair"))[0]?.pid);
    const codes = await Promise.all(
      sockets.map(async (socket) => codeOf(await socket.step(1, { features: [1] }))),
    );
    assert.deepEqual(codes.toSorted(), [
      ...Array(kept).fill("done"),
      ...Array(lost).fill("sequence-lost"),
    ]);
    for (const socket of sockets) socket.close();
  });

  it("over HTTP are lost too, at every front door", async () => {
    const frame = (parameters: object) => {
      const inputs = [{ name: "trips", datatype: "INT64", shape: [1, 1], data: [1] }];
      const path = "/v2/models/killed/infer";
      return cluster.send({ method: "POST", path, body: { parameters, inputs }, agent: false });
    };
    const begun = await frame({ sequence_id: 5, sequence_start: true });
    assert.equal(begun.status, 200, begun.text);
    await kill("killed", (await cluster.host("killed")).pid);
    for (let at = 0; at < 4; at += 1) {
      const { status, json } = await frame({ sequence_id: 5 });
      assert.deepEqual([status, json.code], [503, "sequence-lost"]);
    }
    assert.equal(
      (await frame({ sequence_id: 5, sequence_start: true, sequence_end: true })).status,
      200,
    );
  });
});

describe("A frame that kills its host", () => {
  it("is refused as poison after two kills, when it is the first of its sequence", async () => {
    const socket = await open("poisoned");
    assert.equal(codeOf(await socket.step(1, { features: [endlessTrips] })), "poison-request");
    const restarts = await restartsOf("poisoned", 2);
    socket.send({ type: "reset" });
    assert.equal(codeOf(await socket.step(2, { features: [endlessTrips] })), "poison-request");
    assert.equal((await cluster.host("poisoned")).restarts, restarts);
    socket.close();
  });

  it("costs its own sequence in the midst of one, and convicts no inputs", async () => {
    const socket = await open("poisoned");
    const other = endlessTrips + 1;
    for (let round = 1; round <= 2; round += 1) {
      assert.equal(totalOf(await socket.step(`a${round}`, { features: [1] })), 1);
      const fatal = await socket.step(`b${round}`, { features: [other] });
      assert.equal(codeOf(fatal), "sequence-lost");
      await restartsOf("poisoned", 2 + round);
      socket.send({ type: "reset" });
    }
    assert.equal(totalOf(await socket.step("c", { features: [1] })), 1);
    assert.equal(totalOf(await socket.step("d", { features: [1] })), 2);
    socket.close();
  });
});

describe("A front door that is killed", () => {
  it("takes its sockets' sequences along", async () => {
    const sockets = await Promise.all(Array.from({ length: 6 }, () => open("pair")));
    for (const socket of sockets) await socket.step(0, { features: [1] });
    const doors = (await cluster.tree()).front_doors.map(({ pid }) => pid ?? 0);
    for (const pid of doors) process.kill(pid, "SIGKILL");
    await Promise.all(sockets.map(({ closed }) => closed));
    await cluster.reaches(0, "troupe_sequences_active", { model_id: "pair" });
    assert.ok((await cluster.metric("troupe_sequences_ended_total", { reason: "door-lost" })) >= 6);
  });

  it("and nothing is left", () => cluster.endsCleanly());
});

describe("A server that is stopped", () => {
  const models = { total: { onnx: totalModel() } };

  it("lets open sequences go on for a while, then tells them", async (t) => {
    const stopping = await startCluster(t, { models, flags: ["--drain-sequences-ms", "700"] });
    await stopping.ready();
    const [socket, none] = await Promise.all([open("total", stopping), open("total", stopping)]);
    await socket.step(1, { features: [1] });
    await none.step(1, { features: [1] });
    none.send({ type: "end" });
    await none.ending();
    const stopped = stopping.stop();
    // A socket without a sequence is closed at once, so from then on the server drains.
    assert.equal((await none.closed).code, 1001);
    assert.equal(totalOf(await socket.step(2, { features: [1] })), 2);
    const other = await socket.step(3, { features: [1], sequence: "new" });
    assert.equal(codeOf(other), "draining");
    const { reason, code } = await socket.ending();
    assert.deepEqual([reason, code], ["draining", "draining"]);
    assert.equal((await socket.closed).code, 1001);
    assert.deepEqual(await stopped, { code: 0, signal: null });
    stopping.nothingIsLeft();
  });

  it("waits no longer than they last", async (t) => {
    const stopping = await startCluster(t, { models, flags: ["--drain-sequences-ms", "60000"] });
    await stopping.ready();
    const socket = await open("total", stopping);
    await socket.step(1, { features: [1] });
    const stopped = stopping.stop();
    await waitFor(() => stopping.logs.some(({ msg }) => msg === "stopping"), "the stop to begin");
    assert.equal(totalOf(await socket.step(2, { features: [1] })), 2);
    socket.send({ type: "end" });
    assert.equal((await socket.closed).code, 1001);
    assert.deepEqual(await stopped, { code: 0, signal: null });
    stopping.nothingIsLeft();
  });
});
