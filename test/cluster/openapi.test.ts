import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { allDatatypesModel, stringsAndIntegersModel } from "../../models/datatype-models.ts";
import { batchMixingModel } from "../../models/odd-models.ts";
import { binaryBody, type TensorEntry } from "./binary-form.ts";
import { startReady } from "./cluster.ts";
import { absent, changing, requestsOf, row, there } from "./document-asks.ts";
import { formHeaders, formOf, uploadParts } from "./multipart.ts";
import { type Document, ServedDocument } from "./served-document.ts";

const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
const samples = resolve(import.meta.dirname, "../../models");
for (const name of ["iris", "smoother"]) {
  cpSync(join(samples, name), join(modelsFolder, name), { recursive: true });
}
for (const [name, onnx] of [
  ["texts", stringsAndIntegersModel()],
  ["datatypes", allDatatypesModel()],
  ["mixing", batchMixingModel()],
] as const) {
  mkdirSync(join(modelsFolder, name));
  writeFileSync(join(modelsFolder, name, "model.onnx"), onnx);
}
const cluster = await startReady({ after }, { home, modelsFolder, flags: ["--front-doors", "1"] });

const document = await ServedDocument.of(cluster);
const { served, ajv, keys, answered } = document;
const zeros: Readonly<Record<string, unknown>> = { BOOL: false, BYTES: "" };
const parameters = { binary_data_output: true };
const stranger = { host: "troupe.example" };

describe("the document at /openapi.json of a real server", () => {
  it("is valid OpenAPI 3.1", async () => {
    assert.deepEqual(await new Validator().validate({ ...served }), { valid: true });
  });

  it("describes what a model takes by bodies that it takes, and refuses others", async () => {
    const predict = document.operationAt("POST", "/predict/iris").requestBody;
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
      assert.equal(await document.ask(`POST ${path}`, there, { body }), 200);
    });
  }

  it("has an example for each path of a model", () => {
    const paths = Object.entries(served.paths).filter(([, { post }]) =>
      Object.values(post?.requestBody?.content ?? {}).some(({ example }) => example !== undefined),
    );
    const models = ["datatypes", "iris", "mixing", "smoother", "texts"];
    assert.deepEqual(
      paths.map(([path]) => path).toSorted(),
      models
        .flatMap((model) =>
          ["", "/versions/1"].flatMap((version) => [
            `/predict/${model}${version}`,
            // FP16 comes in binary there.
            ...(model === "datatypes" ? [] : [`/v2/models/${model}${version}/infer`]),
          ]),
        )
        .toSorted(),
    );
  });

  for (const key of keys.filter((one) => !changing.test(one))) {
    it(`describes the answers of ${key}`, async () => {
      for (const [values, more] of requestsOf(key)) await document.ask(key, values, more);
    });
  }

  it("describes the answers to a body of FP16", async () => {
    const { json } = await cluster.get<{ readonly inputs: readonly TensorEntry[] }>(
      "/v2/models/datatypes",
    );
    const inputs = json.inputs.map(({ name, datatype }) => ({
      ...{ name, datatype, shape: [1, 2] },
      ...(datatype === "FP16"
        ? { parameters: { binary_data_size: 4 } }
        : { data: [zeros[datatype] ?? 0, zeros[datatype] ?? 0] }),
    }));
    const { body, jsonBytes } = binaryBody({ inputs, parameters }, [Buffer.alloc(4)]);
    const headers = { "inference-header-content-length": String(jsonBytes) };
    for (const version of ["", "/versions/1"]) {
      const key = `POST /v2/models/datatypes${version}/infer`;
      assert.equal(await document.ask(key, there, { body, headers }), 200);
    }
  });

  it("describes forms that are asked for", async () => {
    await document.ask("GET /models", { ...there, format: "array" });
    await document.ask("GET /metrics", there, { headers: { accept: "application/json" } });
    await document.ask("GET /available_models", there, { headers: { accept: "text/html" } });
  });

  it("describes a head that is too long", async () => {
    await document.ask("GET /livez", there, { headers: { "x-long": "a".repeat(20_000) } });
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
      await document.ask(key, there, upload(id, readFileSync(onnx)));
      await document.ask(key, there, upload(`${id}-bad`, Buffer.from("no model")));
      await document.ask(key, there, {
        body: "{}",
        headers: { "content-type": "application/json" },
      });
      await document.ask(key, there, { body: "", headers: stranger });
    }
    const first = { ...there, model: "first" };
    for (const action of ["unload", "load", "restart"]) {
      await document.ask(`POST /models/{model}/${action}`, first);
      await document.ask(`POST /models/{model}/${action}`, absent);
      await document.ask(`POST /models/{model}/${action}`, first, { headers: stranger });
    }
    for (const action of ["unload", "load"]) {
      const key = `POST /v2/repository/models/{model}/${action}`;
      await document.ask(key, first, { body: {} });
      await document.ask(key, absent, { body: {} });
      await document.ask(key, first, { body: { parameters: { other: 1 } } });
    }
    const patch = "PATCH /models/{model}";
    await document.ask(patch, first, { body: { description: "Flowers" } });
    await document.ask(patch, first, { body: { replcas: 1 } });
    await document.ask(patch, first, { body: "[", headers: { "content-type": "image/png" } });
    for (const key of [
      "DELETE /models/{model}/versions/{version}",
      "DELETE /models/{model}",
    ] as const) {
      await document.ask(key, absent);
      await document.ask(key, first, { headers: stranger });
    }
    await document.ask("DELETE /models/{model}/versions/{version}", first);
    await document.ask("DELETE /models/{model}", { ...there, model: "second" });
  });

  it("has no route that was not asked, and none whose success was not seen", () => {
    for (const key of keys) {
      assert.ok(answered.has(key), `${key} was not asked`);
      const success = [200, 201].find((status) => document.describes(key, status));
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
