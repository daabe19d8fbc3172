import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { after, describe, it } from "node:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import { brokenModel } from "../../models/odd-models.ts";
import { startReady } from "./cluster.ts";
import { absent, changing, requestsOf, there } from "./document-asks.ts";
import { ServedDocument } from "./served-document.ts";

const home = mkdtempSync("/tmp/trt-");
const modelsFolder = join(home, "models");
const iris = resolve(import.meta.dirname, "../../models/iris");
cpSync(iris, join(modelsFolder, "iris"), { recursive: true });
mkdirSync(join(modelsFolder, "broken"));
writeFileSync(join(modelsFolder, "broken", "model.onnx"), brokenModel());

const flags = ["--front-doors", "1", "--compat-triton"];
const cluster = await startReady({ after }, { home, modelsFolder, flags });
const document = await ServedDocument.of(cluster);
const broken = { ...there, model: "broken" };

describe("the document of a server with compat: { triton: true }", () => {
  it("is valid OpenAPI 3.1", async () => {
    assert.deepEqual(await new Validator().validate({ ...document.served }), { valid: true });
  });

  const plain = document.keys.filter((key) => !changing.test(key));
  for (const key of plain.filter((one) => / \/v2\b/.test(one))) {
    it(`describes the answers of ${key}`, async () => {
      const ofBroken = requestsOf(key).map(([, more]) => [broken, more] as const);
      for (const [values, more] of [...requestsOf(key), ...ofBroken]) {
        await document.ask(key, values, more);
      }
    });
  }

  it("describes health of a model that cannot be served", async () => {
    const { status, text } = await cluster.get("/v2/health/ready?model=broken");
    assert.deepEqual([status, text], [400, ""]);
    assert.equal(await document.ask("GET /v2/models/{model}/ready", broken), 400);
  });

  it("describes the answers of changes", async () => {
    for (const action of ["unload", "load"]) {
      const key = `POST /v2/repository/models/{model}/${action}`;
      assert.equal(await document.ask(key, there, { body: {} }), 200);
      assert.equal(await document.ask(key, absent, { body: {} }), 400);
      await document.ask(key, broken, { body: {} });
      await document.ask(key, there, { body: { parameters: { other: 1 } } });
      await document.ask(key, there, { headers: { host: "troupe.example" } });
    }
  });

  it("describes the answers of other routes as they are without it", async () => {
    for (const key of ["POST /predict/{model}", "GET /models/{model}", "GET /readyz"]) {
      for (const [values, more] of requestsOf(key)) await document.ask(key, values, more);
    }
    assert.equal(await document.ask("POST /predict/{model}", absent, { body: "{}" }), 404);
  });

  it("describes a head that is too long", async () => {
    const headers = { "x-long": "a".repeat(20_000) };
    assert.equal(await document.ask("GET /v2", there, { headers }), 431);
  });

  it("leaves nothing behind", () => cluster.endsCleanly());
});
