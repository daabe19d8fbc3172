import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { grpcCode } from "../../src/front-door/statuses.ts";
import { startReady } from "./cluster.ts";
import { allOf, freePort, GrpcClient, type Message, rawRow } from "./grpc-client.ts";
import { assertServes, litterOf, modelsFolder, yamlOf } from "./model-changes.ts";
import { waitFor } from "./wait.ts";

const echo = Buffer.from(echoModel());
const port = await freePort();
const cluster = await startReady(
  { after },
  { models: { echo: { onnx: echo } }, flags: ["--grpc-port", String(port)] },
);
const client = new GrpcClient(port);
after(() => client.close());

type Code = keyof typeof grpcCode;

function load(model: string, config: object | null, files: Readonly<Record<string, object>> = {}) {
  const own = config === null ? {} : { config: { string_param: JSON.stringify(config) } };
  return client.call("RepositoryModelLoad", {
    model_name: model,
    parameters: { ...own, ...files },
  });
}

const file = { "file:1/model.onnx": { bytes_param: echo } };
const declared = {
  max_batch_size: 16,
  input: [{ name: "x", data_type: "TYPE_FP32", dims: [4] }],
};

describe("RepositoryModelLoad", () => {
  it("takes a new model in, as an upload is", async () => {
    const { code, details } = await load("fresh", declared, file);
    assert.equal(code, 0, details);
    await assertServes(cluster, "fresh", "1");
    const stored = join(modelsFolder(cluster), "fresh", "1", "model.onnx");
    assert.deepEqual(readFileSync(stored), echo);
    assert.match(yamlOf(cluster, "fresh"), /max_batch_size: 16/);
    await waitFor(() => litterOf(cluster).length === 0, "the remains to be gone");
  });

  it("changes the configuration of a model that is there", async () => {
    const { code, details } = await load("fresh", { max_batch_size: 3 });
    assert.equal(code, 0, details);
    const { message } = await client.call("ModelConfig", { name: "fresh" });
    assert.equal(message.config.max_batch_size, 3);
  });

  const [input] = declared.input;
  const wrong = { ...declared, input: [{ ...input, name: "z" }] };
  const many = Object.fromEntries(
    Array.from({ length: 65 }, (_, at) => [`file:1/${at}`, { bytes_param: Buffer.of(1) }]),
  );
  const refused: readonly (readonly [string, Parameters<typeof load>, Code, RegExp])[] = [
    ["files without config", ["bad", null, file], "INVALID_ARGUMENT", /'config' too/],
    [
      "paths",
      ["bad", {}, { "file:../x": file["file:1/model.onnx"] }],
      "INVALID_ARGUMENT",
      /file:</,
    ],
    [
      "texts",
      ["bad", {}, { "file:1/m": { string_param: "x" } }],
      "INVALID_ARGUMENT",
      /bytes_param/,
    ],
    ["too many files", ["bad", {}, many], "INVALID_ARGUMENT", /at most 64 files/],
    ["a long config", ["echo", { name: "x".repeat(70_000) }], "INVALID_ARGUMENT", /65536 bytes/],
    ["unknown parameters", ["bad", {}, { x: { bool_param: true } }], "INVALID_ARGUMENT", /'x'/],
    [
      "a model that is none",
      ["bad", {}, { "file:1/model.onnx": { bytes_param: Buffer.from("abc") } }],
      "FAILED_PRECONDITION",
      /./,
    ],
    ["another model", ["bad", wrong, file], "FAILED_PRECONDITION", /input 'z'/],
    ["what the model is not", ["echo", wrong], "FAILED_PRECONDITION", /input 'z'/],
    ["a version that is there", ["echo", {}, file], "ALREADY_EXISTS", /./],
    ["a model that is not there", ["nobody", {}], "NOT_FOUND", /nobody/],
  ];
  for (const [what, request, status, words] of refused) {
    it(`refuses ${what}, and leaves nothing`, async () => {
      const before = await cluster.restarts();
      const { code, details } = await load(...request);
      assert.equal(code, grpcCode[status], details);
      assert.match(details, /^failed to load '/);
      assert.match(details, words);
      assert.ok(!existsSync(join(modelsFolder(cluster), "bad")));
      await waitFor(() => litterOf(cluster).length === 0, "the remains to be gone");
      await assertServes(cluster, "echo", "1");
      assert.equal(await cluster.restarts(), before);
    });
  }

  it("is for those who may change models", async () => {
    const headers = { origin: "https://elsewhere.example" };
    const request = { model_name: "echo" };
    const { code } = await client.call("RepositoryModelLoad", request, { headers });
    assert.equal(code, grpcCode.PERMISSION_DENIED);
  });
});

describe("A load over HTTP that brings too much", () => {
  const many = Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`file:2/${at}`, "YQ=="]));
  const rows = [
    ["files", { config: "{}", ...many }, /at most 64 files/],
    ["words of its configuration", { config: `{"name":"${"x".repeat(70_000)}"}` }, /65536 bytes/],
  ] as const;
  for (const [what, parameters, words] of rows) {
    it(`is refused for its ${what}, and its front door serves on`, async () => {
      const before = await cluster.restarts();
      const path = "/v2/repository/models/echo/load";
      const reply = await cluster.send<Message>({ method: "POST", path, body: { parameters } });
      assert.equal(reply.status, 400, reply.text);
      assert.match(reply.json.error, words);
      assert.equal(await cluster.restarts(), before);
    });
  }
});

function setting(settings: Readonly<Record<string, readonly string[]>>, model = "", headers = {}) {
  const values = Object.entries(settings).map(([name, value]) => [name, { value }] as const);
  const request = { model_name: model, settings: Object.fromEntries(values) };
  return client.call("TraceSetting", request, { headers });
}

interface Trace {
  readonly request_id: string;
  readonly status: number;
  readonly batch_rows: number | null;
  readonly timestamps: Readonly<Record<string, number | null>>;
}

async function traces(): Promise<readonly Trace[]> {
  return (await cluster.get<{ readonly traces: readonly Trace[] }>("/v2/trace")).json.traces;
}

describe("TraceSetting", () => {
  const defaults = {
    trace_file: { value: [""] },
    trace_level: { value: ["OFF"] },
    trace_rate: { value: ["1000"] },
    trace_count: { value: ["-1"] },
    log_frequency: { value: ["0"] },
  };

  it("shows what is set where it sets nothing", async () => {
    const { code, message } = await setting({});
    assert.deepEqual([code, message], [0, { settings: defaults }]);
  });

  it("sets those of one model over those of all, and gives them back without a value", async () => {
    await setting({ trace_rate: ["5"] });
    const { message } = await setting({ trace_rate: ["7"], trace_level: ["TIMESTAMPS"] }, "echo");
    assert.deepEqual(
      [message.settings.trace_rate.value, message.settings.trace_level.value],
      [["7"], ["TIMESTAMPS"]],
    );
    const { message: back } = await setting({ trace_rate: [], trace_level: [] }, "echo");
    assert.deepEqual(back.settings, { ...defaults, trace_rate: { value: ["5"] } });
    assert.deepEqual((await setting({ trace_rate: [] })).message.settings, defaults);
  });

  const refused: readonly (readonly [Parameters<typeof setting>, Code, RegExp])[] = [
    [[{ trace_rate: ["1", "2"] }], "INVALID_ARGUMENT", /trace_rate/],
    [[{ trace_level: ["OFF", "TIMESTAMPS"] }], "INVALID_ARGUMENT", /trace_level/],
    [[{ trace_level: ["TENSORS"] }], "UNIMPLEMENTED", /TENSORS/],
    [[{ trace_mode: ["triton"] }], "INVALID_ARGUMENT", /unknown setting 'trace_mode'/],
    [[{ trace_file: ["t"] }], "INVALID_ARGUMENT", /--trace-folder/],
    [[{}, "nobody"], "NOT_FOUND", /nobody/],
    [
      [{ trace_rate: ["2"] }, "", { origin: "https://elsewhere.example" }],
      "PERMISSION_DENIED",
      /./,
    ],
  ];
  for (const [request, status, words] of refused) {
    it(`refuses ${JSON.stringify(request)}`, async () => {
      const { code, details } = await setting(...request);
      assert.equal(code, grpcCode[status], details);
      assert.match(details, words);
    });
  }

  it("has predictions traced that come by gRPC, alone and on streams", async () => {
    await setting({ trace_level: ["TIMESTAMPS"], trace_rate: ["1"] });
    const headers = { "x-request-id": "by-grpc" };
    assert.equal((await client.infer(rawRow("echo", [1, 2, 3, 4]), { headers })).code, 0);
    const short = { ...rawRow("echo", [1, 2, 3, 4]), raw_input_contents: [Buffer.alloc(4)] };
    await client.infer(short, { headers: { "x-request-id": "too-short" } });
    const stream = client.duplex("inference/ModelStreamInfer");
    stream.write(rawRow("echo", [1, 2, 3, 4]));
    stream.end();
    await allOf(stream);
    const [third, second, first] = await traces();
    assert.deepEqual(
      [first?.request_id, second?.request_id, third?.status, first?.batch_rows],
      ["by-grpc", "too-short", 200, 1],
    );
    assert.deepEqual([second?.status, second?.timestamps["run_begun"]], [400, null]);
    for (const one of [first, third]) {
      const points = Object.values(one?.timestamps ?? { none: null });
      assert.ok(
        points.every((at) => Number(at) > 0),
        JSON.stringify(one),
      );
    }
    await setting({ trace_level: [], trace_rate: [] });
  });

  it("and nothing is left of all that", () => cluster.endsCleanly());
});
