import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, it, type TestContext } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { FastifyInstance } from "fastify";
import { backendPredictUrls } from "../../src/front-door/neighbours/ai-backend.ts";
import { neighbourRoutes } from "../../src/front-door/neighbours/body-routes.ts";
import { infoUrl } from "../../src/front-door/neighbours/model-nexus.ts";
import { operations } from "../../src/front-door/openapi-operations.ts";
import { plainRoutes } from "../../src/front-door/plain-routes.ts";
import { predictEndpoints } from "../../src/front-door/predict-path.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import { doorParts, model } from "./door-parts.ts";

interface Parameter {
  readonly name?: string;
  readonly required?: boolean;
}

interface Described {
  readonly operationId?: string;
  readonly parameters: readonly Parameter[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: object }>>;
  };
}

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Described>>>>;
}

const metadata: ModelMetadata = {
  inputs: [{ name: "x", datatype: "FP32", shape: [-1, 4], batchAxis: 0 }],
  outputs: [],
  batching: { type: "batched", maxBatchSize: 8 },
  notServable: [],
  state: [],
  stream: null,
  externalFiles: [],
};

function serve(t: TestContext) {
  const parts = doorParts();
  const ask = () => Promise.resolve("{}");
  const app = plainRoutes({ ...parts, ask, tell: () => true, isDraining: () => false });
  t.after(() => app.close());
  const read = async () => (await app.inject("/openapi.json")).json<Document>();
  return { ...parts, app, read };
}

/** By verb and path, as Fastify is told of them: without HEAD, which it adds itself, and the verbs that get 405. */
function routesOf(t: TestContext): ReadonlySet<string> {
  const routes = new Set<string>();
  const watch = (message: unknown) => {
    const { fastify } = message as { readonly fastify: FastifyInstance };
    fastify.addHook("onRoute", ({ method, url }) => {
      if (typeof method !== "string" || method === "HEAD") return;
      routes.add(`${method} ${url.replace(/:(\w+)/g, "{$1}")}`);
    });
  };
  subscribe("fastify.initialization", watch);
  serve(t);
  unsubscribe("fastify.initialization", watch);
  return routes;
}

function modelPaths({ paths }: Document): readonly string[] {
  return Object.keys(paths).filter((path) => /^\/(predict|v2\/models)\/m\b/.test(path));
}

describe("the document at /openapi.json", () => {
  it("is valid OpenAPI 3.1", async (t) => {
    const { directory, read } = serve(t);
    directory.update(model("m", { metadata }));
    const result = await new Validator().validate({ ...(await read()) });
    assert.deepEqual(result, { valid: true });
  });

  it("has every route that there is, and no other", (t) => {
    const registered = routesOf(t);
    const named = [...Object.values(predictEndpoints).flat(), ...neighbourRoutes.keys()];
    const asked = backendPredictUrls.flatMap((url) => [`GET ${url}`, `POST ${url}`]);
    const hot = [...named.map((path) => `POST ${path}`), ...asked];
    assert.deepEqual(Object.keys(operations).toSorted(), [...registered, ...hot].toSorted());
  });

  it("has only verbs that the routes take", async (t) => {
    const { app, read } = serve(t);
    for (const [path, verbs] of Object.entries((await read()).paths)) {
      const { headers, statusCode } = await app.inject({ method: "OPTIONS", url: path });
      const described = Object.keys(verbs).map((verb) => verb.toUpperCase());
      if (path === "/models/upload" || path === infoUrl) continue;
      assert.equal(statusCode, 405, path);
      assert.deepEqual(String(headers["allow"]).split(", ").toSorted(), described.toSorted());
    }
  });

  const wanting = { text: null, features: null, inputs: null };
  for (const [path, good, bad] of [
    ["/predict", { model_id: "m", features: [1], request_id: null }, { model_id: "m" }],
    ["/infer", { ...wanting, model: null, features: [1], parameters: null }, { model: "m" }],
    ["/infer", { ...wanting, inputs: { x: 1 }, version: "1" }, wanting],
    ["/infer/batch", { requests: [{ inputs: [] }] }, { requests: [] }],
    ["/post/predict", { features: [1] }, {}],
  ] as const) {
    it(`tells what ${path} takes from what it does not: ${JSON.stringify(bad)}`, async (t) => {
      const described = (await serve(t).read()).paths[path]?.["post"];
      const accepts = new Ajv2020({ strict: false }).compile(
        described?.requestBody?.content["application/json"]?.schema ?? {},
      );
      assert.deepEqual([accepts(good), accepts(bad)], [true, false]);
    });
  }

  it("tells what a query must have from what it may", async (t) => {
    const { paths } = await serve(t).read();
    const needed = (path: string, verb = "post") =>
      (paths[path]?.[verb]?.parameters ?? []).flatMap(({ name, required }) =>
        required === true ? [name] : [],
      );
    assert.deepEqual(needed("/post/predict"), ["id"]);
    assert.deepEqual(needed("/get/getlogs", "get"), ["id"]);
    assert.deepEqual(needed("/post/addmodel"), ["id", "type"]);
    assert.deepEqual(needed("/models"), []);
  });

  it("follows the models as they come and go", async (t) => {
    const { directory, read } = serve(t);
    assert.deepEqual(modelPaths(await read()), []);
    directory.update(model("m", { metadata }));
    assert.deepEqual(modelPaths(await read()), [
      "/predict/m",
      "/predict/m/versions/1",
      "/v2/models/m/infer",
      "/v2/models/m/versions/1/infer",
    ]);
    directory.remove("m");
    assert.deepEqual(modelPaths(await read()), []);
  });

  it("is not made twice of the same models", async (t) => {
    const { app, directory } = serve(t);
    const view = model("m", { metadata });
    let looks = 0;
    const watched = {
      get: () => {
        looks += 1;
        return metadata;
      },
    };
    for (const version of view.versions) Object.defineProperty(version, "metadata", watched);
    directory.update(view);
    const read = async () => (await app.inject("/openapi.json")).payload;
    const first = await read();
    const before = looks;
    assert.equal(await read(), first);
    assert.ok(before > 0);
    assert.equal(looks, before);
    directory.update(model("m", { metadata: null }));
    assert.notEqual(await read(), first);
  });

  it("gives each operation a name of its own", async (t) => {
    const { paths } = await serve(t).read();
    const names = Object.values(paths).flatMap((verbs) =>
      Object.values(verbs).flatMap(({ operationId }) => operationId ?? []),
    );
    assert.equal(new Set(names).size, names.length);
  });
});
