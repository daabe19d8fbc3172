import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import type { Answer, Reply } from "./http-client.ts";
import { shrunken } from "./metrics-page.ts";
import { inLoops, waitFor } from "./wait.ts";

const restartsSoon = "restart: { intensity: 50, min_backoff_ms: 10, max_backoff_ms: 50 }";
const clients = 50;
const kills = 5;

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel(), yaml: restartsSoon },
      pair: { onnx: echoModel(), yaml: `${restartsSoon}\nreplicas: 2` },
      silent: { onnx: echoModel() },
    },
    // So long is nobody silent who only waits for a core.
    flags: ["--hang-ms", "5000"],
  },
);

/** Each caller's rounds have numbers of their own, so that a mixed-up answer shows. */
async function askOnce(model: string, caller: number, round: number): Promise<Reply<Answer>> {
  const row = [caller, round, caller * round, 0.5];
  const reply = await cluster.predict(model, { features: row });
  assert.deepEqual([reply.status, reply.json.predictions], [200, [row]], reply.text);
  return reply;
}

/** Runs `act` while the clients ask, and gives how many answers came. */
async function underLoad(model: string, act: (answers: () => number) => Promise<void>) {
  let answers = 0;
  let isOver = false;
  const load = inLoops(
    clients,
    () => isOver,
    async (caller, round) => {
      await askOnce(model, caller, round);
      answers += 1;
    },
  );
  const acting = act(() => answers).finally(() => {
    isOver = true;
  });
  await Promise.all([load, acting]);
}

async function killHost(model: string, signal: NodeJS.Signals): Promise<number> {
  const [pid] = await cluster.pidsOf(model);
  assert.ok(pid !== undefined);
  process.kill(pid, signal);
  return pid;
}

/** From the beginning, so that the others are tested while it is silent. */
const stopped = await killHost("silent", "SIGSTOP");
const waiting = Array.from({ length: 10 }, (_, caller) => askOnce("silent", caller, 1));
// Whoever asks for them hears of it.
for (const answer of waiting) answer.catch(() => undefined);

describe("A cluster whose model host is killed", () => {
  it("answers every request of 50 concurrent clients", async () => {
    await underLoad("echo", async (answers) => {
      for (let kill = 0; kill < kills; kill += 1) {
        const before = answers();
        await waitFor(() => answers() > before + 2 * clients, "answers before the kill");
        const pid = await killHost("echo", "SIGKILL");
        await cluster.replaced("echo", pid);
      }
      const before = answers();
      await waitFor(() => answers() > before + 2 * clients, "answers after the last kill");
    });
    const { restarts, last_exit } = await cluster.host("echo");
    assert.equal(restarts, kills);
    assert.deepEqual([last_exit?.signal, last_exit?.reason], ["SIGKILL", "SIGKILL"]);
    const killed = { role: "host", model_id: "echo", reason: "SIGKILL" };
    assert.equal(await cluster.metric("troupe_restarts_total", killed), kills);
    assert.ok((await cluster.metric("troupe_replays_total", { model_id: "echo" })) > 0);
  });

  it("lets no counter go backward", async () => {
    const before = await cluster.metrics();
    const pid = await killHost("echo", "SIGKILL");
    await cluster.replaced("echo", pid);
    await askOnce("echo", 1, 1);
    assert.deepEqual(shrunken(before, await cluster.metrics()), []);
  });

  it("serves on with the other replica", async () => {
    await underLoad("pair", async (answers) => {
      const before = answers();
      await waitFor(() => answers() > before + clients, "answers before the kill");
      const pid = await killHost("pair", "SIGKILL");
      await waitFor(async () => {
        const hosts = await cluster.hosts("pair");
        return hosts.every((host) => host.state === "ready" && host.pid !== pid);
      }, "both replicas");
    });
  });
});

describe("A cluster whose model host is stopped", () => {
  it("finds it silent, replaces it and answers what waited", async () => {
    const host = await cluster.replaced("silent", stopped);
    await Promise.all(waiting);
    assert.equal(host.last_exit?.reason, "hang");
    const hung = { role: "host", model_id: "silent", reason: "hang" };
    assert.equal(await cluster.metric("troupe_restarts_total", hung), 1);
  });
});

it("and nothing is left", () => cluster.endsCleanly());
