import assert from "node:assert/strict";
import { connect } from "node:net";
import { after, describe, it } from "node:test";
import {
  echoedDatatypes,
  severalOutputsModel,
  stringsAndIntegersModel,
  zipMapModel,
} from "../../models/datatype-models.ts";
import {
  batchMixingModel,
  constantOutputModel,
  echoModel,
  fixedBatchModel,
  nanModel,
} from "../../models/odd-models.ts";
import { encodeModel } from "../../models/onnx-writer.ts";
import { startReady } from "./cluster.ts";
import type { Answer, Reply } from "./http-client.ts";

/** JSON has no halves. */
const jsonDatatypes = echoedDatatypes.filter((datatype) => datatype !== "FP16");

const maxBodyBytes = 100_000;
const row = [1, 2, 3, 4];
const modelCount = 11;

const cluster = await startReady(
  { after },
  {
    models: {
      echo: { onnx: echoModel(), yaml: "description: gives back what it gets" },
      labelled: { onnx: echoModel(), yaml: "labels: [a, b, c, d]" },
      fixed: { onnx: fixedBatchModel() },
      mixing: { onnx: batchMixingModel() },
      constant: { onnx: constantOutputModel() },
      nan: { onnx: nanModel() },
      strings: { onnx: stringsAndIntegersModel() },
      several: { onnx: severalOutputsModel() },
      all: { onnx: jsonDatatypesModel() },
      halves: { onnx: halvesModel() },
      zipmap: { onnx: zipMapModel() },
    },
    flags: ["--max-body-bytes", String(maxBodyBytes), "--server-name", "stage"],
  },
);

function jsonDatatypesModel(): Uint8Array {
  const values = (prefix: string) =>
    jsonDatatypes.map((elementType) => {
      return { name: `${prefix}_${elementType}`, elementType, shape: ["batch", 2] };
    });
  return encodeModel({
    name: "json-datatypes",
    inputs: values("in"),
    outputs: values("out"),
    nodes: jsonDatatypes.map((datatype) => {
      return { op: "Identity", inputs: [`in_${datatype}`], outputs: [`out_${datatype}`] };
    }),
  });
}

function halvesModel(): Uint8Array {
  const half = (name: string) => ({ name, elementType: "FP16", shape: ["batch"] }) as const;
  return encodeModel({
    name: "halves",
    inputs: [half("x")],
    outputs: [half("y")],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

interface Tensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  readonly data: readonly unknown[];
}

/** What `…/infer` answers. */
interface Inference {
  readonly id: string;
  readonly model_name: string;
  readonly model_version: string;
  readonly parameters?: { readonly warnings: readonly string[] };
  readonly outputs: readonly Tensor[];
  readonly error: string;
  readonly code: string;
}

interface Metadata {
  readonly name: string;
  readonly versions: readonly string[];
  readonly platform: string;
  readonly inputs: readonly unknown[];
  readonly outputs: readonly unknown[];
  readonly parameters: {
    readonly batching: { readonly type: string; readonly reason?: string };
    readonly not_servable?: readonly { readonly name: string }[];
    readonly labels?: readonly string[];
    readonly description?: string;
  };
}

function infer(model: string, body: unknown): Promise<Reply<Inference>> {
  return cluster.send({ method: "POST", path: `/v2/models/${model}/infer`, body });
}

async function predictionsOf(model: string, body: unknown): Promise<unknown> {
  const { status, json, text } = await cluster.predict(model, body);
  assert.equal(status, 200, text);
  return json.predictions;
}

/** Sends bytes that no client library would send, and gives what came back. */
function sendRaw(bytes: string): Promise<string> {
  const { port, hostname } = new URL(cluster.url);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname, () => socket.write(bytes));
    let text = "";
    socket.on("data", (chunk) => {
      text += chunk;
    });
    socket.on("error", reject);
    socket.on("close", () => resolve(text));
  });
}

function assertError(reply: Reply<Answer>, status: number, code: string): void {
  assert.deepEqual([reply.status, reply.json.code], [status, code], reply.text);
  assert.deepEqual(Object.keys(reply.json), ["error", "code", "request_id"]);
  assert.equal(reply.json.request_id, reply.headers["x-request-id"]);
  assert.match(reply.headers["content-type"] ?? "", /^application\/json/);
}

describe("POST /predict/{model}", () => {
  it("answers one row, or several, with model, version and predictions", async () => {
    const { status, headers, json } = await cluster.predict("echo", { features: row });
    const { request_id, ...rest } = json;
    assert.equal(status, 200);
    assert.deepEqual(rest, { model: "echo", version: "1", predictions: [row] });
    assert.equal(request_id, headers["x-request-id"]);
    assert.equal(headers["content-type"], "application/json");
    const rows = [row, [5, 6, 7, 8], [0.5, -1, 2 ** -20, 1e30]];
    assert.deepEqual(await predictionsOf("echo", { features: rows }), [
      row,
      [5, 6, 7, 8],
      [0.5, -1, 2 ** -20, Math.fround(1e30)],
    ]);
  });

  it("takes inputs by name, and as the Open Inference list", async () => {
    assert.deepEqual(await predictionsOf("echo", { inputs: { x: [row] } }), [row]);
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 4], data: row }];
    assert.deepEqual(await predictionsOf("echo", { inputs }), [row]);
  });

  it("takes a version that is there", async () => {
    const path = "/predict/echo/versions/1";
    const reply = await cluster.send({ method: "POST", path, body: { features: row } });
    assert.deepEqual([reply.status, reply.json.version], [200, "1"]);
  });

  it("takes a body without a length, and whatever a plain client calls its type", async () => {
    const path = "/predict/echo";
    const ask = { method: "POST", path, body: { features: row } };
    assert.equal((await cluster.send({ ...ask, chunked: true })).status, 200);
    for (const type of ["application/x-www-form-urlencoded", "text/plain", "application/json"]) {
      const reply = await cluster.send({ ...ask, headers: { "content-type": type } });
      assert.equal(reply.status, 200, type);
    }
    const patient = await cluster.send({ ...ask, headers: { expect: "100-continue" } });
    assert.equal(patient.status, 200);
  });

  it("names the best class of each row where the model has labels", async () => {
    const { json } = await cluster.predict("labelled", { features: [row, [9, 0, 0, 0]] });
    assert.deepEqual(json.labels, [
      { label: "d", score: 4 },
      { label: "a", score: 9 },
    ]);
  });

  it("gives all outputs by name, with datatype and shape, where there are several", async () => {
    const { json } = await cluster.predict("several", { features: [1.5, -2, 2.5] });
    assert.deepEqual(json.predictions, [[3, -4, 5]]);
    assert.deepEqual(json.outputs, {
      doubled: { datatype: "FP32", shape: [1, 3], data: [[3, -4, 5]] },
      exact: { datatype: "FP64", shape: [1, 3], data: [[1.5, -2, 2.5]] },
      positive: { datatype: "BOOL", shape: [1, 3], data: [[true, false, true]] },
      rounded: { datatype: "INT32", shape: [1, 3], data: [[2, -2, 2]] },
      largest: { datatype: "INT64", shape: [1], data: [2] },
    });
  });

  it("takes strings and big integers, and writes what no number holds as strings", async () => {
    const inputs = {
      text: ["ä\n", ""],
      number: [
        ["-3", 0],
        [1, 2],
      ],
    };
    const { status, json } = await cluster.predict("strings", { inputs });
    assert.equal(status, 200);
    assert.deepEqual(json.outputs, {
      text_out: { datatype: "BYTES", shape: [2], data: ["ä\n", ""] },
      sum: { datatype: "INT64", shape: [2, 1], data: [[-3], [3]] },
      big: {
        datatype: "INT64",
        shape: [2, 2],
        data: [
          ["-27021597764222979", "0"],
          ["9007199254740993", "18014398509481986"],
        ],
      },
    });
  });

  it("writes numbers that JSON does not have as null, and warns", async () => {
    const { status, json } = await cluster.predict("nan", { features: [[-1], [0], [1]] });
    assert.equal(status, 200);
    assert.deepEqual(json.predictions, [[null], [null], [0]]);
    assert.deepEqual(json.outputs["inverse"], {
      datatype: "FP32",
      shape: [3, 1],
      data: [[-1], [null], [1]],
    });
    assert.equal(json.warnings.length, 2);
    assert.match(json.warnings.join(), /log.*inverse/s);
  });

  it("runs several rows one by one where the model's batch is fixed at one", async () => {
    const rows = [row, [5, 6, 7, 8], [0, 0, 1, 1]];
    assert.deepEqual(await predictionsOf("fixed", { features: rows }), [
      [3, 7],
      [11, 15],
      [0, 2],
    ]);
  });

  it("runs a request as it came where rows are not independent", async () => {
    const rows = [
      [1, 2, 3, 4],
      [3, 4, 5, 6],
    ];
    assert.deepEqual(await predictionsOf("mixing", { features: rows }), [
      [-1, -1, -1, -1],
      [1, 1, 1, 1],
    ]);
    assert.deepEqual(await predictionsOf("constant", { features: rows }), [4, 6, 8, 10]);
  });

  it("leaves out outputs that are no tensors", async () => {
    assert.deepEqual(await predictionsOf("zipmap", { features: [0, 5, 1, 9] }), [1]);
  });

  const mistakes: readonly (readonly [string, string, unknown, RegExp])[] = [
    ["is no JSON", "echo", "{nope", /expected a name in double quotes, got 'nope' at position 1/],
    ["is empty", "echo", "", /Cannot parse body/],
    ["is no object", "echo", [row], /object/],
    ["has neither features nor inputs", "echo", {}, /features.*inputs/],
    ["has both", "echo", { features: row, inputs: {} }, /both/],
    ["has rows of another size", "echo", { features: [[1, 2, 3]] }, /'x'.*\[-1,4\].*\[1,3\]/],
    ["has ragged rows", "echo", { features: [row, [1]] }, /'x'/],
    ["has no rows", "echo", { features: [] }, /'x'/],
    ["has text for a number", "echo", { features: ["1", 2, 3, 4] }, /'x'/],
    ["has a number past the range", "echo", '{"features":[1e999,2,3,4]}', /'x'/],
    ["has features for several inputs", "strings", { features: row }, /2 inputs/],
    ["misses an input", "strings", { inputs: { text: ["a"] } }, /missing.*'number'/],
    ["names an unknown input", "echo", { inputs: { y: [row] } }, /'y'.*'x'/],
    ["has unequal rows", "strings", { inputs: { text: ["a", "b"], number: [[1, 2]] } }, /batch/],
    [
      "has an integer past the range",
      "strings",
      { inputs: { text: ["a"], number: [["9223372036854775808", 0]] } },
      /'number'/,
    ],
  ];
  for (const [what, model, body, words] of mistakes) {
    it(`refuses a body that ${what}, and says so`, async () => {
      const reply = await cluster.predict(model, body);
      assertError(reply, 400, "invalid-request");
      assert.match(reply.json.error, words);
    });
  }
});

describe("What every route keeps", () => {
  const paths = ["/predict/echo", "/predict/nobody", "/livez", "/nowhere", "/v2/models/echo"];
  for (const path of paths) {
    it(`a well-formed request id, where another gets a new one: ${path}`, async () => {
      const method = path.startsWith("/predict") ? "POST" : "GET";
      const ask = (id: string) =>
        cluster.send({ method, path, body: "{}", headers: { "x-request-id": id } });
      assert.equal((await ask("a.b:C/1+=@-_")).headers["x-request-id"], "a.b:C/1+=@-_");
      for (const bad of ["two words", "x".repeat(129), '"quoted"', "é"]) {
        const { headers } = await ask(bad);
        assert.match(String(headers["x-request-id"]), /^[0-9a-f]{24}$/, bad);
      }
      const [first, second] = [await ask(""), await ask("")];
      assert.notEqual(first.headers["x-request-id"], second.headers["x-request-id"]);
    });
  }

  it("the id stands in the body too", async () => {
    const headers = { "x-request-id": "mine-1" };
    assert.equal(
      (await cluster.predict("echo", { features: row }, headers)).json.request_id,
      "mine-1",
    );
    assert.equal((await cluster.predict("echo", "{", headers)).json.request_id, "mine-1");
  });

  const unknown: readonly (readonly [string, string, string])[] = [
    ["GET", "/nowhere", "not-found"],
    ["POST", "/predict", "not-found"],
    ["POST", "/predict/", "not-found"],
    ["POST", "/predict/echo/versions", "not-found"],
    ["POST", "/predict/echo/versions/1/more", "not-found"],
    ["POST", "/predict/nobody", "model-not-found"],
    ["POST", "/predict/echo/versions/2", "model-not-found"],
    ["POST", "/v2/models/nobody/infer", "model-not-found"],
    ["POST", "/v2/models/echo/versions/2/infer", "model-not-found"],
    ["GET", "/v2/models/nobody", "model-not-found"],
    ["GET", "/v2/models/echo/versions/2", "model-not-found"],
    ["GET", "/v2/models/nobody/ready", "model-not-found"],
    ["GET", "/v2/models/echo/versions/2/ready", "model-not-found"],
    ["GET", "/readyz?model=nobody", "model-not-found"],
    ["GET", "/v2/models/..%2f..%2fetc", "model-not-found"],
    ["GET", "/v2/models/constructor", "model-not-found"],
    ["POST", "/predict/__proto__", "model-not-found"],
  ];
  for (const [method, path, code] of unknown) {
    it(`404 for ${method} ${path}`, async () => {
      assertError(await cluster.send({ method, path, body: "{}" }), 404, code);
    });
  }

  const otherVerbs: readonly (readonly [string, string, string])[] = [
    ["GET", "/predict/echo", "POST"],
    ["PUT", "/predict/echo/versions/1", "POST"],
    ["GET", "/v2/models/echo/infer", "POST"],
    ["DELETE", "/v2/models/echo/versions/1/infer", "POST"],
    ["POST", "/livez", "GET"],
    ["POST", "/readyz", "GET"],
    ["PUT", "/health", "GET"],
    ["DELETE", "/metrics", "GET"],
    ["PATCH", "/supervisor", "GET"],
    ["POST", "/v2", "GET"],
    ["POST", "/v2/health/live", "GET"],
    ["POST", "/v2/health/ready", "GET"],
    ["POST", "/v2/models", "GET"],
    ["DELETE", "/v2/models/echo", "GET"],
    ["POST", "/v2/models/echo/versions/1", "GET"],
    ["POST", "/v2/models/echo/ready", "GET"],
    ["OPTIONS", "/v2/models/echo/versions/1/ready", "GET"],
  ];
  for (const [method, path, allowed] of otherVerbs) {
    it(`405 for ${method} ${path}`, async () => {
      const reply = await cluster.send({ method, path, body: "{}" });
      assertError(reply, 405, "method-not-allowed");
      assert.equal(reply.headers.allow, allowed);
    });
  }

  it("415 for a body that is surely no JSON", async () => {
    for (const headers of [
      { "content-type": "image/png" },
      { "content-type": "application/octet-stream" },
      { "content-encoding": "gzip" },
    ]) {
      const reply = await cluster.predict("echo", { features: row }, headers as never);
      assertError(reply, 415, "unsupported-media-type");
    }
  });

  it("501 for the binary form, which has its place but is not built", async () => {
    const headers = { "inference-header-content-length": "10" };
    const path = "/v2/models/echo/infer";
    const reply = await cluster.send({ method: "POST", path, body: "{}", headers });
    assertError(reply, 501, "not-implemented");
  });

  it("413 for a body over the limit, declared or not, while one at the limit is read", async () => {
    const bodyOf = (bytes: number) => {
      const body = JSON.stringify({ features: row });
      return `${body}${" ".repeat(bytes - body.length)}`;
    };
    assert.deepEqual(await predictionsOf("echo", bodyOf(maxBodyBytes)), [row]);
    const tooLarge = { method: "POST", path: "/predict/echo", body: bodyOf(maxBodyBytes + 1) };
    assertError(await cluster.send(tooLarge), 413, "payload-too-large");
    assertError(await cluster.send({ ...tooLarge, chunked: true }), 413, "payload-too-large");
    const huge = { ...tooLarge, body: bodyOf(maxBodyBytes * 50) };
    assertError(await cluster.send(huge), 413, "payload-too-large");
    assertError(await cluster.send({ ...huge, chunked: true }), 413, "payload-too-large");
  });

  it("our own words for what is no HTTP", async () => {
    assert.match(await sendRaw("nonsense\r\n\r\n"), /^HTTP\/1\.1 400 .*"code":"invalid-request"/s);
    const fat = `GET /livez HTTP/1.1\r\nhost: a\r\nx: ${"y".repeat(20_000)}\r\n\r\n`;
    assert.match(await sendRaw(fat), /^HTTP\/1\.1 431 .*"code":"payload-too-large"/s);
    const twoLengths =
      "POST /predict/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}}";
    assert.match(await sendRaw(twoLengths), /^HTTP\/1\.1 400 /);
    const smuggled =
      "POST /predict/echo HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n";
    assert.match(await sendRaw(smuggled), /^HTTP\/1\.1 400 /);
  });
});

describe("The routes of health", () => {
  it("say that the server lives and is ready", async () => {
    assert.deepEqual((await cluster.get<unknown>("/livez")).json, { live: true });
    assert.deepEqual((await cluster.get<unknown>("/v2/health/live")).json, { live: true });
    const ready = { ready: true, live: true, reasons: [] };
    for (const path of ["/readyz", "/v2/health/ready", "/readyz?model=echo"]) {
      const { status, json } = await cluster.get(path);
      assert.deepEqual([status, json], [200, ready], path);
    }
    assert.equal((await cluster.send({ method: "HEAD", path: "/livez" })).status, 200);
  });

  it("describe it to people", async () => {
    const { json } = await cluster.get<Record<string, unknown>>("/health");
    const { status, version, uptime_seconds, models } = json;
    assert.deepEqual([status, typeof version, typeof uptime_seconds], ["ok", "string", "number"]);
    assert.equal((models as unknown[]).length, modelCount);
  });

  it("give the tree of all processes", async () => {
    const tree = await cluster.tree();
    assert.equal(tree.supervisor.pid, cluster.pid);
    const pids = [...tree.front_doors, ...(await cluster.hosts("echo"))].map(({ pid }) => pid);
    for (const pid of pids) assert.ok(pid !== null && cluster.children.includes(pid));
    assert.equal(tree.models.length, modelCount);
    const host = (await cluster.host("echo")) as unknown as Record<string, unknown>;
    for (const field of ["rss_bytes", "cpu_seconds", "event_loop_delay_ms", "since"]) {
      assert.ok(field in host && host[field] !== null, field);
    }
    assert.deepEqual(
      ["role", "model", "version", "state", "restarts", "last_exit", "breaker"].map(
        (field) => host[field],
      ),
      ["host", "echo", "1", "ready", 0, null, "closed"],
    );
  });
});

describe("Open Inference V2", () => {
  it("names the server, its models and what they take", async () => {
    const server = (await cluster.get<Record<string, unknown>>("/v2")).json;
    assert.deepEqual(server["name"], "stage");
    const { models } = (await cluster.get<{ models: unknown[] }>("/v2/models")).json;
    assert.equal(models.length, modelCount);
    for (const path of ["/v2/models/echo", "/v2/models/echo/versions/1"]) {
      const { json } = await cluster.get<Metadata>(path);
      const { parameters, ...rest } = json;
      assert.deepEqual(rest, {
        name: "echo",
        versions: ["1"],
        platform: "onnxruntime_onnx",
        inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4] }],
        outputs: [{ name: "y", datatype: "FP32", shape: [-1, 4] }],
      });
      assert.equal(parameters.description, "gives back what it gets");
    }
  });

  const verdicts: readonly (readonly [string, string, RegExp])[] = [
    ["echo", "batched", /^$/],
    ["strings", "batched", /^$/],
    ["all", "batched", /^$/],
    ["fixed", "one-by-one", /'x' has the fixed shape \[1,4\]/],
    ["mixing", "unbatched", /'y' of a row changes/],
    ["constant", "unbatched", /'sums' does not grow/],
  ];
  for (const [model, type, reason] of verdicts) {
    it(`says in the metadata how ${model} was found to batch: ${type}`, async () => {
      const { batching } = (await cluster.get<Metadata>(`/v2/models/${model}`)).json.parameters;
      assert.equal(batching.type, type);
      assert.match(batching.reason ?? "", reason);
    });
  }

  it("lists outputs that cannot be served, and labels", async () => {
    const zipmap = (await cluster.get<Metadata>("/v2/models/zipmap")).json;
    assert.deepEqual(
      zipmap.parameters.not_servable?.map(({ name }) => name),
      ["output_probability"],
    );
    assert.equal(zipmap.outputs.length, 1);
    const labelled = (await cluster.get<Metadata>("/v2/models/labelled")).json;
    assert.deepEqual(labelled.parameters.labels, ["a", "b", "c", "d"]);
  });

  it("says of a model that it is ready", async () => {
    for (const path of ["/v2/models/echo/ready", "/v2/models/echo/versions/1/ready"]) {
      const { status, json } = await cluster.get<Record<string, unknown>>(path);
      assert.deepEqual([status, json["name"], json["ready"]], [200, "echo", true]);
    }
  });

  it("answers in its own shape, with the client's id and the outputs it wants", async () => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [2, 3], data: [1, 2, 3, -1, -2, -3] }];
    const outputs = [{ name: "largest" }, { name: "doubled" }];
    const { status, json } = await infer("several", { id: "q1", inputs, outputs });
    assert.equal(status, 200);
    assert.deepEqual(json, {
      id: "q1",
      model_name: "several",
      model_version: "1",
      outputs: [
        { name: "largest", datatype: "INT64", shape: [2], data: [2, 0] },
        { name: "doubled", datatype: "FP32", shape: [2, 3], data: [2, 4, 6, -2, -4, -6] },
      ],
    });
  });

  it("takes every datatype that JSON can carry, and says of the others how to send them", async () => {
    const { inputs } = (await cluster.get<{ inputs: Tensor[] }>("/v2/models/all")).json;
    const tensors = inputs.map(({ name, datatype }) => {
      return { name, datatype, shape: [1, 2], data: valuesOf(datatype) };
    });
    const { status, json, text } = await infer("all", { inputs: tensors });
    assert.equal(status, 200, text);
    assert.equal(tensors.length, jsonDatatypes.length);
    assert.deepEqual(
      json.outputs,
      tensors.map((tensor) => ({ ...tensor, name: tensor.name.replace("in_", "out_") })),
    );
    const halves = [{ name: "x", datatype: "FP16", shape: [1], data: [0.5] }];
    const refused = await infer("halves", { inputs: halves });
    assert.deepEqual([refused.status, refused.json.code], [400, "invalid-request"]);
    assert.match(refused.json.error, /FP16.*binary data format/);
  });

  it("writes null and warns where JSON has no such number", async () => {
    const inputs = [{ name: "x", datatype: "FP32", shape: [1, 1], data: [0] }];
    const { json } = await infer("nan", { inputs });
    assert.deepEqual(
      json.outputs.map(({ data }) => data),
      [[null], [null]],
    );
    assert.equal(json.parameters?.warnings.length, 2);
  });

  const x = { name: "x", datatype: "FP32", shape: [1, 4], data: row };
  const mistakes: readonly (readonly [string, unknown, RegExp])[] = [
    ["no inputs", {}, /inputs/],
    ["an unknown input", { inputs: [{ ...x, name: "z" }] }, /unexpected inference input 'z'/],
    ["a repeated input", { inputs: [x, x] }, /'x'/],
    ["another datatype", { inputs: [{ ...x, datatype: "INT64" }] }, /'INT64'.*expects 'FP32'/],
    ["an unknown datatype", { inputs: [{ ...x, datatype: "FP8" }] }, /FP8/],
    ["another shape", { inputs: [{ ...x, shape: [1, 5] }] }, /shape/],
    ["an open dim", { inputs: [{ ...x, shape: [-1, 4] }] }, /All input dimensions.*got -1/],
    ["too few elements", { inputs: [{ ...x, data: [1, 2, 3] }] }, /4.*3/],
    ["too many elements", { inputs: [{ ...x, data: [1, 2, 3, 4, 5] }] }, /4.*5/],
    ["text among numbers", { inputs: [{ ...x, data: [1, 2, 3, "4"] }] }, /'x'/],
    ["an unknown output", { inputs: [x], outputs: [{ name: "z" }] }, /'z'.*'y'/],
    ["a repeated output", { inputs: [x], outputs: [{ name: "y" }, { name: "y" }] }, /already/],
    ["an id that is no text", { id: 7, inputs: [x] }, /'id'/],
    ["a reserved parameter", { inputs: [x], parameters: { triton_x: 1 } }, /triton_/],
    ["a nested parameter", { inputs: [x], parameters: { a: {} } }, /'a'/],
  ];
  for (const [what, body, words] of mistakes) {
    it(`refuses ${what}, and says so`, async () => {
      const { status, json } = await infer("echo", body);
      assert.deepEqual([status, json.code], [400, "invalid-request"]);
      assert.match(json.error, words);
    });
  }
});

function valuesOf(datatype: string): readonly unknown[] {
  if (datatype === "BOOL") return [true, false];
  if (datatype === "BYTES") return ["a", "ß"];
  if (datatype.startsWith("FP")) return [0.5, -2];
  return datatype.startsWith("U") ? [0, 200] : [-100, 100];
}

it("and nothing is left", async () => {
  assert.equal(await cluster.restarts(), 0);
  await cluster.endsCleanly();
});
