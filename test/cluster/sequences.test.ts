import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, describe, it } from "node:test";
import { totalModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { smooth } from "../../models/smoother/make.ts";
import { growingModel, layeredModel, singleStateModel } from "../../models/stateful-models.ts";
import { assertError } from "./answers.ts";
import { startReady } from "./cluster.ts";
import { type Frame, type FrameSocket, openSocket } from "./frame-socket.ts";
import type { Answer, Reply } from "./http-client.ts";
import { waitFor } from "./wait.ts";

function sample(file: string): Buffer {
  return readFileSync(new URL(`../../models/smoother/${file}`, import.meta.url));
}

const cluster = await startReady(
  { after },
  {
    models: {
      total: { onnx: totalModel(), yaml: "replicas: 2" },
      bounded: { onnx: totalModel(), yaml: "queue: { max_sequences: 3 }" },
      brief: { onnx: totalModel(), yaml: "timeouts: { sequence_idle_ms: 300 }" },
      slow: { onnx: totalModel() },
      // A model of its own for each: one whose cost is known sheds what would be late.
      turns: { onnx: totalModel() },
      queued: { onnx: totalModel() },
      running: { onnx: totalModel() },
      cancelled: { onnx: totalModel() },
      ahead: { onnx: totalModel() },
      layered: { onnx: layeredModel() },
      growing: { onnx: growingModel(), yaml: "state: [{ input: past, output: present }]" },
      single: { onnx: singleStateModel() },
      begun: {
        onnx: singleStateModel(),
        yaml: "state: [{ input: state, output: stateN, initial: [1, 2, 3, 4] }]",
      },
      smoother: { onnx: sample("model.onnx"), yaml: sample("model.yaml").toString() },
      plain: { onnx: singleStateModel(), yaml: "state: []" },
      pieces: { onnx: singleStateModel(), yaml: "stream: { input: x, window: 4 }" },
      echo: { onnx: echoModel() },
    },
    flags: ["--front-doors", "2"],
  },
);

function open(model: string): Promise<FrameSocket> {
  return openSocket(cluster.url, `/v2/models/${model}/stream`);
}

/** The frame's one number. */
function numberOf({ predictions, error }: Pick<Answer, "predictions" | "error">): number {
  assert.ok(Array.isArray(predictions), error);
  return predictions.flat(3)[0] as number;
}

function outcomeOf({ type, code }: Frame): string {
  return type === "failed" ? code : type;
}

/** More than half a second where this was written. */
const longTrips = 700_000;

describe("A socket of a stateful model", () => {
  it("is a sequence, whose frames run in order however many are on their way", async () => {
    const socket = await open("total");
    const frames = 60;
    for (let at = 1; at <= frames; at += 1) socket.infer(at, { features: [at] });
    await socket.count(frames);
    const sums = Array.from({ length: frames }, (_, at) => ((at + 1) * (at + 2)) / 2);
    const ids = Array.from({ length: frames }, (_, at) => at + 1);
    assert.deepEqual(socket.frames.map(numberOf), sums);
    assert.deepEqual(
      socket.frames.map(({ id }) => id),
      ids,
    );
    socket.close();
  });

  it("answers without the state", async () => {
    const socket = await open("layered");
    const { predictions, outputs } = await socket.step(1, { features: [1, 2] });
    assert.deepEqual([predictions, outputs], [[[4, 8]], undefined]);
    socket.close();
  });

  it("may hold several sequences by name, apart from its own and from each other", async () => {
    const socket = await open("total");
    const steps: [string | undefined, number, number][] = [
      [undefined, 1, 1],
      ["a", 10, 10],
      ["b", 100, 100],
      ["a", 10, 20],
      [undefined, 1, 2],
      ["b", 100, 200],
    ];
    for (const [at, [sequence, trips]] of steps.entries()) {
      socket.infer(at, { features: [trips], ...(sequence === undefined ? {} : { sequence }) });
    }
    for (const [at, [, , total]] of steps.entries()) {
      assert.equal(numberOf(await socket.answer(at)), total);
    }
    socket.close();
  });

  it("begins anew after a reset, in its place among the frames", async () => {
    const socket = await open("total");
    socket.infer(1, { features: [5] });
    socket.infer(2, { features: [5] });
    socket.send({ type: "reset" });
    socket.infer(3, { features: [5] });
    assert.equal(numberOf(await socket.answer(2)), 10);
    assert.equal(numberOf(await socket.answer(3)), 5);
    socket.close();
  });

  it("frees what it ends, and says so when the last frame is answered", async () => {
    const socket = await open("slow");
    socket.infer(1, { features: [200_000], sequence: "s" });
    socket.send({ type: "end", sequence: "s" });
    const { model, reason } = await socket.ending("s");
    assert.deepEqual([model, reason], ["slow", "end"]);
    assert.deepEqual(
      socket.frames.map(({ type }) => type),
      ["done", "ended"],
    );
    await cluster.reaches(0, "troupe_sequences_active", { model_id: "slow" });
    socket.close();
  });

  it("may reset and end what has not begun", async () => {
    const socket = await open("total");
    socket.send({ type: "reset" });
    assert.equal(numberOf(await socket.step(1, { features: [3] })), 3);
    socket.send({ type: "end", sequence: "nobody" });
    assert.equal((await socket.ending("nobody")).reason, "end");
    assert.deepEqual(socket.of(null), []);
    socket.close();
  });

  it("tells of its end when the frames before a reset are answered, too", async () => {
    const socket = await open("slow");
    socket.infer(1, { features: [300_000] });
    socket.send({ type: "reset" });
    socket.infer(2, { features: [1] });
    socket.send({ type: "end" });
    await socket.ending();
    assert.deepEqual(
      socket.frames.map(({ type }) => type),
      ["done", "done", "ended"],
    );
    socket.close();
  });

  it("answers a piece that makes no window in its turn", async () => {
    const socket = await open("pieces");
    socket.infer(1, { samples: Array(40).fill(1) });
    socket.infer(2, { samples: [1] });
    socket.infer(3, { samples: [1, 1, 1] });
    await socket.answer(3);
    const ends = socket.frames.filter(({ type }) => type === "done");
    assert.deepEqual(
      ends.map(({ id, rows }) => [id, rows]),
      [
        [1, 10],
        [2, 0],
        [3, 1],
      ],
    );
    socket.close();
  });

  it("takes every piece of a signal in its place, however many come at once", async () => {
    const socket = await openSocket(cluster.url, "/v2/models/pieces/stream?samples=float32");
    const pieces = 300;
    for (let at = 0; at < pieces; at += 1)
      socket.sendBytes(new Uint8Array(Float32Array.of(at).buffer));
    await waitFor(
      () => socket.frames.filter(({ type }) => type === "done").length === pieces,
      "every piece to be answered",
    );
    const positions = socket.frames
      .filter(({ type }) => type === "chunk")
      .map(({ position }) => position);
    assert.deepEqual(
      positions,
      Array.from({ length: pieces / 4 }, (_, at) => 4 * at),
    );
    const sums = socket.frames
      .filter(({ type }) => type === "chunk")
      .map(({ predictions }) => predictions);
    // The state adds up: 3 + 7 + … + 299.
    assert.equal((sums.at(-1) as number[][])[0]?.[3], 11_325);
    socket.close();
  });

  it("ends where a piece of its signal is refused, as what comes behind would be out of place", async () => {
    const socket = await openSocket(cluster.url, "/v2/models/pieces/stream?samples=float32");
    socket.sendBytes(new Uint8Array(16));
    socket.sendBytes(new Uint8Array(15));
    socket.sendBytes(new Uint8Array(16));
    assert.equal((await socket.answer(0)).type, "done");
    assert.equal((await socket.answer(1)).code, "invalid-request");
    assert.equal((await socket.answer(2)).code, "sequence-lost");
    assert.equal((await socket.ending()).reason, "failed");
    socket.send({ type: "reset" });
    socket.sendBytes(new Uint8Array(16));
    await socket.answer(3);
    assert.equal(socket.frames.findLast(({ type }) => type === "chunk")?.position, 0);
    socket.close();
  });

  it("refuses a frame with a misspelt field, which another sequence would get", async () => {
    const socket = await open("total");
    await socket.step(1, { features: [1] });
    const { code, error } = await socket.step(2, { features: [1], sequnce: "a" });
    assert.deepEqual([code, /"sequnce"/.test(error)], ["invalid-request", true]);
    assert.equal(numberOf(await socket.step(3, { features: [1] })), 2);
    socket.close();
  });

  it("leaves a sequence as it is when a frame is refused", async () => {
    const socket = await open("total");
    socket.infer(1, { features: ["x"] });
    socket.infer(2, { features: [2] });
    socket.infer(3, { features: [[1], [1]] });
    socket.infer(4, { inputs: { trips: [1], total: [[7]] } });
    socket.infer(5, { features: [2] });
    assert.equal(numberOf(await socket.answer(5)), 4);
    const codes = await Promise.all([1, 3, 4].map(async (id) => (await socket.answer(id)).code));
    assert.deepEqual(codes, ["invalid-request", "invalid-request", "invalid-request"]);
    assert.deepEqual(socket.endings, []);
    socket.close();
  });

  it("on /ws is a sequence for each model", async () => {
    const socket = await openSocket(cluster.url, "/ws");
    socket.infer(1, { model: "total", features: [1] });
    socket.infer(2, { model: "slow", features: [10] });
    socket.infer(3, { model: "total", features: [1] });
    socket.send({ type: "reset", model: "slow" });
    socket.infer(4, { model: "slow", features: [10] });
    const totals = await Promise.all(
      [1, 2, 3, 4].map(async (id) => numberOf(await socket.answer(id))),
    );
    assert.deepEqual(totals, [1, 10, 2, 10]);
    socket.close();
  });

  it("of a model without state takes no sequence", async () => {
    for (const model of ["echo", "plain"]) {
      const socket = await open(model);
      const { code } = await socket.step(1, { features: [1, 2, 3, 4], sequence: "a" });
      assert.equal(code, "invalid-request");
      socket.close();
    }
  });
});

describe("A state", () => {
  it("may be several tensors, with the batch at any axis, in shared runs", async () => {
    const sockets = await Promise.all(Array.from({ length: 16 }, () => open("layered")));
    const rounds = 20;
    await Promise.all(
      sockets.map(async (socket, place) => {
        let [h, c] = [0, 0];
        for (let round = 0; round < rounds; round += 1) {
          const x = place + 1 + round / 8;
          h += x;
          c = c / 2 + x;
          const { predictions } = await socket.step(round, { features: [x, -x] });
          const y = Math.fround(3 * h + c);
          assert.deepEqual(predictions, [[y, -y]]);
        }
      }),
    );
    const frames = await cluster.metric("troupe_batch_sequences_sum", { model_id: "layered" });
    const runs = await cluster.metric("troupe_batch_sequences_count", { model_id: "layered" });
    assert.ok(frames >= sockets.length * rounds && runs < frames, `${frames} frames, ${runs} runs`);
    for (const socket of sockets) socket.close();
  });

  it("may grow", async () => {
    const sockets = await Promise.all([1, 2, 3].map(() => open("growing")));
    await Promise.all(
      sockets.map(async (socket, place) => {
        for (let frame = 1; frame <= 10; frame += 1) {
          const answer = await socket.step(frame, { features: [place] });
          assert.equal(numberOf(answer), frame * place);
        }
      }),
    );
    for (const socket of sockets) socket.close();
  });

  it("belongs to models of a fixed batch too", async () => {
    const socket = await open("single");
    await socket.step(1, { features: [1, 2, 3, 4] });
    const { predictions } = await socket.step(2, { features: [1, 1, 1, 1] });
    assert.deepEqual(predictions, [[2, 3, 4, 5]]);
    socket.close();
  });

  it("begins with what model.yaml says", async () => {
    const socket = await open("begun");
    const { predictions } = await socket.step(1, { features: [1, 1, 1, 1] });
    assert.deepEqual(predictions, [[2, 3, 4, 5]]);
    socket.close();
  });

  it("was found by itself, and is told in the metadata and the log", async () => {
    interface Metadata {
      readonly inputs: readonly { readonly name: string }[];
      readonly outputs: readonly { readonly name: string }[];
      readonly parameters: { readonly state: string; readonly sequence: unknown };
    }
    const { json } = await cluster.get<Metadata>("/v2/models/layered");
    assert.deepEqual(
      [json.inputs, json.outputs].map((tensors) => tensors.map(({ name }) => name)),
      [["x"], ["y"]],
    );
    assert.equal(json.parameters.state, "ready");
    const state = [
      { input: { name: "h", datatype: "FP32", shape: [3, -1, 2] }, output: "hn", found: true },
      { input: { name: "c", datatype: "FP32", shape: [-1, 2] }, output: "cn", found: true },
    ];
    assert.deepEqual(json.parameters.sequence, { state, stream: null });
    const said = cluster.logs.filter(({ msg }) => String(msg).startsWith("state found"));
    assert.ok(
      said.some(({ model, input, output }) => `${model} ${input} ${output}` === "layered h hn"),
    );
    assert.ok(!said.some(({ model }) => model === "growing" || model === "plain"));
  });

  it("is not kept by a plain call, which begins with the first one", async () => {
    for (const _ of [1, 2]) {
      const { json } = await cluster.predict("total", { features: [[3], [4]] });
      assert.deepEqual([json.predictions, json.outputs], [[[3], [4]], undefined]);
    }
  });

  it("comes and goes with a call that brings it", async () => {
    const { json } = await cluster.predict("total", { inputs: { trips: [[3]], total: [[40]] } });
    assert.deepEqual(json.predictions, [[43]]);
    assert.deepEqual(json.outputs["total_out"], { datatype: "INT64", shape: [1, 1], data: [[43]] });
  });
});

describe("A sequence over HTTP", () => {
  interface V2Answer extends Answer {
    readonly outputs: Answer["outputs"] & readonly { readonly data: readonly number[] }[];
  }

  /** On a connection of its own, so that any front door may get it. */
  function frame(trips: number, parameters: object, model = "total"): Promise<Reply<V2Answer>> {
    const inputs = [{ name: "trips", datatype: "INT64", shape: [1, 1], data: [trips] }];
    const body = { parameters, inputs };
    return cluster.send({ method: "POST", path: `/v2/models/${model}/infer`, body, agent: false });
  }

  async function totalAfter(trips: number, parameters: object): Promise<number | undefined> {
    const { json, status, text } = await frame(trips, parameters);
    assert.equal(status, 200, text);
    assert.equal(json.outputs.length, 1);
    return json.outputs[0]?.data[0];
  }

  it("goes on at its host, whichever front door a frame comes to", async () => {
    const ids = Array.from({ length: 12 }, (_, at) => (at % 2 === 0 ? at + 1 : `id-${at}`));
    await Promise.all(
      ids.map(async (sequence_id, place) => {
        for (let round = 1; round <= 8; round += 1) {
          const flags = { sequence_start: round === 1, sequence_end: round === 8 };
          const total = await totalAfter(place, { sequence_id, ...flags });
          assert.equal(total, round * place);
        }
      }),
    );
    await cluster.reaches(0, "troupe_sequences_active", { model_id: "total" });
  });

  it("begins anew with another start", async () => {
    const of = { sequence_id: "again" };
    assert.equal(await totalAfter(5, { ...of, sequence_start: true }), 5);
    assert.equal(await totalAfter(5, of), 10);
    assert.equal(await totalAfter(5, { ...of, sequence_start: true }), 5);
    assert.equal(await totalAfter(5, { ...of, sequence_end: true }), 10);
  });

  it("keeps what it had when a start is refused", async () => {
    const of = { sequence_id: "kept" };
    assert.equal(await totalAfter(5, { ...of, sequence_start: true }), 5);
    const inputs = [{ name: "trips", datatype: "INT64", shape: [1, 1], data: ["x"] }];
    const body = { inputs, parameters: { ...of, sequence_start: true } };
    const path = "/v2/models/total/infer";
    assertError(
      await cluster.send({ method: "POST", path, body, agent: false }),
      400,
      "invalid-request",
    );
    assert.equal(await totalAfter(5, { ...of, sequence_end: true }), 10);
    const never = { ...body, parameters: { sequence_id: "fresh", sequence_start: true } };
    assertError(await cluster.send({ method: "POST", path, body: never }), 400, "invalid-request");
    assertError(await frame(1, { sequence_id: "fresh" }), 503, "sequence-lost");
  });

  it("is not to be had by other routes", async () => {
    const mistakes = [{ sequence: "a" }, { parameters: { sequence_id: 1, sequence_start: true } }];
    for (const mistake of mistakes) {
      assertError(
        await cluster.predict("total", { features: [1], ...mistake }),
        400,
        "invalid-request",
      );
    }
  });

  it("is lost where it was never begun, or has ended", async () => {
    for (const sequence_id of ["never", "again"]) {
      const reply = await frame(1, { sequence_id });
      assertError(reply, 503, "sequence-lost");
      assert.ok(reply.headers["retry-after"] !== undefined);
    }
  });

  it("is named by a number or a text, and by nothing else", async () => {
    const mistakes = [
      { sequence_id: -1 },
      { sequence_id: true },
      { sequence_id: "späť" },
      { sequence_id: 1, sequence_start: "yes" },
      { sequence_start: true },
    ];
    for (const parameters of mistakes) {
      assertError(await frame(1, parameters), 400, "invalid-request");
    }
  });

  it("is refused where the model keeps no state", async () => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 4], data: [1, 2, 3, 4] }];
    const body = { inputs, parameters: { sequence_id: 7, sequence_start: true } };
    const reply = await cluster.send({ method: "POST", path: "/v2/models/echo/infer", body });
    assertError(reply, 400, "invalid-request");
  });
});

describe("A host's sequences", () => {
  it("are bounded: the next one is shed, and taken when another has ended", async () => {
    const sockets = await Promise.all([1, 2, 3].map(() => open("bounded")));
    for (const socket of sockets) await socket.step(1, { features: [1] });
    assert.equal((await cluster.host("bounded")).state, "ready");
    const next = await open("bounded");
    const shed = await next.step(1, { features: [1] });
    assert.equal(shed.code, "overloaded");
    assert.ok((shed.retry_after_ms ?? 0) > 0);
    const plain = await cluster.predict("bounded", { features: [1] });
    assert.equal(plain.status, 200);
    sockets[0]?.send({ type: "end" });
    await sockets[0]?.ending();
    let id = 1;
    const taken = await waitFor(async () => {
      id += 1;
      const answer = await next.step(id, { features: [1] });
      return answer.type === "done" && answer;
    }, "room for one more sequence");
    assert.equal(numberOf(taken), 1);
    for (const socket of [...sockets, next]) socket.close();
    await cluster.reaches(0, "troupe_sequences_active", { model_id: "bounded" });
  });

  it("are dropped when they are idle, with notice, and begin anew after a reset only", async () => {
    const socket = await open("brief");
    await socket.step(1, { features: [5] });
    const { reason, code, model } = await socket.ending();
    assert.deepEqual([reason, code, model], ["idle", "sequence-lost", "brief"]);
    assert.equal((await socket.step(2, { features: [5] })).code, "sequence-lost");
    socket.send({ type: "reset" });
    assert.equal(numberOf(await socket.step(3, { features: [5] })), 5);
    const idle = { model_id: "brief", reason: "idle" };
    assert.ok((await cluster.metric("troupe_sequences_ended_total", idle)) >= 1);
    socket.close();
  });

  it("are not idle while a frame runs", async () => {
    const socket = await open("brief");
    assert.equal(numberOf(await socket.step(1, { features: [longTrips] })), longTrips);
    assert.deepEqual(socket.endings, []);
    socket.close();
  });

  it("are shown in the tree", async () => {
    const sockets = await Promise.all([1, 2].map(() => open("slow")));
    for (const socket of sockets) await socket.step(1, { features: [1] });
    await cluster.reaches(2, "troupe_sequences_active", { model_id: "slow" });
    assert.equal((await cluster.host("slow")).sequences, 2);
    for (const socket of sockets) socket.close();
    await cluster.reaches(0, "troupe_sequences_active", { model_id: "slow" });
  });

  it("take turns: one that sends fast does not keep the others waiting", async () => {
    const [fast, calm] = await Promise.all([open("turns"), open("turns")]);
    const many = 40;
    for (let at = 0; at < many; at += 1) fast.infer(at, { features: [40_000] });
    await fast.answer(0);
    await calm.step("c", { features: [1] });
    const before = fast.frames.length;
    assert.ok(before < many / 2, `${before} of ${many} frames of the fast one came first`);
    await fast.count(many);
    for (const socket of [fast, calm]) socket.close();
  });
});

describe("A frame whose deadline passes", () => {
  it("ends its sequence, and those behind it fail with the same word", async () => {
    const [busy, socket] = await Promise.all([open("queued"), open("queued")]);
    await socket.step(0, { features: [1] });
    busy.infer(0, { features: [longTrips] });
    await cluster.reaches(1, "troupe_in_flight");
    socket.infer(1, { features: [1], timeout_ms: 50 });
    socket.infer(2, { features: [1] });
    assert.equal(outcomeOf(await socket.answer(1)), "deadline-exceeded");
    assert.equal(outcomeOf(await socket.answer(2)), "sequence-lost");
    const { reason, code } = await socket.ending();
    assert.deepEqual([reason, code], ["expired", "sequence-lost"]);
    assert.equal(outcomeOf(await socket.step(3, { features: [1] })), "sequence-lost");
    socket.send({ type: "reset" });
    assert.equal(numberOf(await socket.step(4, { features: [1] })), 1);
    assert.equal(numberOf(await busy.answer(0)), longTrips);
    for (const one of [busy, socket]) one.close();
  });

  it("does so while it runs, too", async () => {
    const socket = await open("running");
    socket.infer(1, { features: [300_000], timeout_ms: 20 });
    assert.equal(outcomeOf(await socket.answer(1)), "deadline-exceeded");
    assert.equal((await socket.ending()).reason, "expired");
    socket.send({ type: "reset" });
    assert.equal(numberOf(await socket.step(2, { features: [2] })), 2);
    socket.close();
  });
});

describe("A frame that is cancelled", () => {
  it("leaves those before it as they are", async () => {
    const socket = await open("ahead");
    socket.infer(1, { features: [300_000] });
    socket.infer(2, { features: [1] });
    socket.infer(3, { features: [1] });
    socket.infer(4, { features: [1] });
    socket.send({ type: "cancel", id: 3 });
    const outcomes = await Promise.all(
      [1, 2, 3, 4].map(async (id) => outcomeOf(await socket.answer(id))),
    );
    assert.deepEqual(outcomes, ["done", "done", "cancelled", "sequence-lost"]);
    assert.equal(numberOf(await socket.answer(2)), 300_001);
    socket.close();
  });

  it("ends its sequence", async () => {
    const socket = await open("cancelled");
    socket.infer(1, { features: [300_000] });
    socket.infer(2, { features: [1] });
    socket.send({ type: "cancel", id: 1 });
    assert.equal(outcomeOf(await socket.answer(1)), "cancelled");
    assert.equal(outcomeOf(await socket.answer(2)), "sequence-lost");
    assert.equal((await socket.ending()).reason, "cancelled");
    socket.close();
  });
});

describe("The sample model smoother", () => {
  it("sees a spike in a sine", async () => {
    const socket = await open("smoother");
    const signal = Array.from({ length: 200 }, (_, at) => Math.sin(at / 8) + (at === 150 ? 6 : 0));
    socket.infer("s", { samples: signal });
    const done = await socket.answer("s");
    assert.deepEqual([done.type, done.rows], ["done", signal.length]);
    const alarms = socket
      .of("s")
      .filter((frame) => frame.type === "chunk" && Math.abs(numberOf(frame)) > 4);
    assert.deepEqual(
      alarms.map(({ position }) => position),
      [150],
    );
    socket.close();
  });

  it("gives what its formula gives", async () => {
    const socket = await open("smoother");
    let known = { mean: 0, variance: 0, count: 0, z: 0 };
    for (let at = 0; at < 80; at += 1) {
      const x = Math.sin(at) * 3 + at / 10;
      known = { ...smooth(known, x) };
      const { outputs } = await socket.step(at, { features: [x] });
      for (const name of ["z", "mean", "variance"] as const) {
        const { data } = outputs[name] as { readonly data: readonly [readonly [number]] };
        assert.ok(Math.abs(data[0][0] - known[name]) < 1e-3 * (1 + Math.abs(known[name])), name);
      }
    }
    socket.close();
  });
});

describe("All of it", () => {
  it("leaves nothing", async () => {
    await cluster.reaches(0, "troupe_sequences_active");
    await cluster.endsCleanly();
  });
});
