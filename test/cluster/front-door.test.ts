import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { openSocket } from "./frame-socket.ts";
import { failureCode } from "./http-client.ts";
import { shrunken } from "./metrics-page.ts";
import { inLoops, waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];
const clients = 20;
const kills = 3;

const cluster = await startReady({ after }, { models: { echo: { onnx: echoModel() } } });

async function doorPid(): Promise<number> {
  const [door] = (await cluster.tree()).front_doors;
  assert.ok(door !== undefined && door.pid !== null);
  return door.pid;
}

/** Every request has a connection of its own, so that each one knocks anew. */
function knock() {
  const ask = { method: "POST", path: "/predict/echo", body: { features: row }, agent: false };
  return cluster.send({ ...ask, agent: false });
}

/** Resolves when a new front door answers; the one that was may be dying while it is asked. */
function doorReplaced(before: number): Promise<number> {
  return waitFor(async () => {
    const pid = await doorPid();
    return pid !== before && pid;
  }, "another front door");
}

describe("A front door that is killed", () => {
  it("leaves no caller before a closed port", async () => {
    const hosts = await cluster.pidsOf("echo");
    let answers = 0;
    let isOver = false;
    const lost: string[] = [];
    const load = inLoops(
      clients,
      () => isOver,
      async () => {
        const outcome = await knock().catch(failureCode);
        if (typeof outcome === "string") lost.push(outcome);
        else {
          assert.equal(outcome.status, 200, outcome.text);
          answers += 1;
        }
      },
    );
    const acting = async () => {
      for (let kill = 0; kill < kills; kill += 1) {
        const before = answers;
        await waitFor(() => answers > before + 2 * clients, "answers before the kill");
        const pid = await doorPid();
        process.kill(pid, "SIGKILL");
        await doorReplaced(pid);
      }
      const before = answers;
      await waitFor(() => answers > before + 2 * clients, "answers after the last kill");
    };
    await Promise.all([
      load,
      acting().finally(() => {
        isOver = true;
      }),
    ]);
    // What the dead one had in its hands is lost, but nobody was refused.
    assert.ok(lost.length <= clients * kills, `${lost.length} were lost`);
    assert.deepEqual(new Set(lost), lost.length === 0 ? new Set() : new Set(["ECONNRESET"]));
    assert.deepEqual(await cluster.pidsOf("echo"), hosts);
    const restarts = { role: "front-door", reason: "SIGKILL" };
    assert.equal(await cluster.metric("troupe_restarts_total", restarts), kills);
  });

  it("lets no counter go backward", async () => {
    await knock();
    const before = await cluster.metrics();
    const pid = await doorPid();
    process.kill(pid, "SIGKILL");
    await doorReplaced(pid);
    await knock();
    assert.deepEqual(shrunken(before, await cluster.metrics()), []);
  });

  it("ends its sockets, and the next one takes new ones", async () => {
    const socket = await openSocket(cluster.url, "/ws");
    const pid = await doorPid();
    process.kill(pid, "SIGKILL");
    assert.equal((await socket.closed).code, 1006);
    const next = await openSocket(cluster.url, "/ws");
    next.infer(1, { model: "echo", features: row });
    assert.deepEqual((await next.answer(1)).predictions, [row]);
    next.close();
    await next.closed;
  });

  it("is found silent when it is stopped, and replaced", async (t) => {
    const models = { echo: { onnx: echoModel() } };
    const impatient = await startReady(t, { models, flags: ["--hang-ms", "1000"] });
    const [door] = (await impatient.tree()).front_doors;
    assert.ok(door?.pid);
    process.kill(door.pid, "SIGSTOP");
    const waiting = { method: "POST", path: "/predict/echo", body: { features: row } };
    await waitFor(async () => {
      const reply = await impatient.send({ ...waiting, agent: false }).catch(() => undefined);
      return reply?.status === 200;
    }, "an answer of the next front door");
    assert.equal((await impatient.tree()).front_doors[0]?.last_exit?.reason, "hang");
    await impatient.endsCleanly();
  });
});

describe("Two front doors", () => {
  it("share the port and the hosts, and are counted together", async (t) => {
    const models = { echo: { onnx: echoModel() } };
    const wide = await startReady(t, { models, flags: ["--front-doors", "2"] });
    const before = await wide.metric("model_predictions_total", { model_id: "echo" });
    const asks = Array.from({ length: 40 }, () =>
      wide.send({ method: "POST", path: "/predict/echo", body: { features: row }, agent: false }),
    );
    for (const { status } of await Promise.all(asks)) assert.equal(status, 200);
    assert.equal(await wide.metric("model_predictions_total", { model_id: "echo" }), before + 40);
    const [first] = (await wide.tree()).front_doors;
    assert.ok(first?.pid);
    process.kill(first.pid, "SIGKILL");
    await waitFor(async () => {
      const doors = (await wide.tree()).front_doors;
      return doors.every(({ state, pid }) => state === "ready" && pid !== first.pid);
    }, "both front doors");
    await wide.endsCleanly();
  });
});

it("and nothing is left", () => cluster.endsCleanly());
