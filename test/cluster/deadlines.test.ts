import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { failureCode } from "./http-client.ts";
import { waitFor } from "./wait.ts";

/** About a second where this was written; whatever it takes, the others wait behind it. */
const longTrips = 1_000_000;
/** A tenth of a second or more: ends within the time that a run is left, but for a machine that is busy. */
const shortTrips = 300_000;
/** After its last request has expired a run is left a second; this much of it is surely over before that. */
const surelyLeftMs = 900;
const queued = 10;
const mostTries = 20;

const cluster = await startReady(
  { after },
  {
    models: {
      // A model of its own for each scenario: one whose cost is not known yet is asked whatever the deadline.
      expiring: { onnx: loopModel() },
      leaving: { onnx: loopModel() },
      socket: { onnx: loopModel() },
      running: { onnx: loopModel() },
      hurried: { onnx: loopModel(), yaml: "timeouts: { request_ms: 1 }" },
      echo: { onnx: echoModel() },
    },
    flags: ["--max-request-timeout-ms", "100000"],
  },
);

const one = { features: [1] };

/** Resolves when it runs; its answer comes later. */
async function startLongRun(model: string) {
  const patient = { "x-request-timeout-ms": "60000" };
  const answer = cluster.predict(model, { features: [longTrips] }, patient);
  await cluster.reaches(1, "troupe_requests_run_total", { model_id: model });
  return { answer };
}

/** Resolves when that many more than the running one are on their way; the host takes them in order. */
function queuedBehind(count: number): Promise<void> {
  return cluster.reaches(count + 1, "troupe_in_flight");
}

function cancelled(model: string, count: number): Promise<void> {
  const labels = { model_id: model, reason: "cancelled" };
  return cluster.reaches(count, "troupe_requests_dropped_total", labels);
}

async function outcomesOf(model: string): Promise<readonly number[]> {
  const dropped = (reason: string) =>
    cluster.metric("troupe_requests_dropped_total", { model_id: model, reason });
  const ran = await cluster.metric("troupe_requests_run_total", { model_id: model });
  return [ran, await dropped("expired"), await dropped("cancelled")];
}

describe("A request whose deadline passes in the queue", () => {
  it("is answered 504 before the run before it ends, and never run", async () => {
    const long = await startLongRun("expiring");
    let isLongOver = false;
    const longAnswer = long.answer.finally(() => {
      isLongOver = true;
    });
    const timeout = { "x-request-timeout-ms": "50" };
    const replies = await Promise.all(
      Array.from({ length: queued }, () => cluster.predict("expiring", one, timeout)),
    );
    for (const { status, json } of replies) {
      assert.deepEqual([status, json.code], [504, "deadline-exceeded"]);
      assert.match(json.error, /waited in the queue|passed in the queue/);
    }
    assert.equal(isLongOver, false);
    assert.equal((await longAnswer).status, 200);
    assert.deepEqual(await outcomesOf("expiring"), [1, queued, 0]);
    const byCode = { model_id: "expiring", status: "deadline-exceeded" };
    assert.equal(await cluster.metric("model_predictions_total", byCode), queued);
  });

  it("has the model's own timeout where it names none", async () => {
    const { status, json } = await cluster.predict("hurried", { features: [longTrips] });
    assert.deepEqual([status, json.code], [504, "deadline-exceeded"]);
    const patient = { "x-request-timeout-ms": "5000" };
    const reply = await cluster.predict("hurried", { features: [3] }, patient);
    assert.deepEqual(reply.json.predictions, [3]);
  });
});

describe("A request whose deadline passes while it runs", () => {
  /** False where the machine was so busy that the run took too long, or had not begun in time. */
  async function outlives(tries: number): Promise<boolean> {
    const timeout = { "x-request-timeout-ms": "50" };
    const before = await cluster.pidsOf("running");
    const reply = await cluster.predict("running", { features: [shortTrips + tries] }, timeout);
    const expiredAt = performance.now();
    assert.deepEqual([reply.status, reply.json.code], [504, "deadline-exceeded"]);
    const next = await cluster.predict("running", one);
    assert.deepEqual(next.json.predictions, [1]);
    const isSoon = performance.now() - expiredAt < surelyLeftMs;
    if (!isSoon || !/was running/.test(reply.json.error)) return false;
    assert.deepEqual(await cluster.pidsOf("running"), before);
    return true;
  }

  it("is answered 504 at once, and its host lives if the run ends soon", async () => {
    for (let tries = 1; !(await outlives(tries)); tries += 1) {
      assert.ok(tries < mostTries, `of ${tries} runs none has ended in time`);
      // Nobody knows of a new host how long its runs take.
      await cluster.send({ method: "POST", path: "/models/running/restart" });
    }
  });

  it("has its host ended where the run goes on", async () => {
    const timeout = { "x-request-timeout-ms": "100" };
    const { pid } = await cluster.host("running");
    const reply = await cluster.predict("running", { features: [2 ** 40] }, timeout);
    assert.deepEqual([reply.status, reply.json.code], [504, "deadline-exceeded"]);
    const waiting = cluster.predict("running", one);
    const host = await cluster.replaced("running", pid);
    assert.equal(host.last_exit?.reason, "overrun");
    assert.deepEqual((await waiting).json.predictions, [1]);
  });
});

describe("A client that leaves", () => {
  it("has its queued requests dropped, and they never run", async () => {
    const long = await startLongRun("leaving");
    const leaving = new AbortController();
    const lost = Array.from({ length: queued }, () => {
      const { signal } = leaving;
      const ask = { method: "POST", path: "/predict/leaving", body: one };
      return cluster.send({ ...ask, agent: false, signal }).catch(failureCode);
    });
    await queuedBehind(queued);
    leaving.abort();
    assert.deepEqual(new Set(await Promise.all(lost)), new Set(["ABORT_ERR"]));
    await cancelled("leaving", queued);
    assert.equal((await long.answer).status, 200);
    assert.deepEqual(await outcomesOf("leaving"), [1, 0, queued]);
    const byCode = { model_id: "leaving", status: "cancelled" };
    assert.equal(await cluster.metric("model_predictions_total", byCode), queued);
  });

  it("has those of its socket dropped, cancelled by a frame or by leaving", async () => {
    const long = await startLongRun("socket");
    const socket = await openSocket(cluster.url, "/v2/models/socket/stream");
    for (let id = 0; id < queued; id += 1) socket.infer(id, one);
    await queuedBehind(queued);
    socket.send({ type: "cancel", id: 3 });
    const frame = await socket.answer(3);
    assert.deepEqual([frame.type, frame.code], ["failed", "cancelled"]);
    await cancelled("socket", 1);
    socket.terminate();
    await cancelled("socket", queued);
    assert.equal((await long.answer).status, 200);
    assert.deepEqual(await outcomesOf("socket"), [1, 0, queued]);
    await waitFor(
      async () => (await cluster.metric("troupe_ws_connections")) === 0,
      "no connection to be counted",
    );
  });
});

describe("The headers of a request", () => {
  const refusals: readonly (readonly [string, string, number, string])[] = [
    ["x-request-timeout-ms", "0", 400, "invalid-request"],
    ["x-request-timeout-ms", "soon", 400, "invalid-request"],
    ["x-request-timeout-ms", "1.5", 400, "invalid-request"],
    ["x-request-timeout-ms", "-1", 400, "invalid-request"],
    ["x-priority", "urgent", 400, "invalid-request"],
    ["x-priority", "high", 403, "forbidden"],
  ];
  for (const [name, value, status, code] of refusals) {
    it(`are refused where ${name} is ${value}`, async () => {
      const reply = await cluster.predict("echo", { features: [1, 2, 3, 4] }, { [name]: value });
      assert.deepEqual([reply.status, reply.json.code], [status, code]);
      assert.ok(reply.json.error.includes(name) && reply.json.error.includes(value));
    });
  }
});

it("and nothing is left", () => cluster.endsCleanly());
