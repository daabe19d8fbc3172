import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import { stringsAndIntegersModel } from "../../models/datatype-models.ts";
import { batchMixingModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import type { Ask, Reply } from "./http-client.ts";
import { formHeaders, formOf, uploadParts } from "./multipart.ts";
import { asksById, neighbourBodies } from "./neighbour-asks.ts";

type Json = Readonly<Record<string, unknown>>;

interface Response {
  readonly headers?: Readonly<
    Record<string, { readonly required?: boolean; readonly schema: Json }>
  >;
  readonly content?: Readonly<Record<string, { readonly schema?: Json }>>;
}

interface Operation {
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: Json; readonly example?: Json }>>;
  };
  readonly responses: Readonly<Record<string, Response | { readonly $ref: string }>>;
}

interface Document extends Json {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: Json & { readonly responses: Readonly<Record<string, Response>> };
}

const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
const samples = resolve(import.meta.dirname, "../../models");
for (const name of ["iris", "smoother"]) {
  cpSync(join(samples, name), join(modelsFolder, name), { recursive: true });
}
for (const [name, onnx] of [
  ["texts", stringsAndIntegersModel()],
  ["mixing", batchMixingModel()],
] as const) {
  mkdirSync(join(modelsFolder, name));
  writeFileSync(join(modelsFolder, name, "model.onnx"), onnx);
}
const cluster = await startReady({ after }, { home, modelsFolder, flags: ["--front-doors", "1"] });

const { json: served } = await cluster.get<Document>("/openapi.json");
const ajv = new Ajv2020({ strict: false, validateFormats: false });
ajv.addSchema({ $id: "served", components: served.components });

function isValid(schema: Json, value: unknown): void {
  const words = JSON.stringify(schema).replaceAll('"#/components', '"served#/components');
  const accepts = ajv.compile(JSON.parse(words) as Json);
  assert.ok(accepts(value), `${ajv.errorsText(accepts.errors)} in ${JSON.stringify(value)}`);
}

/** What was answered, by verb and path of the document. */
const answered = new Map<string, Set<number>>();

function operationAt(verb: string, path: string): Operation {
  const found = served.paths[path]?.[verb.toLowerCase()];
  assert.ok(found !== undefined, `${verb} ${path} is not in the document`);
  return found;
}

function responseAt(operation: Operation, status: number): Response | undefined {
  const found = operation.responses[status];
  if (found === undefined || !("$ref" in found)) return found;
  return served.components.responses[found.$ref.replace("#/components/responses/", "")];
}

/** The answer is one that the document describes. */
function judge(key: string, reply: Reply<unknown>): void {
  const [verb = "", path = ""] = key.split(" ");
  const response = responseAt(operationAt(verb, path), reply.status);
  assert.ok(response !== undefined, `${key} answers ${reply.status}, not in the document`);
  for (const [name, { required, schema }] of Object.entries(response.headers ?? {})) {
    const value = reply.headers[name];
    assert.ok(value !== undefined || !required, `${key} ${reply.status} has no ${name}`);
    if (value !== undefined) isValid(schema, value);
  }
  if (reply.headers["retry-after"] !== undefined) assert.ok(response.headers?.["retry-after"]);
  judgeBody(key, response, reply);
  const statuses = answered.get(key) ?? new Set();
  answered.set(key, statuses.add(reply.status));
}

function judgeBody(key: string, { content }: Response, reply: Reply<unknown>): void {
  if (content === undefined) {
    assert.equal(reply.text, "", key);
    return;
  }
  const type = String(reply.headers["content-type"]).split(";")[0] ?? "";
  const described = content[type];
  assert.ok(described !== undefined, `${key} answers ${type}, not in the document`);
  if (described.schema !== undefined) {
    isValid(described.schema, type === "application/json" ? reply.json : reply.text);
  }
}

/** What stands for the parameters of a path: what is there, and what is not. */
const there: Readonly<Record<string, string>> = {
  model: "iris",
  version: "1",
  file: "swagger-ui.css",
  region: "r",
  repository: "r",
};
const absent = { ...there, model: "nobody", version: "9", file: "nothing" };

function filled(path: string, values: Readonly<Record<string, string>>): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => values[name] ?? name);
}

const row = [5.1, 3.5, 1.4, 0.2];
const tensor = { name: "x", datatype: "FP32", shape: [1, 4], data: row };
const stranger = { host: "troupe.example" };

/** Requests with a body, by the word that the path has in it. */
function bodiesOf(path: string): readonly Partial<Ask>[] {
  const neighbour = neighbourBodies[path];
  if (neighbour !== undefined) return [{ body: neighbour }, { body: {} }];
  if (path.startsWith("/predict"))
    return [{ body: { features: row } }, { body: { features: [1] } }];
  if (path.endsWith("/infer")) {
    const binary = { inputs: [tensor], parameters: { binary_data_output: true } };
    return [{ body: { inputs: [tensor] } }, { body: binary }, { body: { inputs: [] } }];
  }
  if (path.endsWith("/trace/setting")) {
    return [
      { body: { trace_level: ["TIMESTAMPS"], trace_rate: "1" } },
      { body: { trace_rate: 0 } },
    ];
  }
  if (path === "/v2/logging") return [{ body: { log_info: true } }, { body: { log_file: "a" } }];
  return [{ body: {} }, { body: "[" }];
}

function isPrediction(path: string): boolean {
  return path.startsWith("/predict") || path.endsWith("/infer");
}

const odd: readonly Partial<Ask>[] = [
  { body: "{}", headers: { "content-type": "image/png" } },
  { body: "{}", headers: { "x-priority": "high" } },
  { body: "{}", headers: { "x-request-timeout-ms": "soon" } },
  { body: "{}", headers: { "content-encoding": "br" } },
];

async function ask(key: string, values: Readonly<Record<string, string>>, more: Partial<Ask> = {}) {
  const [method = "", path = ""] = key.split(" ");
  const byId = asksById.test(path) ? `?id=${values["model"]}` : "";
  const query = values["format"] === undefined ? byId : `?format=${values["format"]}`;
  const reply = await cluster.send({ method, path: filled(path, values) + query, ...more });
  judge(key, reply);
  return reply.status;
}

type Request = readonly [values: Readonly<Record<string, string>>, more: Partial<Ask>];

/** Of what is there and what is not, good and bad. */
function requestsOf(key: string): readonly Request[] {
  const [method, path = ""] = key.split(" ");
  const bodies = method === "POST" || path.endsWith("t/predict") ? bodiesOf(path) : [{}];
  const strange = isPrediction(path) ? odd : [];
  return [
    ...[there, absent].flatMap((values) => bodies.map((more): Request => [values, more])),
    ...strange.map((more): Request => [there, more]),
  ];
}

/** Those of `/models` that change something come last, in an order that leaves something to change. */
const changing = /^(POST|PATCH|DELETE) \/(models|v2\/repository\/models)\b/;
const keys = Object.entries(served.paths).flatMap(([path, verbs]) =>
  Object.keys(verbs).map((verb) => `${verb.toUpperCase()} ${path}`),
);

function describes(key: string, status: number): boolean {
  const [verb = "", path = ""] = key.split(" ");
  return Object.hasOwn(operationAt(verb, path).responses, status);
}

describe("the document at /openapi.json of a real server", () => {
  it("is valid OpenAPI 3.1", async () => {
    assert.deepEqual(await new Validator().validate({ ...served }), { valid: true });
  });

  it("describes what a model takes by bodies that it takes, and refuses others", async () => {
    const predict = operationAt("POST", "/predict/iris").requestBody;
    const schema = predict?.content["application/json"]?.schema;
    assert.ok(schema !== undefined);
    for (const features of [row, [row, row], [1, 2, 3], ["a", 1, 2, 3], [[1]]]) {
      const accepts = ajv.compile(schema)({ features });
      const { status } = await cluster.predict("iris", { features });
      assert.equal(accepts, status === 200, JSON.stringify(features));
    }
  });

  for (const path of Object.keys(served.paths).filter((one) => !one.includes("{"))) {
    const body = served.paths[path]?.["post"]?.requestBody?.content["application/json"]?.example;
    if (body === undefined) continue;
    it(`begins with a body that ${path} takes`, async () => {
      assert.equal(await ask(`POST ${path}`, there, { body }), 200);
    });
  }

  it("has an example for each path of a model", () => {
    const paths = Object.entries(served.paths).filter(([, { post }]) =>
      Object.values(post?.requestBody?.content ?? {}).some(({ example }) => example !== undefined),
    );
    const models = ["iris", "mixing", "smoother", "texts"];
    assert.deepEqual(
      paths.map(([path]) => path).toSorted(),
      models
        .flatMap((model) =>
          ["", "/versions/1"].flatMap((version) => [
            `/predict/${model}${version}`,
            `/v2/models/${model}${version}/infer`,
          ]),
        )
        .toSorted(),
    );
  });

  for (const key of keys.filter((one) => !changing.test(one))) {
    it(`describes the answers of ${key}`, async () => {
      for (const [values, more] of requestsOf(key)) await ask(key, values, more);
    });
  }

  it("describes forms that are asked for", async () => {
    await ask("GET /models", { ...there, format: "array" });
    await ask("GET /metrics", there, { headers: { accept: "application/json" } });
    await ask("GET /available_models", there, { headers: { accept: "text/html" } });
  });

  it("describes a head that is too long", async () => {
    await ask("GET /livez", there, { headers: { "x-long": "a".repeat(20_000) } });
  });

  it("describes the answers of changes", async () => {
    const onnx = join(samples, "iris/model.onnx");
    const upload = (id: string, bytes: Uint8Array) => ({
      body: formOf(uploadParts({ id }, ["model.onnx", bytes])),
      headers: formHeaders,
    });
    for (const [key, id] of [
      ["POST /models", "first"],
      ["POST /models/upload", "second"],
    ] as const) {
      await ask(key, there, upload(id, readFileSync(onnx)));
      await ask(key, there, upload(`${id}-bad`, Buffer.from("no model")));
      await ask(key, there, { body: "{}", headers: { "content-type": "application/json" } });
      await ask(key, there, { body: "", headers: stranger });
    }
    const first = { ...there, model: "first" };
    for (const action of ["unload", "load", "restart"]) {
      await ask(`POST /models/{model}/${action}`, first);
      await ask(`POST /models/{model}/${action}`, absent);
      await ask(`POST /models/{model}/${action}`, first, { headers: stranger });
    }
    for (const action of ["unload", "load"]) {
      const key = `POST /v2/repository/models/{model}/${action}`;
      await ask(key, first, { body: {} });
      await ask(key, absent, { body: {} });
      await ask(key, first, { body: { parameters: { other: 1 } } });
    }
    const patch = "PATCH /models/{model}";
    await ask(patch, first, { body: { description: "Flowers" } });
    await ask(patch, first, { body: { replcas: 1 } });
    await ask(patch, first, { body: "[", headers: { "content-type": "image/png" } });
    for (const key of [
      "DELETE /models/{model}/versions/{version}",
      "DELETE /models/{model}",
    ] as const) {
      await ask(key, absent);
      await ask(key, first, { headers: stranger });
    }
    await ask("DELETE /models/{model}/versions/{version}", first);
    await ask("DELETE /models/{model}", { ...there, model: "second" });
  });

  it("has no route that was not asked, and none whose success was not seen", () => {
    for (const key of keys) {
      assert.ok(answered.has(key), `${key} was not asked`);
      const success = [200, 201].find((status) => describes(key, status));
      if (success !== undefined) assert.ok(answered.get(key)?.has(success), `${key} ${success}`);
    }
  });

  it("has no path of a model that is gone", async () => {
    const { json } = await cluster.get<Document>("/openapi.json");
    assert.ok(Object.hasOwn(json.paths, "/predict/iris"));
    assert.ok(!Object.hasOwn(json.paths, "/predict/second"));
  });

  it("leaves nothing behind", () => cluster.endsCleanly());
});
