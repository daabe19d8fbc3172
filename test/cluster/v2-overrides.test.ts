import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { type ClientRequest, request } from "node:http";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { echoModel } from "../../models/odd-models.ts";
import { type Cluster, startReady } from "./cluster.ts";
import { assertServes, litterOf, modelsFolder, yamlOf } from "./model-changes.ts";
import { waitFor } from "./wait.ts";

const echo = echoModel();
const base64 = Buffer.from(echo).toString("base64");
const maxUploadBytes = 200_000;
const flags = ["--max-upload-bytes", String(maxUploadBytes)];
const cluster = await startReady({ after }, { models: { echo: { onnx: echo } }, flags });

interface Failed {
  readonly error: string;
  readonly code: string;
}

function load(model: string, parameters: unknown, at: Cluster = cluster) {
  const path = `/v2/repository/models/${model}/load`;
  return at.send<Failed>({ method: "POST", path, body: { parameters } });
}

const config = (fields: object = {}) => JSON.stringify(fields);
const declared = {
  name: "fresh",
  backend: "onnxruntime",
  max_batch_size: 16,
  input: [{ name: "x", data_type: "TYPE_FP32", dims: [4] }],
  output: [{ name: "y", data_type: "TYPE_FP32", dims: [4] }],
};

function leavesNothing(of = cluster): Promise<true> {
  return waitFor(() => litterOf(of).length === 0, "the remains of loads to be gone");
}

describe("A load with files and a configuration", () => {
  it("makes a new model, which serves", async () => {
    const parameters = { config: config(declared), "file:1/model.onnx": base64 };
    const { status, text } = await load("fresh", parameters);
    assert.deepEqual([status, text], [200, ""]);
    await assertServes(cluster, "fresh", "1");
    const file = join(modelsFolder(cluster), "fresh", "1", "model.onnx");
    assert.deepEqual(readFileSync(file), Buffer.from(echo));
    assert.match(yamlOf(cluster, "fresh"), /max_batch_size: 16/);
    await leavesNothing();
  });

  it("rolls a next version out", async () => {
    const parameters = { "file:2/model.onnx": base64, config: config() };
    const { status, text } = await load("fresh", parameters);
    assert.equal(status, 200, text);
    await assertServes(cluster, "fresh", "2");
  });

  it("is refused for what is wrong with it, and leaves nothing", async () => {
    const model = "file:1/model.onnx";
    const rows: readonly (readonly [object, number, RegExp])[] = [
      [{ [model]: base64 }, 400, /must have parameter 'config'/],
      [{ [model]: `${base64}=`, config: "{}" }, 400, /must be base64/],
      [
        { "file:../../etc/model.onnx": base64, config: "{}" },
        400,
        /must be file:<version>\/<file>/,
      ],
      [
        { [model]: base64, "file:2/model.onnx": base64, config: "{}" },
        400,
        /one version, got 1, 2/,
      ],
      [{ "file:1/other.bin": base64, config: "{}" }, 400, /must have file:<version>\/model\.onnx/],
      [{ [model]: base64, config: "{}", threads: 1 }, 400, /unrecognized load parameter 'threads'/],
      [{ [model]: base64, config: "no" }, 400, /JSON object/],
      [{ [model]: base64, config: config({ replicas: 1 }) }, 422, /unknown key "replicas"/],
      [{ [model]: "YWJj", config: "{}" }, 422, /./],
      [{ [model]: "A".repeat(maxUploadBytes), config: "{}" }, 413, /max_upload_bytes/],
    ];
    for (const [parameters, status, words] of rows) {
      const reply = await load("bad", parameters);
      assert.equal(reply.status, status, reply.text);
      assert.match(reply.json.error, /^failed to load 'bad': /);
      assert.match(reply.json.error, words);
      await leavesNothing();
    }
    assert.ok(!existsSync(join(modelsFolder(cluster), "bad")));
  });

  it("is refused where the model is not what the configuration declares", async () => {
    const [input] = declared.input;
    const wrong = { ...declared, name: "bad", input: [{ ...input, dims: [5] }] };
    const reply = await load("bad", { config: config(wrong), "file:1/model.onnx": base64 });
    assert.equal(reply.status, 422, reply.text);
    assert.match(reply.json.error, /config: input 'x'/);
    assert.ok(!existsSync(join(modelsFolder(cluster), "bad")));
    await leavesNothing();
  });

  it("does not replace a version that is there", async () => {
    const reply = await load("echo", { config: "{}", "file:1/model.onnx": base64 });
    assert.deepEqual([reply.status, reply.json.code], [409, "conflict"]);
    await assertServes(cluster, "echo", "1");
  });
});

describe("A load with a configuration alone", () => {
  it("changes that of the model, and loads it", async () => {
    const unloaded = await cluster.send({ method: "POST", path: "/models/echo/unload" });
    assert.equal(unloaded.status, 200);
    const { status, text } = await load("echo", { config: config({ max_batch_size: 3 }) });
    assert.equal(status, 200, text);
    await assertServes(cluster, "echo", "1");
    const { json } = await cluster.get<{ readonly max_batch_size: number }>(
      "/v2/models/echo/config",
    );
    assert.equal(json.max_batch_size, 3);
  });

  it("takes what the server itself has shown", async () => {
    const shown = await cluster.get("/v2/models/echo/config");
    const { status, text } = await load("echo", { config: shown.text });
    assert.equal(status, 200, text);
    await assertServes(cluster, "echo", "1");
  });

  it("is refused for a model that is not there, and for a bad configuration", async () => {
    assert.equal((await load("no", { config: "{}" })).status, 404);
    assert.equal((await load("echo", { config: config({ max_batchsize: 1 }) })).status, 422);
    await assertServes(cluster, "echo", "1");
  });

  it("and nothing is left of all that", () => cluster.endsCleanly());
});

describe("A server that is killed in the midst of such a load", () => {
  interface Moment {
    readonly name: string;
    readonly isNow: (at: Cluster, model: string) => boolean;
  }

  const stepOf = (step: string) => (at: Cluster, model: string) =>
    at.lines.some((line) => line.includes(`"step":"${step}"`) && line.includes(`"${model}"`));
  const comes = (at: Cluster) => litterOf(at).some((path) => /uploads\/[^/]+\/0$/.test(path));
  const moments = [
    { name: "bytes-come", isNow: comes, isThere: false },
    { name: "trial", isNow: stepOf("trial"), isThere: false },
    { name: "installed", isNow: stepOf("installed"), isThere: true },
  ] as const;

  /** Holds the last bytes back where it is killed before they come. */
  function begin(at: Cluster, model: string, held: number): ClientRequest {
    const parameters = { config: config({ max_batch_size: 4 }), "file:1/model.onnx": base64 };
    const body = Buffer.from(JSON.stringify({ parameters }));
    const url = new URL(`/v2/repository/models/${model}/load`, at.url);
    const headers = { "content-length": body.length };
    const outgoing = request(url, { method: "POST", headers, agent: false });
    outgoing.on("error", () => undefined);
    outgoing.write(body.subarray(0, body.length - held));
    return outgoing;
  }

  async function killAt(at: Cluster, { name, isNow }: Moment): Promise<void> {
    const outgoing = begin(at, name, name === "bytes-come" ? 10 : 0);
    if (name !== "bytes-come") outgoing.end();
    const until = performance.now() + 20_000;
    while (!isNow(at, name)) {
      assert.ok(performance.now() < until, name);
      await new Promise((resolve) => setImmediate(resolve));
    }
    at.signal("SIGKILL");
    await at.ended();
  }

  it("has all of it or none, and no litter, when it is back", async (t) => {
    let at = await startReady(t, { models: { steady: { onnx: echo } } });
    for (const { name, isNow, isThere } of moments) {
      await killAt(at, { name, isNow });
      const { home } = at;
      at = await startReady(t, { home, modelsFolder: join(home, "models") });
      await assertServes(at, "steady", "1");
      assert.equal(existsSync(join(modelsFolder(at), name)), isThere, name);
      if (isThere) await assertServes(at, name, "1");
      if (isThere) assert.match(yamlOf(at, name), /max_batch_size: 4/);
      assert.equal(readdirSync(join(modelsFolder(at), ".troupe", "work")).length, 1);
      assert.deepEqual(litterOf(at), []);
    }
    await at.endsCleanly();
  });
});
