import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { allDatatypesModel } from "../../models/datatype-models.ts";
import { loopModel } from "../../models/loop-models.ts";
import { echoModel, freeWidthModel, gatherModel } from "../../models/odd-models.ts";
import { singleStateModel } from "../../models/stateful-models.ts";
import { grpcCode } from "../../src/front-door/statuses.ts";
import { startReady } from "./cluster.ts";
import {
  allOf,
  encoded,
  floatsIn,
  freePort,
  GrpcClient,
  type Message,
  rawRow,
  trips,
} from "./grpc-client.ts";
import { inLoops, waitFor } from "./wait.ts";

/** A second or more. */
const longTrips = 1_200_000;
const restartsSoon = "restart: { intensity: 50, min_backoff_ms: 10, max_backoff_ms: 50 }";

const port = await freePort();
const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel(), yaml: restartsSoon },
      wide: { onnx: freeWidthModel() },
      gather: { onnx: gatherModel() },
      all: { onnx: allDatatypesModel() },
      memory: { onnx: singleStateModel() },
      expiring: { onnx: loopModel() },
      leaving: { onnx: loopModel() },
      streamed: { onnx: loopModel() },
      changed: { onnx: echoModel(), yaml: "required: true" },
    },
    flags: [
      ...["--grpc-port", String(port), "--front-doors", "2", "--max-body-bytes", "4194304"],
      ...["--grpc-max-in-flight", "4", "--grpc-max-buffered-bytes", "1000000"],
      ...["--max-request-timeout-ms", "30000"],
    ],
  },
);
const client = new GrpcClient(port);
after(() => client.close());

describe("The calls of the V2 service", () => {
  const answered: readonly (readonly [string, object, (message: Message) => unknown, unknown])[] = [
    ["ServerLive", {}, ({ live }) => live, true],
    ["ServerReady", {}, ({ ready }) => ready, true],
    ["ServerMetadata", {}, ({ name }) => name, "troupe"],
    ["ModelReady", { name: "echo", version: "1" }, ({ ready }) => ready, true],
    [
      "ModelMetadata",
      { name: "echo" },
      ({ inputs }) => inputs,
      [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
    ],
    [
      "ModelConfig",
      { name: "echo" },
      ({ config }) => [config.max_batch_size, config.input[0]],
      [64, { name: "x", data_type: "TYPE_FP32", dims: [4] }],
    ],
    [
      "ModelStatistics",
      { name: "echo", version: "1" },
      ({ model_stats: [one] }) => [one.name, one.version],
      ["echo", "1"],
    ],
    [
      "RepositoryIndex",
      { ready: true },
      ({ models }) => models[0],
      { name: "all", version: "1", state: "READY", reason: "" },
    ],
    ["LogSettings", {}, ({ settings }) => settings.log_info.bool_param, true],
    [
      "LogSettings",
      { settings: { log_verbose_level: { uint32_param: 1 } } },
      ({ settings }) => settings.log_verbose_level.uint32_param,
      1,
    ],
    [
      "LogSettings",
      { settings: { log_verbose_level: { uint32_param: 0 } } },
      ({ settings }) => settings.log_verbose_level.uint32_param,
      0,
    ],
    [
      "RepositoryModelUnload",
      { model_name: "gather", parameters: { unload_dependents: { bool_param: true } } },
      (message) => message,
      {},
    ],
    ["RepositoryModelLoad", { model_name: "gather" }, (message) => message, {}],
  ];
  for (const [name, request, look, expected] of answered) {
    it(`answer ${name} ${JSON.stringify(request)}`, async () => {
      const { code, details, message } = await client.call(name, request);
      assert.equal(code, 0, details);
      assert.deepEqual(look(message), expected);
    });
  }

  it("are logged where they manage models", async () => {
    const name = "RepositoryModelUnload";
    await client.call(name, { model_name: "nobody-logged" });
    const path = `/inference.GRPCInferenceService/${name}`;
    const isIt = (line: Readonly<Record<string, unknown>>) =>
      line["path"] === path && String(line["error"]).includes("nobody-logged");
    const line = await waitFor(() => cluster.logs.find(isIt), "its line");
    assert.deepEqual(
      [line["msg"], line["status"], line["code"]],
      ["request", 404, "model-not-found"],
    );
    assert.equal(typeof line["request_id"], "string");
  });

  const refused: readonly (readonly [string, object, keyof typeof grpcCode, RegExp])[] = [
    ["ModelReady", { name: "nobody" }, "NOT_FOUND", /nobody/],
    ["ModelMetadata", { name: "echo", version: "9" }, "NOT_FOUND", /9/],
    ["ModelStatistics", { name: "nobody" }, "NOT_FOUND", /nobody/],
    ["RepositoryModelLoad", { model_name: "nobody" }, "NOT_FOUND", /failed to load 'nobody'/],
    [
      "RepositoryModelUnload",
      { model_name: "echo", parameters: { m: { bytes_param: Buffer.alloc(70_000) } } },
      "RESOURCE_EXHAUSTED",
      /at most 65536 bytes/,
    ],
    ["RepositoryIndex", { repository_name: "other" }, "UNIMPLEMENTED", /repository_name/],
    [
      "LogSettings",
      { settings: { log_level: { string_param: "x" } } },
      "INVALID_ARGUMENT",
      /unknown setting 'log_level'/,
    ],
    ["SystemSharedMemoryStatus", {}, "UNIMPLEMENTED", /^system shared memory/],
    ["SystemSharedMemoryRegister", {}, "UNIMPLEMENTED", /^system shared memory/],
    ["SystemSharedMemoryUnregister", {}, "UNIMPLEMENTED", /^system shared memory/],
    ["CudaSharedMemoryStatus", {}, "UNIMPLEMENTED", /^CUDA shared memory/],
    ["CudaSharedMemoryRegister", {}, "UNIMPLEMENTED", /^CUDA shared memory/],
    ["CudaSharedMemoryUnregister", {}, "UNIMPLEMENTED", /^CUDA shared memory/],
    ["ModelInfer", { model_name: "nobody" }, "NOT_FOUND", /nobody/],
    ["ModelInfer", { model_name: "echo" }, "INVALID_ARGUMENT", /expected 1 inputs but got 0/],
    [
      "ModelInfer",
      { ...rawRow("echo", [1, 2, 3, 4]), parameters: { triton_x: { bool_param: true } } },
      "INVALID_ARGUMENT",
      /reserved/,
    ],
    [
      "ModelInfer",
      { ...rawRow("echo", [1, 2, 3, 4]), raw_input_contents: [Buffer.alloc(5)] },
      "INVALID_ARGUMENT",
      /got 5/,
    ],
  ];
  for (const [name, request, code, words] of refused) {
    it(`answer ${name} with ${code}: ${words.source}`, async () => {
      const outcome = await client.call(name, request);
      assert.equal(outcome.code, grpcCode[code], outcome.details);
      assert.match(outcome.details, words);
    });
  }

  it("change nothing for whoever asks by a foreign name", async () => {
    const foreign = new GrpcClient(port, { "grpc.default_authority": "models.example" });
    const { code, details } = await foreign.call("RepositoryModelUnload", { model_name: "echo" });
    foreign.close();
    assert.deepEqual(
      [code, details.includes("models.example")],
      [grpcCode.PERMISSION_DENIED, true],
    );
  });
});

describe("ModelInfer", () => {
  it("takes raw and typed contents, and answers raw with the client's id", async () => {
    const raw = await client.infer(rawRow("echo", [1, 2, 3, 4], "seven"));
    assert.deepEqual(
      [raw.message.id, raw.message.model_name, floatsIn(raw.message)],
      ["seven", "echo", [1, 2, 3, 4]],
    );
    const inputs = [
      { name: "x", datatype: "FP32", shape: [1, 4], contents: { fp32_contents: [5, 6, 7, 8] } },
    ];
    const typed = await client.infer({ model_name: "echo", model_version: "1", inputs });
    assert.deepEqual([typed.message.id, floatsIn(typed.message)], ["", [5, 6, 7, 8]]);
  });

  it("keeps the caller's request id in its trailers and says when to come again", async () => {
    const headers = { "x-request-id": "mine" };
    const { trailers } = await client.infer({ model_name: "nobody" }, { headers });
    assert.deepEqual(
      [trailers["x-request-id"], trailers["x-error-code"]],
      ["mine", "model-not-found"],
    );
    await client.call("RepositoryModelUnload", { model_name: "wide" });
    const unloaded = await client.infer(rawRow("wide", [1, 2, 3, 4]));
    await client.call("RepositoryModelLoad", { model_name: "wide" });
    assert.equal(unloaded.code, grpcCode.UNAVAILABLE);
    assert.ok(Number(unloaded.trailers["grpc-retry-pushback-ms"]) > 0);
  });

  it("goes on with a sequence, from whichever front door", async () => {
    const { message } = await client.call("ModelMetadata", { name: "memory" });
    const [{ name, datatype, shape }] = message.inputs;
    const size = (shape as number[]).map((dim) => Math.max(dim, 1));
    const count = size.reduce((product, dim) => product * dim, 1);
    const inputs = [
      { name, datatype, shape: size, contents: { fp32_contents: new Array(count).fill(1) } },
    ];
    const ask = (start: boolean) => ({
      model_name: "memory",
      inputs,
      parameters: { sequence_id: { int64_param: 5 }, sequence_start: { bool_param: start } },
    });
    const answers: (readonly number[])[] = [];
    for (const start of [true, false, false]) {
      const other = new GrpcClient(port);
      const outcome = await other.infer(ask(start));
      assert.equal(outcome.code, 0, outcome.details);
      answers.push(floatsIn(outcome.message));
      other.close();
    }
    assert.notDeepEqual(answers[0], answers[1]);
    assert.notDeepEqual(answers[1], answers[2]);
  });

  it("answers DEADLINE_EXCEEDED in the client's time, and the host drops what it had not begun", async () => {
    const long = client.infer(trips("expiring", longTrips), { deadlineMs: 20_000 });
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "expiring" });
    const beganAt = performance.now();
    const { code } = await client.infer(trips("expiring", 1), { deadlineMs: 300 });
    assert.equal(code, grpcCode.DEADLINE_EXCEEDED);
    assert.ok(performance.now() - beganAt < 2_000);
    const gone = async () =>
      (await cluster.metric("troupe_requests_dropped_total", { model_id: "expiring" })) === 1;
    await waitFor(gone, "the host to drop it");
    assert.equal((await long).code, 0);
  });

  it("tells the host when the client cancels", async () => {
    const long = client.infer(trips("leaving", longTrips), { deadlineMs: 20_000 });
    await cluster.reaches(1, "troupe_requests_run_total", { model_id: "leaving" });
    const abort = new AbortController();
    const queued = client.infer(trips("leaving", 1), { signal: abort.signal });
    await cluster.reaches(2, "troupe_in_flight");
    abort.abort();
    assert.equal((await queued).code, grpcCode.CANCELLED);
    const labels = { model_id: "leaving", reason: "cancelled" };
    await cluster.reaches(1, "troupe_requests_dropped_total", labels);
    assert.equal((await long).code, 0);
    await cluster.quiet();
  });

  it("refuses a message over the limit and takes one below", async () => {
    const wide = (values: number) => ({
      model_name: "wide",
      inputs: [{ name: "x", datatype: "FP32", shape: [1, values] }],
      raw_input_contents: [Buffer.alloc(values * 4)],
    });
    assert.equal((await client.infer(wide(1_500_000))).code, grpcCode.RESOURCE_EXHAUSTED);
    const { code, details, message } = await client.infer(wide(1_000_000));
    assert.equal(code, 0, details);
    assert.equal(message.raw_output_contents[0].length, 4_000_000);
  });

  it("refuses a head of more than is looked at, and goes on serving", async () => {
    const inputs = new Array(100_000).fill({});
    const { code } = await client.infer({ model_name: "echo", inputs });
    assert.equal(code, grpcCode.RESOURCE_EXHAUSTED);
    assert.equal((await client.infer(rawRow("echo", [1, 2, 3, 4]))).code, 0);
  });

  it("answers everybody while hosts are killed", async () => {
    let kills = 0;
    let answers = 0;
    const killing = (async () => {
      for (; kills < 3; kills += 1) {
        const [pid] = await cluster.pidsOf("echo");
        assert.ok(pid !== undefined);
        process.kill(pid, "SIGKILL");
        await cluster.replaced("echo", pid);
        const before = answers;
        await waitFor(() => answers > before + 50, "more answers");
      }
    })();
    const asking = inLoops(
      10,
      () => kills === 3,
      async (caller, round) => {
        const row = [caller, round, 1, 2];
        const { code, details, message } = await client.infer(rawRow("echo", row));
        assert.equal(code, 0, details);
        assert.deepEqual(floatsIn(message), row);
        answers += 1;
      },
    );
    await Promise.all([killing, asking]);
  });
});

/** A message as gRPC has it on the wire. */
function framed(message: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

describe("ModelStreamInfer", () => {
  it("answers in order, and a failure leaves the stream open", async () => {
    const stream = client.duplex("inference/ModelStreamInfer");
    const all = allOf(stream);
    stream.write(trips("streamed", 200_000, "slow"));
    stream.write(rawRow("echo", [1, 2, 3, 4], "quick"));
    stream.write({ model_name: "nobody", id: "lost" });
    stream.write({ ...rawRow("echo", [1, 2, 3, 4], "odd"), inputs: [] });
    const wish = { triton_enable_empty_final_response: { bool_param: true } };
    stream.write({ ...rawRow("echo", [5, 6, 7, 8], "last"), parameters: wish });
    stream.end();
    const { messages, status } = await all;
    assert.equal(status.code, 0);
    const seen = messages.map(({ infer_response, error_message }) => [
      infer_response.id,
      error_message,
    ]);
    assert.deepEqual(seen, [
      ["slow", ""],
      ["quick", ""],
      ["lost", "no model is named 'nobody'"],
      ["odd", "expected 0 raw_input_contents, one for each input, got 1"],
      ["last", ""],
    ]);
    const [, quick] = messages;
    assert.equal(quick.infer_response.parameters.triton_final_response.bool_param, true);
    assert.deepEqual(floatsIn(quick.infer_response), [1, 2, 3, 4]);
  });

  it("keeps no more in flight than it may, and reads on when there is room", async () => {
    const stream = client.duplex("inference/ModelStreamInfer");
    const all = allOf(stream);
    const count = 12;
    for (let i = 0; i < count; i += 1) stream.write(trips("streamed", 100_000, String(i)));
    stream.end();
    let most = 0;
    const watching = (async () => {
      for (let isOver = false; !isOver; ) {
        most = Math.max(most, await cluster.metric("troupe_in_flight"));
        isOver = await Promise.race([all.then(() => true), pause(10, false)]);
      }
    })();
    const { messages } = await all;
    await watching;
    assert.deepEqual(
      messages.map(({ infer_response }) => infer_response.id),
      Array.from({ length: count }, (_, i) => String(i)),
    );
    assert.ok(most <= 4, `${most} were in flight`);
  });

  it("reads no more while its client takes no answers", async () => {
    // grpc-js's own client reads whatever comes; HTTP/2 itself does not.
    const session = connect(`http://127.0.0.1:${port}`, { maxSessionMemory: 1_000 });
    const path = "/inference.GRPCInferenceService/ModelStreamInfer";
    const head = {
      ":method": "POST",
      ":path": path,
      "content-type": "application/grpc",
      te: "trailers",
    };
    const stream = session.request(head);
    const labels = { model_id: "wide", status: "ok" };
    const before = await cluster.metric("model_predictions_total", labels);
    const count = 40;
    const values = 200_000;
    const wide = encoded("ModelInferRequest", {
      model_name: "wide",
      inputs: [{ name: "x", datatype: "FP32", shape: [1, values] }],
      raw_input_contents: [Buffer.alloc(values * 4)],
    });
    for (let i = 0; i < count; i += 1) stream.write(framed(wide));
    stream.end();
    let served = -1;
    await waitFor(async () => {
      const now = (await cluster.metric("model_predictions_total", labels)) - before;
      const isStill = now === served && now > 0;
      served = now;
      await pause(500);
      return isStill;
    }, "it to stand still");
    assert.ok(served < 10, `${served} were served`);
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    await once(stream, "end");
    session.close();
    assert.ok(bytes > count * values * 4);
    await cluster.quiet();
  });

  it("lets go of what is in flight when the client leaves", async () => {
    const stream = client.duplex("inference/ModelStreamInfer");
    stream.on("error", () => undefined);
    for (let i = 0; i < 3; i += 1) stream.write(trips("streamed", 300_000));
    await cluster.reaches(3, "troupe_in_flight");
    stream.cancel();
    await cluster.quiet();
  });
});

describe("grpc.health.v1", () => {
  it("checks the server and its service, lists them, and knows no others", async () => {
    for (const service of ["", "inference.GRPCInferenceService"]) {
      const { message } = await client.call("health/Check", { service });
      assert.equal(message.status, "SERVING");
    }
    const { message } = await client.call("health/List", {});
    assert.deepEqual(Object.keys(message.statuses), ["", "inference.GRPCInferenceService"]);
    assert.equal(
      (await client.call("health/Check", { service: "other" })).code,
      grpcCode.NOT_FOUND,
    );
  });

  it("tells who watches of each change", async () => {
    const watch = client.watch({ service: "" });
    watch.on("error", () => undefined);
    const seen: string[] = [];
    watch.on("data", ({ status }: Message) => seen.push(status));
    await waitFor(() => seen.length === 1, "the first state");
    await client.call("RepositoryModelUnload", { model_name: "changed" });
    await waitFor(() => seen.length === 2, "the second state");
    await client.call("RepositoryModelLoad", { model_name: "changed" });
    await waitFor(() => seen.length === 3, "the third state");
    assert.deepEqual(seen, ["SERVING", "NOT_SERVING", "SERVING"]);
    watch.cancel();
  });

  it("says SERVICE_UNKNOWN to who watches what is not there", async () => {
    const watch = client.watch({ service: "other" });
    watch.on("error", () => undefined);
    const first = await new Promise<Message>((resolve) => watch.once("data", resolve));
    assert.equal(first.status, "SERVICE_UNKNOWN");
    watch.cancel();
  });
});

describe("Server reflection", () => {
  it("lists the services and gives the file of each symbol", async () => {
    const stream = client.duplex("reflection/ServerReflectionInfo");
    const all = allOf(stream);
    stream.write({ list_services: "*" });
    stream.write({ file_containing_symbol: "inference.GRPCInferenceService.ModelInfer" });
    stream.write({ file_containing_symbol: "nobody" });
    stream.end();
    const [services, file, missing] = (await all).messages;
    assert.deepEqual(
      services.list_services_response.service.map(({ name }: Message) => name),
      [
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
        "inference.GRPCInferenceService",
      ],
    );
    assert.equal(file.file_descriptor_response.file_descriptor_proto.length, 1);
    assert.equal(missing.error_response.error_code, grpcCode.NOT_FOUND);
  });
});

describe("The gRPC port", () => {
  it("counts calls by method and status", async () => {
    const before = { grpc_method: "ModelInfer", grpc_code: "NOT_FOUND" };
    const counted = () => cluster.metric("grpc_server_handled_total", before);
    const count = await counted();
    await client.infer({ model_name: "nobody" });
    await waitFor(async () => (await counted()) === count + 1, "one more");
  });

  const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
  const strangers: readonly (readonly [string, string])[] = [
    ["HTTP/1.1", "GET / HTTP/1.1\r\nhost: x\r\n\r\n"],
    ["noise", "\u0000\u0001\u0002".repeat(50)],
    ["frames that are none", `${preface}\u00ff\u00ff\u00ff\u0001\u0004\u0000\u0000\u0000\u0001`],
  ];
  for (const [what, bytes] of strangers) {
    it(`survives ${what}`, async () => {
      const restarts = await cluster.restarts();
      const socket = connectTcp(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write(bytes, "latin1");
      await Promise.race([once(socket, "close"), pause(500)]);
      socket.resetAndDestroy();
      assert.equal((await client.infer(rawRow("echo", [1, 2, 3, 4]))).code, 0);
      assert.equal(await cluster.restarts(), restarts);
    });
  }

  it("refuses a message that is no protocol buffer, and a method that nobody knows", async () => {
    const session = connect(`http://127.0.0.1:${port}`);
    const statusFor = async (path: string) => {
      const head = { ":method": "POST", ":path": path, "content-type": "application/grpc" };
      const stream = session.request({ ...head, te: "trailers" });
      // There is no wire type 7.
      stream.end(framed(Buffer.of(0x0f)));
      const [headers] = await once(stream, "response");
      stream.close();
      return Number((headers as Record<string, string>)["grpc-status"]);
    };
    const service = "/inference.GRPCInferenceService";
    for (const method of ["ModelInfer", "ModelReady"]) {
      assert.equal(await statusFor(`${service}/${method}`), grpcCode.INVALID_ARGUMENT);
    }
    assert.equal(await statusFor(`${service}/Nothing`), grpcCode.UNIMPLEMENTED);
    session.close();
  });

  it("is shared by the front doors: each alone serves it while the other is replaced", async () => {
    const { front_doors } = await cluster.tree();
    assert.equal(front_doors.length, 2);
    for (const { pid } of front_doors) {
      process.kill(pid ?? 0, "SIGKILL");
      // A call that is on its way to the dead one fails, but the port is there at once.
      const other = new GrpcClient(port);
      const answers = async () => (await other.infer(rawRow("echo", [1, 2, 3, 4]))).code === 0;
      await waitFor(answers, "an answer");
      other.close();
      const isBack = async () => {
        const { front_doors: now } = await cluster.tree();
        return now.every((door) => door.state === "ready" && door.pid !== pid);
      };
      await waitFor(isBack, "the front door to be back");
    }
  });

  it("leaves nothing behind", () => cluster.endsCleanly());
});
