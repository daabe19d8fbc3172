import assert from "node:assert/strict";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { describe, it, type TestContext } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import type { FastifyInstance } from "fastify";
import { backendPredictUrls } from "../../src/front-door/neighbours/ai-backend.ts";
import { neighbourRoutes } from "../../src/front-door/neighbours/body-routes.ts";
import { infoUrl } from "../../src/front-door/neighbours/model-nexus.ts";
import { operations } from "../../src/front-door/openapi-operations.ts";
import { plainRoutes } from "../../src/front-door/plain-routes.ts";
import { predictEndpoints } from "../../src/front-door/predict-path.ts";
import type { ModelMetadata } from "../../src/protocol/model-metadata.ts";
import { doorParts, model } from "./door-parts.ts";

interface Document {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { operationId?: string }>>>>;
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

  it("gives each operation a name of its own", async (t) => {
    const { paths } = await serve(t).read();
    const names = Object.values(paths).flatMap((verbs) =>
      Object.values(verbs).flatMap(({ operationId }) => operationId ?? []),
    );
    assert.equal(new Set(names).size, names.length);
  });
});
