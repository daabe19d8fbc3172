import assert from "node:assert/strict";
import type { Agent } from "node:http";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { heavyModel, loopModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { type Cluster, startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { failureCode, keepAliveAgent, type Reply } from "./http-client.ts";
import { inLoops, waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];
const echo = { onnx: echoModel() };
const heavy = { onnx: heavyModel({ size: 256, repeats: 4_000 }) };
const loop = { onnx: loopModel() };
const endlessTrips = 2 ** 40;
const clients = 30;
/** From when on a second signal is meant, and is not the first one arriving twice. */
const secondSignalMs = 1_000;

/** Asks on one kept connection, as long as the server keeps it, and gives how it ended. */
async function askUntilClosed(cluster: Cluster, model: string, onAnswer: () => void) {
  const agent = keepAliveAgent(1);
  try {
    for (;;) {
      const reply = await knock(cluster, model, agent);
      if (typeof reply === "string") return reply;
      assert.deepEqual(
        [reply.status, reply.text.includes('"predictions":[[1,2,3,4]]')],
        [200, true],
      );
      onAnswer();
      if (reply.headers.connection === "close") return "closed with an answer";
    }
  } finally {
    agent.destroy();
  }
}

function knock(
  cluster: Cluster,
  model: string,
  agent: Agent | false,
): Promise<Reply<unknown> | string> {
  const ask = { method: "POST", path: `/predict/${model}`, body: { features: row }, agent };
  return cluster.send<unknown>(ask).catch(failureCode);
}

/** Resolves when it runs, with how it will end. */
async function startEndlessRun(cluster: Cluster): Promise<{ readonly end: Promise<string> }> {
  const end = cluster
    .send({
      method: "POST",
      path: "/predict/loop",
      body: { features: [endlessTrips] },
      agent: false,
    })
    .then(({ status }) => String(status), failureCode);
  await cluster.reaches(1, "troupe_requests_run_total", { model_id: "loop" });
  return { end };
}

function portIsClosed(cluster: Cluster): Promise<true> {
  const ask = { path: "/livez", agent: false } as const;
  return waitFor(async () => {
    const outcome = await cluster.send(ask).catch(failureCode);
    return outcome === "ECONNREFUSED";
  }, "the port to be closed");
}

describe("A server that is told to stop", () => {
  it("loses no request of those who have a connection", async (t) => {
    const cluster = await startReady(t, { models: { echo, heavy } });
    let answers = 0;
    const count = () => {
      answers += 1;
    };
    const endings = Array.from({ length: clients }, (_, client) =>
      askUntilClosed(cluster, client % 3 === 0 ? "heavy" : "echo", count),
    );
    await waitFor(() => answers > 5 * clients, "answers before the signal");
    const { code } = await cluster.stop();
    assert.deepEqual([...new Set(await Promise.all(endings))], ["closed with an answer"]);
    assert.equal(code, 0);
    cluster.nothingIsLeft();
  });

  it("lets those in who had knocked before the port was closed", async (t) => {
    const cluster = await startReady(t, { models: { echo } });
    const outcomes: string[] = [];
    const isOver = () => outcomes.includes("ECONNREFUSED");
    const knocking = inLoops(clients, isOver, async () => {
      const outcome = await knock(cluster, "echo", false);
      outcomes.push(typeof outcome === "string" ? outcome : String(outcome.status));
    });
    await waitFor(() => outcomes.length > 5 * clients, "answers before the signal");
    const { code } = await cluster.stop();
    await knocking;
    assert.equal(code, 0);
    // Even without a backlog the kernel keeps one for us, whom the closing may catch.
    const reset = outcomes.filter((outcome) => outcome === "ECONNRESET");
    assert.ok(reset.length <= 2, `${reset.length} were reset`);
    assert.deepEqual(
      outcomes.filter((outcome) => !["200", "ECONNREFUSED", "ECONNRESET"].includes(outcome)),
      [],
    );
  });

  it("answers what is in flight on its sockets, then closes them with 1001", async (t) => {
    const cluster = await startReady(t, { models: { echo, loop } });
    const socket = await openSocket(cluster.url, "/ws");
    const idle = await openSocket(cluster.url, "/v2/models/echo/stream");
    // One by one, so that the first answer comes long before the last, however busy the machine is.
    const ids = Array.from({ length: 10 }, (_, id) => id);
    for (const id of ids) socket.infer(id, { model: "loop", features: [100_000] });
    await waitFor(() => socket.frames.length > 0, "the first answer");
    assert.ok(socket.frames.length < ids.length, "some are still in flight");
    const stopped = cluster.stop();
    assert.deepEqual([(await idle.closed).code, (await socket.closed).code], [1001, 1001]);
    const types = ids.map((id) => socket.of(id).map(({ type }) => type));
    assert.deepEqual(
      types,
      ids.map(() => ["done"]),
    );
    assert.equal((await stopped).code, 0);
    cluster.nothingIsLeft();
  });

  it("takes requests while it delays its drain, but is not ready", async (t) => {
    const cluster = await startReady(t, { models: { echo }, flags: ["--drain-delay-ms", "800"] });
    const socket = await openSocket(cluster.url, "/ws");
    const stopped = cluster.stop();
    await waitFor(async () => (await cluster.get("/readyz")).status === 503, "it to be unready");
    const { status, json } = await cluster.get("/readyz");
    assert.deepEqual([status, json.ready], [503, false]);
    assert.match(json.reasons.join(), /draining/);
    const ask = { method: "POST", path: "/predict/echo", body: { features: row } };
    assert.equal((await cluster.send({ ...ask, agent: false })).status, 200);
    socket.infer("late", { model: "echo", features: row });
    assert.equal((await socket.answer("late")).type, "done");
    assert.equal((await cluster.get("/livez")).status, 200);
    assert.equal((await cluster.tree()).supervisor.state, "draining");
    assert.equal((await stopped).code, 0);
    cluster.nothingIsLeft();
  });

  it("ends what does not finish in time", async (t) => {
    const cluster = await startReady(t, { models: { loop }, flags: ["--drain-ms", "300"] });
    const { end } = await startEndlessRun(cluster);
    assert.equal((await cluster.stop()).code, 0);
    assert.equal(await end, "ECONNRESET");
    cluster.nothingIsLeft();
  });

  it("takes a signal that comes twice at once for one", async (t) => {
    const cluster = await startReady(t, { models: { heavy } });
    const answer = cluster.predict("heavy", { features: row });
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "heavy" });
    cluster.signal("SIGINT");
    cluster.signal("SIGINT");
    assert.equal((await answer).status, 200);
    assert.deepEqual(await cluster.ended(), { code: 0, signal: null });
    cluster.nothingIsLeft();
  });

  it("ends at once with a second signal, later than a second after the first", async (t) => {
    const cluster = await startReady(t, { models: { loop } });
    const { end } = await startEndlessRun(cluster);
    cluster.signal("SIGTERM");
    await portIsClosed(cluster);
    await pause(secondSignalMs + 50);
    cluster.signal("SIGTERM");
    assert.deepEqual(await cluster.ended(), { code: 1, signal: null });
    assert.equal(await end, "ECONNRESET");
    await waitFor(() => cluster.children.length === 0, "all children to be gone", 2_000);
    cluster.nothingIsLeft();
  });

  it("leaves its children's ends to itself when the whole group is signalled", async (t) => {
    const cluster = await startReady(t, { models: { heavy } });
    const answer = cluster.predict("heavy", { features: row });
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "heavy" });
    for (const pid of [cluster.pid, ...cluster.children]) process.kill(pid, "SIGINT");
    assert.equal((await answer).status, 200);
    assert.deepEqual(await cluster.ended(), { code: 0, signal: null });
    cluster.nothingIsLeft();
  });
});
