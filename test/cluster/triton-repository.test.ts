import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { layeredModel } from "../../models/stateful-models.ts";
import { startReady } from "./cluster.ts";
import { formHeaders, formOf, uploadParts } from "./multipart.ts";

const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");

function write(path: string, content: string | Uint8Array): void {
  const file = join(modelsFolder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

const echoConfig = `name: "echo"
platform: "onnxruntime_onnx"
max_batch_size: 8
input [ { name: "x" data_type: TYPE_FP32 dims: [ 4 ] } ]
output [ { name: "y" data_type: TYPE_FP32 dims: [ 4 ] label_filename: "sizes.txt" } ]
version_policy: { all { } }
instance_group [ { count: 2 kind: KIND_CPU } ]
dynamic_batching {
  preferred_batch_size: [ 4, 8 ]
  max_queue_delay_microseconds: 1000
}
model_warmup [ { name: "w" batch_size: 2
  inputs { key: "x" value { data_type: TYPE_FP32 dims: [ 4 ] random_data: true } } } ]
parameters { key: "tuning" value { string_value: "3" } }
`;

write("echo/config.pbtxt", echoConfig);
write("echo/sizes.txt", "small\nmiddling\nlarge\nhuge\n");
write("echo/1/model.onnx", echoModel());
write("echo/2/model.onnx", echoModel());
// Triton takes no such folder for a version.
write("echo/2.old/model.onnx", echoModel());

write("plain/config.pbtxt", 'max_batch_size: 0\ndefault_model_filename: "net.onnx"\n');
write("plain/1/net.onnx", echoModel());
write("plain/1/model.onnx", new Uint8Array(3));

const state = (input: string, output: string, dims: string) =>
  `state { input_name: "${input}" output_name: "${output}" data_type: TYPE_FP32 dims: [ ${dims} ]
    initial_state { data_type: TYPE_FP32 dims: [ ${dims} ] zero_data: true name: "zeros" } }`;
write("counter/config.pbtxt", `max_batch_size: 4\nsequence_batching { ${state("c", "cn", "2")} }`);
write("counter/1/model.onnx", layeredModel());

write("narrow/config.pbtxt", 'max_batch_size: 8\ninput { name: "x" data_type: TYPE_FP32 dims: 3 }');
write("narrow/1/model.onnx", echoModel());

write("python/config.pbtxt", 'backend: "python"');
write("python/1/model.onnx", echoModel());

write("both/config.pbtxt", "max_batch_size: -1");
write("both/model.yaml", "replicas: 1");
write("both/1/model.onnx", echoModel());

const cluster = await startReady({ after }, { home, modelsFolder, flags: ["--front-doors", "1"] });

interface Config {
  readonly config: { readonly batching: object; readonly warmup: readonly unknown[] | null };
  readonly from: Readonly<Record<string, string>>;
  readonly warnings?: readonly string[];
}

interface Failure {
  readonly error: string;
  readonly code: string;
}

interface Model {
  readonly state: string;
  readonly reason: string | null;
  readonly batching: { readonly type: string; readonly reason?: string };
  readonly versions: readonly { readonly version: string; readonly state: string }[];
}

async function model(name: string): Promise<Model> {
  return (await cluster.get<Model>(`/models/${name}`)).json;
}

async function warningsOf(name: string): Promise<readonly string[]> {
  return (await cluster.get<Config>(`/models/${name}/config`)).json.warnings ?? [];
}

describe("A Triton model repository", () => {
  it("serves the versions that its policy names, in as many hosts as it has instances", async () => {
    const { versions } = await model("echo");
    assert.deepEqual(
      versions.map((one) => [one.version, one.state]),
      [
        ["1", "ready"],
        ["2", "ready"],
      ],
    );
    assert.equal((await cluster.hosts("echo")).length, 4);
    const inputs = [{ name: "x", shape: [1, 4], datatype: "FP32", data: [1, 2, 3, 4] }];
    const ask = { method: "POST", path: "/v2/models/echo/versions/1/infer", body: { inputs } };
    const { json } = await cluster.send<{ outputs: readonly { data: unknown }[] }>(ask);
    assert.deepEqual(json.outputs[0]?.data, [1, 2, 3, 4]);
  });

  it("names classes as the file of labels does", async () => {
    const inputs = [{ name: "x", shape: [1, 4], datatype: "FP32", data: [1, 2, 4, 3] }];
    const outputs = [{ name: "y", parameters: { classification: 2 } }];
    const ask = { method: "POST", path: "/v2/models/echo/infer", body: { inputs, outputs } };
    const { json } = await cluster.send<{ outputs: readonly { data: unknown }[] }>(ask);
    assert.deepEqual(json.outputs[0]?.data, ["4.000000:2:large", "3.000000:3:huge"]);
    const { from } = (await cluster.get<Config>("/models/echo/config")).json;
    assert.equal(from["labels"], "config.pbtxt");
  });

  it("shows what it says as model.yaml would, and what is not honoured", async () => {
    const { config, from, warnings } = (await cluster.get<Config>("/models/echo/config")).json;
    assert.deepEqual(config.batching, { max_batch_size: 8, max_queue_delay_ms: 1 });
    assert.equal(config.warmup?.length, 1);
    assert.equal(from["batching.max_batch_size"], "config.pbtxt");
    assert.equal(from["replicas"], "config.pbtxt");
    assert.equal(from["limits.memory_mb"], "default");
    assert.match(warnings?.[0] ?? "", /^dynamic_batching\.preferred_batch_size \(line 9\): /);
    assert.match(warnings?.[1] ?? "", /^parameters\[tuning\] \(line 14\): /);
    assert.equal(warnings?.length, 2);
    const logged = cluster.logs.filter((line) => line["msg"] === "configuration");
    assert.deepEqual(
      logged.filter((line) => line["model"] === "echo").map(({ level, reason }) => [level, reason]),
      warnings?.map((words) => ["warn", words]),
    );
  });

  it("runs requests alone where max_batch_size is 0, from the file that it names", async () => {
    const { batching, state: now } = await model("plain");
    assert.equal(now, "ready");
    assert.deepEqual(batching, {
      type: "unbatched",
      reason: "max_batch_size in config.pbtxt is 0",
    });
    assert.deepEqual((await cluster.predict("plain", { features: [1, 2, 3, 4] })).status, 200);
  });

  it("keeps implicit state for its sequences", async () => {
    const frame = async (start: boolean, end: boolean) => {
      const rows = [1, 2, 3].map(() => [[0, 0]]);
      const inputs = [
        { name: "x", shape: [1, 2], datatype: "FP32", data: [2, 4] },
        { name: "h", shape: [3, 1, 2], datatype: "FP32", data: rows.flat(2) },
      ];
      const parameters = { sequence_id: 7, sequence_start: start, sequence_end: end };
      const path = "/v2/models/counter/infer";
      const { json } = await cluster.send<{
        outputs: readonly { name: string; data: readonly number[] }[];
      }>({ method: "POST", path, body: { parameters, inputs } });
      return json.outputs.find(({ name }) => name === "y")?.data;
    };
    const first = await frame(true, false);
    const second = await frame(false, false);
    assert.notDeepEqual(second, first);
    await frame(false, true);
    assert.deepEqual(await frame(true, true), first);
  });

  it("refuses a model that has other tensors than are declared", async () => {
    const { state: now, reason } = await model("narrow");
    assert.equal(now, "unavailable");
    assert.match(
      reason ?? "",
      /narrow\/config\.pbtxt: input 'x' \(line 2\) is FP32 \[-1,3\], with the batch in front, but the model's is FP32 \[batch,4\]/,
    );
  });

  it("refuses another backend by name", async () => {
    const { reason } = await model("python");
    assert.match(reason ?? "", /^Cannot read python\/config\.pbtxt: backend must be "onnxruntime"/);
  });

  it("lets model.yaml win, and says so", async () => {
    assert.equal((await model("both")).state, "ready");
    assert.deepEqual(await warningsOf("both"), [
      "config.pbtxt is not read, as there is a model.yaml",
    ]);
  });

  it("is not changed by PATCH", async () => {
    const ask = { method: "PATCH", path: "/models/echo", body: { replicas: 1 } };
    const { status, json } = await cluster.send<Failure>(ask);
    assert.deepEqual([status, json.code], [409, "conflict"]);
    assert.match(json.error, /its configuration is config\.pbtxt/);
    const other = { method: "PATCH", path: "/models/both", body: { description: "own" } };
    assert.equal((await cluster.send(other)).status, 200);
  });

  it("takes uploads of versions that are numbers, and no other configuration", async () => {
    const upload = async (fields: Readonly<Record<string, string>>) => {
      const body = formOf(uploadParts({ id: "echo", ...fields }, ["model.onnx", echoModel()]));
      const ask = { method: "POST", path: "/models", headers: formHeaders, body };
      return (await cluster.send<Failure>(ask)).status;
    };
    assert.equal(await upload({ config: "replicas: 1" }), 409);
    assert.equal(await upload({ version: "v3" }), 422);
    assert.equal(await upload({}), 201);
    assert.deepEqual(
      (await model("echo")).versions.map(({ version }) => version),
      ["1", "2", "3"],
    );
  });

  it("is read again by load", async () => {
    const text = echoConfig.replace("count: 2", "count: 1");
    write("echo/config.pbtxt", text.replace("preferred_batch_size: [ 4, 8 ]", ""));
    const ask = { method: "POST", path: "/models/echo/load" };
    assert.equal((await cluster.send(ask)).status, 200);
    assert.equal((await cluster.hosts("echo")).length, 3);
    assert.equal((await warningsOf("echo")).length, 1);
  });
});
