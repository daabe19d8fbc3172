import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { stringsAndIntegersModel } from "../../models/datatype-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { makeSmoother } from "../../models/smoother/make.ts";
import type { FeedItem } from "../../src/client/event-feed.ts";
import { TroupeClient } from "../../src/client/node.ts";
import type { StreamAnswer } from "../../src/client/stream-frames.ts";
import { startReady } from "./cluster.ts";
import { waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel() },
      idle: { onnx: echoModel() },
      strings: { onnx: stringsAndIntegersModel() },
      smoother: { onnx: makeSmoother(), yaml: "stream: { input: x, window: 1 }" },
    },
    flags: ["--ws-idle-ms", "0"],
  },
);
const client = new TroupeClient(cluster.url, { timeoutMs: 20_000 });

async function collect(answers: AsyncIterable<StreamAnswer>): Promise<readonly StreamAnswer[]> {
  const all: StreamAnswer[] = [];
  for await (const answer of answers) all.push(answer);
  return all;
}

describe("the client, asking once", () => {
  it("predicts rows, typed arrays and inputs by name", async () => {
    const { model, version, predictions } = await client.model("echo").predict([row, row]);
    assert.deepEqual(
      { model, version, predictions },
      {
        model: "echo",
        version: "1",
        predictions: [row, row],
      },
    );
    const typed = await client.model("echo", "1").predict(new Float32Array(row));
    assert.deepEqual(typed.predictions, [row]);
    assert.deepEqual((await client.model("echo").predict({ x: [row] })).predictions, [row]);
  });

  it("infers with typed arrays in and out", async () => {
    const x = { data: new Float32Array(row), shape: [1, 4] };
    const { outputs, id } = await client.model("echo").infer({ x }, { id: "seven" });
    assert.equal(id, "seven");
    assert.deepEqual(Object.values(outputs), [
      { datatype: "FP32", shape: [1, 4], data: new Float32Array(row) },
    ]);
  });

  it("carries in binary what JSON has no numbers for", async () => {
    const data = new Float32Array([Number.NaN, Number.POSITIVE_INFINITY, -0, 1e-45]);
    const [name = ""] = (await client.model("echo").metadata()).outputs.map((one) => one.name);
    const x = { data, shape: [1, 4] };
    for (const outputs of [undefined, [name]]) {
      const answer = await client.model("echo").infer({ x }, { outputs });
      assert.deepEqual(answer.outputs[name]?.data, data);
    }
  });

  it("reads and writes texts and integers of 64 bits exactly", async () => {
    const text = { data: ["\uFEFFä"], shape: [1] };
    const number = { data: new BigInt64Array([3n, -1n]), shape: [1, 2] };
    const { outputs } = await client.model("strings").infer({ text, number });
    const factor = 2n ** 53n + 1n;
    assert.deepEqual(outputs["text_out"]?.data, ["\uFEFFä"]);
    assert.deepEqual(outputs["big"]?.data, new BigInt64Array([3n * factor, -factor]));
  });

  it("fails with the server's code, words and request id", async () => {
    await assert.rejects(client.model("echo").predict([1]), {
      name: "TroupeClientError",
      code: "invalid-request",
      status: 400,
      message: /Expected \[-1,4\], got \[1,1\]/,
      requestId: /^[0-9a-f]{24}$/,
    });
    await assert.rejects(client.model("nobody").predict(row), { code: "model-not-found" });
  });

  it("knows models, their metadata, and how the server is", async () => {
    const names = (await client.models()).map(({ name }) => name);
    assert.deepEqual(names, ["echo", "idle", "smoother", "strings"]);
    assert.deepEqual((await client.model("echo").metadata()).inputs[0]?.shape, [-1, 4]);
    assert.equal((await client.health()).status, "ok");
    assert.ok((await client.tree()).models.length === 4);
  });

  it("knows which version answers, from a model and from its changes", async () => {
    const { version, path } = await client.model("echo").view();
    assert.deepEqual([version, path], ["1", "echo/model.onnx"]);
    assert.equal((await client.model("echo").restart()).version, "1");
  });

  it("is not troubled by a host that dies", async () => {
    const { pid } = await cluster.host("echo");
    const waiting = Array.from({ length: 20 }, () => client.model("echo").predict(row));
    process.kill(pid ?? 0, "SIGKILL");
    for (const { predictions } of await Promise.all(waiting)) assert.deepEqual(predictions, [row]);
    await cluster.replaced("echo", pid);
  });
});

describe("the client, streaming", () => {
  it("answers more requests than may be in flight, each once", async () => {
    const session = client.model("echo").stream({ maxInFlight: 4 });
    const answers = collect(session);
    for (let at = 0; at < 200; at += 1) await session.send({ features: [at, 0, 0, 0] });
    await session.finish();
    const firsts = (await answers).map((answer) =>
      answer.type === "done" ? (answer.predictions as readonly number[][])[0]?.[0] : answer,
    );
    assert.deepEqual(
      firsts.toSorted((a, b) => Number(a) - Number(b)),
      Array.from({ length: 200 }, (_, at) => at),
    );
  });

  it("carries tensors in binary, a slice at a time where it is asked to", async () => {
    const session = client.model("echo").stream();
    const answers = collect(session);
    const data = Float32Array.from({ length: 4 * 100 }, (_, at) => (at === 0 ? Number.NaN : at));
    await session.send({ tensors: { x: { data, shape: [100, 4] } } });
    await session.send({ tensors: { x: { data, shape: [100, 4] } }, stream: true });
    await session.finish();
    const parts = new Map<number, number[]>();
    for (const answer of await answers) {
      assert.ok(answer.type === "done" || answer.type === "chunk", JSON.stringify(answer));
      const [tensor] = Object.values(answer.tensors ?? {});
      const values = (tensor?.data ?? []) as Iterable<number>;
      parts.set(answer.id, [...(parts.get(answer.id) ?? []), ...values]);
    }
    assert.deepEqual([...parts.values()], [[...data], [...data]]);
  });

  it("goes on when its front door dies", async () => {
    const session = client.model("echo").stream();
    const iterator = session[Symbol.asyncIterator]();
    await session.send({ features: row });
    assert.equal((await iterator.next()).value?.type, "done");
    const [door] = (await cluster.tree()).front_doors;
    process.kill(door?.pid ?? 0, "SIGKILL");
    await session.send({ features: row });
    assert.equal((await iterator.next()).value?.type, "done");
    session.close();
    await cluster.ready();
  });

  it("keeps a sequence, takes its samples, and ends it", async () => {
    const session = client.model("smoother").stream();
    const answers = collect(session);
    await session.send({ features: [2] });
    await session.send({ features: [4] });
    await session.finish();
    const all = await answers;
    const parts = all.map(({ type, id, position, reason }) => ({ type, id, position, reason }));
    assert.deepEqual(parts, [
      { type: "done", id: 1, position: undefined, reason: undefined },
      { type: "done", id: 2, position: undefined, reason: undefined },
      { type: "ended", id: undefined, position: undefined, reason: "end" },
    ]);
    const means = all.flatMap((answer) =>
      answer.type === "done" ? [answer.outputs?.["mean"]?.data] : [],
    );
    assert.deepEqual(means, [[[2]], [[3]]]);
    assert.equal(all.at(-1)?.type, "ended");
  });

  it("tells that a sequence is lost with its front door", async () => {
    const session = client.model("smoother").stream();
    const iterator = session[Symbol.asyncIterator]();
    await session.send({ features: [2] });
    await iterator.next();
    const [door] = (await cluster.tree()).front_doors;
    process.kill(door?.pid ?? 0, "SIGKILL");
    await assert.rejects(iterator.next(), { code: "sequence-lost" });
    await cluster.ready();
  });

  it("fails with the server's words where there is no such model", async () => {
    const session = client.model("nobody").stream();
    await assert.rejects(session.send({ features: row }), { code: "model-not-found" });
  });
});

describe("the client, changing models", () => {
  it("uploads with progress, and is refused what is there", async () => {
    const sent: number[] = [];
    const upload = {
      id: "sent",
      config: "description: sent by the client\nbake_ms: 0",
      files: [{ name: "a.onnx", content: new Uint8Array(echoModel()) }],
    };
    const onProgress = ({ sentBytes, totalBytes }: { sentBytes: number; totalBytes: number }) =>
      void sent.push(sentBytes / totalBytes);
    const { name, version, state } = await client.upload(upload, { onProgress });
    assert.deepEqual([name, version, state, sent.at(-1)], ["sent", "1", "ready", 1]);
    assert.deepEqual((await client.model("sent").predict(row)).predictions, [row]);
    const again = { ...upload, version: "1" };
    await assert.rejects(client.upload(again), { code: "conflict", status: 409 });
  });

  it("unloads and loads", async () => {
    assert.equal((await client.model("idle").unload()).state, "unloaded");
    await assert.rejects(client.model("idle").predict(row), { code: "model-unavailable" });
    assert.equal((await client.model("idle").load()).state, "ready");
  });

  it("hears of it, across a front door that dies", async () => {
    const heard: FeedItem[] = [];
    const over = new AbortController();
    let openings = 0;
    const onOpen = () => {
      openings += 1;
    };
    const feed = client.events({ signal: over.signal, onOpen });
    const hearing = (async () => {
      for await (const item of feed) heard.push(item);
    })();
    const isHeard = (state: string) =>
      heard.some((item) => item.type === "event" && item.model === "idle" && item.state === state);
    await waitFor(() => openings === 1, "the feed");
    await client.model("idle").unload();
    await waitFor(() => isHeard("unloaded"), "the end of the model");
    const [door] = (await cluster.tree()).front_doors;
    process.kill(door?.pid ?? 0, "SIGKILL");
    await waitFor(() => openings === 2, "the feed again");
    await client.model("idle").load();
    await waitFor(() => isHeard("ready"), "the model again");
    over.abort();
    await hearing;
    const numbers = heard.flatMap((item) => (item.type === "event" ? [item.seq] : []));
    const [first = 0] = numbers;
    assert.deepEqual(
      numbers,
      Array.from(numbers, (_, at) => first + at),
    );
  });
});

describe("the cluster that the client asked", () => {
  it("ends cleanly", () => cluster.endsCleanly());
});
