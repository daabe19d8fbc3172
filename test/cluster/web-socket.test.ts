import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel, gatherModel, nanModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { type Frame, type FrameSocket, openSocket, type Refusal } from "./frame-socket.ts";
import { waitFor } from "./wait.ts";

const row = [1, 2, 3, 4];
const perSocket = 64;
const trusted = "https://app.example";
/** About half a second where this was written. */
const longTrips = 500_000;

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel() },
      small: { onnx: echoModel(), yaml: "batching: { max_batch_size: 4 }" },
      gather: { onnx: gatherModel() },
      loop: { onnx: loopModel() },
      timed: { onnx: loopModel() },
      // An idle engine waits for company, which keeps requests in flight without any work.
      patient: {
        onnx: echoModel(),
        yaml: "batching: { max_queue_delay_ms: 400, max_batch_size: 1000 }",
      },
      wide: { onnx: nanModel(), yaml: "batching: { max_batch_size: 100 }" },
      dead: { onnx: new Uint8Array(3) },
    },
    flags: ["--allowed-origins", trusted, "--ws-max-payload-bytes", "2097152"],
  },
);

function open(path = "/ws", headers: Readonly<Record<string, string>> = {}): Promise<FrameSocket> {
  return openSocket(cluster.url, path, headers);
}

async function refusalOf(path: string, headers: Readonly<Record<string, string>> = {}) {
  const outcome = await open(path, headers).then(
    () => "opened",
    (refusal: Refusal) => refusal,
  );
  return outcome;
}

/** One frame for each id, of the type that is expected. */
function assertAnsweredOnce(socket: FrameSocket, ids: readonly (string | number)[]): void {
  const answers = new Map<unknown, number>();
  for (const { id } of socket.frames) answers.set(id, (answers.get(id) ?? 0) + 1);
  assert.deepEqual(
    answers,
    new Map(ids.map((id) => [id, 1] as const).sort(([a], [b]) => order(answers, a, b))),
  );
}

/** Says what came instead. */
function assertDone(frame: Frame): void {
  const { type, code, error } = frame;
  assert.deepEqual({ type, code, error }, { type: "done", code: undefined, error: undefined });
}

/** deepEqual of maps does not mind the order, but a message with the same one is easier to read. */
function order(answers: ReadonlyMap<unknown, number>, a: unknown, b: unknown): number {
  const ids = [...answers.keys()];
  return ids.indexOf(a) - ids.indexOf(b);
}

function idsFrom(count: number, first = 0): readonly number[] {
  return Array.from({ length: count }, (_, at) => first + at);
}

async function closed(socket: FrameSocket): Promise<void> {
  socket.close();
  await socket.closed;
}

describe("A socket", () => {
  it("answers as over HTTP, in frames with the client's id", async () => {
    const socket = await open();
    socket.infer("a", { model: "echo", features: [row, row] });
    const { request_id, ...frame } = await socket.answer("a");
    assert.deepEqual(frame, {
      type: "done",
      id: "a",
      model: "echo",
      version: "1",
      predictions: [row, row],
    });
    assert.match(request_id, /^[0-9a-f]{24}$/);
    socket.infer(0.5, { model: "echo", version: 1, inputs: { x: [row] } });
    assert.deepEqual((await socket.answer(0.5)).predictions, [row]);
    await closed(socket);
  });

  it("answers many requests, each once, as they finish", async () => {
    const socket = await open();
    socket.infer("slow", { model: "loop", features: [longTrips] });
    const ids = idsFrom(perSocket - 1);
    for (const id of ids) socket.infer(id, { model: "echo", features: [id, 0, 0, 0] });
    await socket.answer("slow");
    await socket.count(perSocket);
    assert.equal(socket.frames.at(-1)?.id, "slow");
    assertAnsweredOnce(socket, [...ids, "slow"]);
    for (const id of ids) assert.deepEqual(socket.of(id)[0]?.predictions, [[id, 0, 0, 0]]);
    await closed(socket);
  });

  it("takes a model's own path, without the model's name in its frames", async () => {
    for (const path of ["/v2/models/echo/stream", "/v2/models/echo/versions/1/stream"]) {
      const socket = await open(path);
      socket.infer(1, { features: row });
      assert.deepEqual((await socket.answer(1)).predictions, [row]);
      socket.infer(2, { features: row, model: "echo" });
      assert.equal((await socket.answer(2)).type, "done");
      socket.infer(3, { features: row, model: "gather" });
      const { code, error } = await socket.answer(3);
      assert.equal(code, "invalid-request");
      assert.match(error, /'echo'.*'gather'/);
      await closed(socket);
    }
  });

  it("is refused where there is no such model, version or path", async () => {
    const missing = { status: 404, code: "model-not-found" };
    assert.deepEqual(await refusalOf("/v2/models/nobody/stream"), missing);
    assert.deepEqual(await refusalOf("/v2/models/echo/versions/9/stream"), missing);
    assert.deepEqual(await refusalOf("/elsewhere"), { status: 404, code: "not-found" });
  });

  it("is opened by pages of allowed origins only", async () => {
    assert.deepEqual(await refusalOf("/ws", { origin: "https://evil.example" }), {
      status: 403,
      code: "forbidden",
    });
    await closed(await open("/ws", { origin: trusted }));
  });
});

describe("A frame that is refused", () => {
  const refusals: readonly (readonly [string, unknown, string | number | null, string, RegExp])[] =
    [
      ["is no JSON", "{nope", null, "invalid-request", /JSON object/],
      ["is empty", "", null, "invalid-request", /JSON object/],
      ["is a list", "[1]", null, "invalid-request", /JSON object/],
      ["has no id", { type: "infer", model: "echo" }, null, "invalid-request", /^id must be/],
      ["has an empty id", { type: "infer", id: "" }, null, "invalid-request", /^id must be/],
      ["has an object as id", { type: "infer", id: {} }, null, "invalid-request", /^id must be/],
      ["has no type", { id: 1, model: "echo" }, 1, "invalid-request", /type must be/],
      ["has another type", { type: "ask", id: 2 }, 2, "invalid-request", /type .*"ask"/],
      ["names no model", { type: "infer", id: 3 }, 3, "invalid-request", /model must/],
      ["names an unknown model", { type: "infer", id: 4, model: "x" }, 4, "model-not-found", /'x'/],
      [
        "names an unknown version",
        { type: "infer", id: 5, model: "echo", version: "9" },
        5,
        "model-not-found",
        /'9'/,
      ],
      ["names a dead model", { type: "infer", id: 6, model: "dead" }, 6, "model-unavailable", /./],
      [
        "has no features",
        { type: "infer", id: 7, model: "echo" },
        7,
        "invalid-request",
        /features/,
      ],
      [
        "has features of another shape",
        { type: "infer", id: 8, model: "echo", features: [1] },
        8,
        "invalid-request",
        /'x'/,
      ],
      [
        "has no whole timeout",
        { type: "infer", id: 9, model: "echo", features: row, timeout_ms: 0.5 },
        9,
        "invalid-request",
        /timeout_ms/,
      ],
      [
        "has an unknown priority",
        { type: "infer", id: 10, model: "echo", features: row, priority: "top" },
        10,
        "invalid-request",
        /priority/,
      ],
      [
        "fails in the model",
        { type: "infer", id: 11, model: "gather", features: [99] },
        11,
        "inference-failed",
        /./,
      ],
    ];

  it("fails alone, with a code, under its id, and the socket lives", async () => {
    const socket = await open();
    for (const [what, frame, id, code, words] of refusals) {
      const before = socket.frames.length;
      socket.send(frame);
      await socket.count(before + 1);
      const answer = socket.frames[before] as Frame;
      assert.deepEqual([answer.type, answer.id, answer.code], ["failed", id, code], what);
      assert.match(answer.error, words, what);
    }
    socket.infer("last", { model: "echo", features: row });
    assert.equal((await socket.answer("last")).type, "done");
    assert.equal(socket.frames.length, refusals.length + 1);
    await closed(socket);
  });

  it("says so where its id is in use, and the first one is answered", async () => {
    const socket = await open();
    socket.infer("twice", { model: "patient", features: row });
    socket.infer("twice", { model: "patient", features: [9, 9, 9, 9] });
    await socket.count(2);
    const [first, second] = socket.of("twice");
    assert.deepEqual([first?.type, first?.code], ["failed", "invalid-request"]);
    assert.match(first?.error ?? "", /in use/);
    assert.deepEqual([second?.type, second?.predictions], ["done", [row]]);
    socket.infer("twice", { model: "echo", features: row });
    await socket.count(3);
    await closed(socket);
  });

  it("is binary and no request with tensors", async () => {
    const socket = await open();
    socket.sendBytes(Buffer.from("TRPE"));
    const { type, code } = await socket.answer(null);
    assert.deepEqual([type, code], ["failed", "invalid-request"]);
    socket.infer(1, { model: "echo", features: row });
    assert.equal((await socket.answer(1)).type, "done");
    await closed(socket);
  });

  it("is over the payload's limit: the socket is closed with 1009", async () => {
    const socket = await open();
    socket.send("x".repeat(3_000_000));
    assert.equal((await socket.closed).code, 1009);
  });
});

describe("Requests on a socket past its limit", () => {
  it("fail with overloaded, and say when to come back", async () => {
    const socket = await open("/v2/models/patient/stream");
    const taken = idsFrom(perSocket);
    const refused = idsFrom(10, perSocket);
    for (const id of [...taken, ...refused]) socket.infer(id, { features: row });
    await socket.count(taken.length + refused.length);
    for (const id of taken) assert.equal(socket.of(id)[0]?.type, "done");
    for (const id of refused) {
      const [frame] = socket.of(id);
      assert.deepEqual([frame?.type, frame?.code], ["failed", "overloaded"]);
      assert.ok((frame?.retry_after_ms ?? 0) >= 1);
    }
    assertAnsweredOnce(socket, [...taken, ...refused]);
    await closed(socket);
  });

  it("are each answered once, however many come", async () => {
    const socket = await open("/v2/models/patient/stream");
    const ids = idsFrom(1_000);
    for (const id of ids) socket.infer(id, { features: row });
    await socket.count(ids.length);
    assertAnsweredOnce(socket, ids);
    const done = socket.frames.filter(({ type }) => type === "done").length;
    assert.ok(done >= perSocket, `${done} were taken`);
    socket.infer("after", { features: row });
    assert.equal((await socket.answer("after")).type, "done");
    await closed(socket);
  });

  it("do not hinder other sockets", async () => {
    const greedy = await open("/v2/models/patient/stream");
    for (const id of idsFrom(500)) greedy.infer(id, { features: row });
    await greedy.count(1);
    const modest = await open();
    modest.infer(1, { model: "echo", features: row });
    assert.equal((await modest.answer(1)).type, "done");
    await closed(modest);
    greedy.terminate();
  });
});

describe("A cancel frame", () => {
  it("ends its request, once, and others go on", async () => {
    const socket = await open("/v2/models/patient/stream");
    for (const id of ["a", "b", "c"]) socket.infer(id, { features: row });
    socket.send({ type: "cancel", id: "b" });
    await socket.count(3);
    const types = ["a", "b", "c"].map((id) => socket.of(id).map(({ type, code }) => code ?? type));
    assert.deepEqual(types, [["done"], ["cancelled"], ["done"]]);
    socket.send({ type: "cancel", id: "nobody" });
    socket.infer("b", { features: row });
    await waitFor(() => socket.of("b").length === 2, "the id to be free again");
    assert.equal(socket.frames.length, 4);
    await closed(socket);
  });
});

describe("A deadline on a socket", () => {
  it("passes for its request alone", async () => {
    const socket = await open();
    socket.infer("long", { model: "timed", features: [longTrips] });
    socket.infer("short", { model: "timed", features: [1], timeout_ms: 30 });
    const short = await socket.answer("short");
    assert.deepEqual([short.type, short.code], ["failed", "deadline-exceeded"]);
    assert.equal((await socket.answer("long")).type, "done");
    await closed(socket);
  });
});

describe("A streaming request", () => {
  function rowsOf(count: number): readonly (readonly number[])[] {
    return idsFrom(count).map((at) => [at, at / 2, at + 0.5, 1]);
  }

  /** Its chunks have followed each other and hold all rows; then it was done. */
  function assertWhole(frames: readonly Frame[], rows: readonly (readonly number[])[]): void {
    const chunks = frames.slice(0, -1);
    const done = frames.at(-1);
    assert.deepEqual([done?.type, done?.rows], ["done", rows.length]);
    let next = 0;
    for (const { type, first_row, predictions } of chunks) {
      assert.deepEqual([type, first_row], ["chunk", next]);
      next += (predictions as unknown[]).length;
    }
    assert.deepEqual(
      chunks.flatMap(({ predictions }) => predictions as number[][]),
      rows,
    );
  }

  it("is answered in chunks, in the order of its rows, then done", async () => {
    const socket = await open("/v2/models/small/stream");
    const rows = rowsOf(50);
    socket.infer("s", { features: rows, stream: true });
    await socket.answer("s");
    assertWhole(socket.of("s"), rows);
    assert.equal(socket.of("s").length, 14);
    await closed(socket);
  });

  it("shares its host with others, streaming or not", async () => {
    const socket = await open("/v2/models/small/stream");
    const rows = rowsOf(40);
    for (const id of [1, 2, 3]) socket.infer(id, { features: rows, stream: true });
    for (const id of [4, 5, 6]) socket.infer(id, { features: rows });
    await Promise.all([1, 2, 3, 4, 5, 6].map((id) => socket.answer(id)));
    for (const id of [1, 2, 3]) assertWhole(socket.of(id), rows);
    for (const id of [4, 5, 6]) {
      assert.deepEqual(
        socket.of(id).map(({ predictions }) => predictions),
        [rows],
      );
    }
    await closed(socket);
  });

  it("waits for a slow reader, who slows nobody else", async () => {
    const slow = await open("/v2/models/wide/stream");
    // Its answer is several times what all buffers on the way hold.
    const rows = Array.from({ length: 250_000 }, () => [2]);
    slow.infer("big", { features: rows, stream: true, timeout_ms: 60_000 });
    await slow.count(1);
    slow.pause();
    const quick = await open("/v2/models/wide/stream");
    for (const id of idsFrom(200)) {
      quick.infer(id, { features: [1] });
      assertDone(await quick.answer(id));
    }
    await cluster.reaches(1, "troupe_in_flight");
    const counts = [-1];
    await waitFor(async () => {
      counts.unshift(await cluster.metric("troupe_batches_total", { model_id: "wide" }));
      return counts[0] === counts[1];
    }, "the stream to stall");
    assert.ok((counts[0] ?? 0) < 2_500, "some of its batches have not run");
    quick.infer("last", { features: [1] });
    assertDone(await quick.answer("last"));
    slow.resume();
    await slow.answer("big");
    let next = 0;
    for (const { first_row, predictions } of slow.of("big").slice(0, -1)) {
      assert.equal(first_row, next);
      next += (predictions as unknown[]).length;
    }
    assert.equal(next, rows.length);
    await closed(quick);
    await closed(slow);
  });

  it("ends when it is cancelled", async () => {
    const socket = await open("/v2/models/small/stream");
    socket.infer("s", { features: rowsOf(20_000), stream: true });
    await socket.count(2);
    socket.send({ type: "cancel", id: "s" });
    assert.equal((await socket.answer("s")).code, "cancelled");
    const frames = socket.frames.length;
    socket.infer("next", { features: row });
    await socket.answer("next");
    assert.equal(socket.frames.length, frames + 1);
    await closed(socket);
    await cluster.quiet();
  });
});

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
