import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { plainRoutes } from "../../src/front-door/plain-routes.ts";
import { TroupeError } from "../../src/protocol/errors.ts";
import type { Question } from "../../src/protocol/questions.ts";
import { doorParts } from "./door-parts.ts";
import { serveManagement } from "./management-server.ts";

type Method = "GET" | "POST" | "PUT";

async function send(method: Method, url: string) {
  const ask = async ({ type }: Question) => `{"${type}":1}`;
  const tell = () => undefined;
  const app = plainRoutes({ ...doorParts(), ask, tell, isDraining: () => false });
  return app.inject({ method, url, headers: { host: "localhost" } });
}

describe("The routes of Open Inference V2 that are not built", { timeout: 20_000 }, () => {
  const rows: readonly (readonly [Method, string, RegExp])[] = [
    ["GET", "/v2/systemsharedmemory/status", /^system shared memory is/],
    ["GET", "/v2/systemsharedmemory/region/r/status", /^system shared memory is/],
    ["POST", "/v2/systemsharedmemory/region/r/register", /^system shared memory is/],
    ["POST", "/v2/systemsharedmemory/unregister", /^system shared memory is/],
    ["GET", "/v2/cudasharedmemory/status", /^CUDA shared memory is/],
    ["POST", "/v2/cudasharedmemory/region/r/unregister", /^CUDA shared memory is/],
    ["POST", "/v2/models/m/generate", /^generate comes with text/],
    ["POST", "/v2/models/m/versions/1/generate_stream", /^generate_stream comes with text/],
    ["POST", "/v2/repository/shelf/index", /^'repository_name' specification is not supported$/],
    ["POST", "/v2/repository/shelf/models/m/load", /^'repository_name' specification is not/],
    ["POST", "/v2/repository/shelf/models/m/unload", /^'repository_name' specification is not/],
  ];
  for (const [method, url, words] of rows) {
    it(`say so: ${method} ${url}`, async () => {
      const { statusCode, json } = await send(method, url);
      assert.equal(statusCode, 501);
      assert.equal(json().code, "not-implemented");
      assert.match(json().error, words);
    });
  }
});

describe("The routes of Open Inference V2", { timeout: 20_000 }, () => {
  const rows: readonly (readonly [Method, string, string])[] = [
    ["GET", "/v2/repository/index", "POST"],
    ["GET", "/v2/repository/models/m/load", "POST"],
    ["PUT", "/v2/repository/models/m/unload", "POST"],
    ["POST", "/v2/models/m/config", "GET"],
    ["PUT", "/v2/trace/setting", "GET, POST"],
    ["GET", "/v2/models/m/generate", "POST"],
    ["PUT", "/v2/logging", "GET, POST"],
    ["POST", "/v2/models/stats", "GET"],
    ["POST", "/v2/models/m/versions/1/stats", "GET"],
    ["POST", "/v2/systemsharedmemory/status", "GET"],
  ];
  for (const [method, url, allowed] of rows) {
    it(`refuse ${method} ${url} with what it takes`, async () => {
      const { statusCode, headers } = await send(method, url);
      assert.deepEqual([statusCode, headers["allow"]], [405, allowed]);
    });
  }
});

describe("The statistics' routes", { timeout: 20_000 }, () => {
  it("ask the supervisor for all, for a model, or for a version", async (t) => {
    const { url, asked } = await serveManagement(t);
    for (const path of ["stats", "m/stats", "m/versions/1/stats"]) {
      const reply = await fetch(`${url}/v2/models/${path}`);
      assert.match(String(reply.headers.get("content-type")), /^application\/json/);
    }
    assert.deepEqual(asked, [
      { type: "statistics", model: null, version: null },
      { type: "statistics", model: "m", version: null },
      { type: "statistics", model: "m", version: "1" },
    ]);
    assert.equal((await fetch(`${url}/v2/models/.m/stats`)).status, 404);
  });
});

describe("The route of traces", { timeout: 20_000 }, () => {
  it("asks for those of a model that is there, and of no other", async (t) => {
    const { url, asked } = await serveManagement(t);
    assert.equal((await fetch(`${url}/v2/trace?model=m`)).status, 200);
    assert.equal((await fetch(`${url}/v2/trace?model=no`)).status, 404);
    assert.deepEqual(asked, [{ type: "traces", model: "m" }]);
  });
});

describe("The logging route", { timeout: 20_000 }, () => {
  it("asks for a level that follows from the one there is", async (t) => {
    const { url, asked } = await serveManagement(t, {}, (question) =>
      JSON.stringify({ level: (question as { level?: unknown }).level ?? "info" }),
    );
    const headers = { "content-type": "application/json" };
    const body = `{"log_verbose_level":1}`;
    const reply = await fetch(`${url}/v2/logging`, { method: "POST", headers, body });
    const { log_verbose_level } = (await reply.json()) as Record<string, unknown>;
    assert.deepEqual([reply.status, log_verbose_level], [200, 1]);
    assert.deepEqual(asked, [
      { type: "log-level", level: null },
      { type: "log-level", level: "debug" },
    ]);
    const foreign = { ...headers, origin: "http://elsewhere.example" };
    const refused = await fetch(`${url}/v2/logging`, { method: "POST", headers: foreign, body });
    assert.equal(refused.status, 403);
  });
});

describe("The repository routes", { timeout: 20_000 }, () => {
  const headers = { "content-type": "application/json" };
  const post = (url: string, body = "") => fetch(url, { method: "POST", headers, body });

  it("index all models, or those that are ready", async (t) => {
    const { url, directory } = await serveManagement(t);
    const path = `${url}/v2/repository/index`;
    const [one] = directory.models;
    assert.ok(one !== undefined);
    directory.update({ ...one, name: "n", versions: [] });
    const ready = [{ name: "m", version: "1", state: "READY" }];
    assert.deepEqual(await (await post(path)).json(), [...ready, { name: "n" }]);
    assert.deepEqual(await (await post(path, `{"ready":true}`)).json(), ready);
    assert.equal((await post(path, `{"ready":1}`)).status, 400);
    assert.equal((await post(path, `[]`)).status, 400);
  });

  it("load and unload a model, and answer nothing", async (t) => {
    const { url, asked } = await serveManagement(t);
    const ids: (string | null)[] = [];
    for (const type of ["load", "unload"] as const) {
      const reply = await post(`${url}/v2/repository/models/m/${type}`, "{}");
      assert.deepEqual([reply.status, await reply.text()], [200, ""]);
      ids.push(reply.headers.get("x-request-id"));
    }
    assert.deepEqual(
      asked,
      (["load", "unload"] as const).map((type, at) => {
        const requestId = ids[at];
        return { type: "change", change: { type, model: "m", version: null }, requestId };
      }),
    );
  });

  it("say which model failed to load, with the supervisor's code and words", async (t) => {
    const { url } = await serveManagement(t, {}, () => new TroupeError("invalid-model", "why"));
    const reply = await post(`${url}/v2/repository/models/m/load`);
    const { error, code } = (await reply.json()) as Record<string, unknown>;
    assert.deepEqual(
      [reply.status, error, code],
      [422, "failed to load 'm': why", "invalid-model"],
    );
  });

  it("hand on a load with files as an upload, and one with a configuration as a change", async (t) => {
    const { url, asked } = await serveManagement(t);
    const path = `${url}/v2/repository/models/m/load`;
    const file = { "file:3/model.onnx": Buffer.from("a model").toString("base64") };
    const both = { parameters: { ...file, config: "{}" } };
    assert.equal((await post(path, JSON.stringify(both))).status, 200);
    assert.equal((await post(path, JSON.stringify({ parameters: { config: "{}" } }))).status, 200);
    assert.deepEqual(
      asked.map((one) => (one.type === "change" ? one.change.type : one.type)),
      ["open-upload", "name-upload", "upload", "configure"],
    );
    const [, named, upload] = asked;
    assert.deepEqual(named, { type: "name-upload", uploadId: "u1", model: "m", version: "3" });
    assert.ok(upload?.type === "change" && upload.change.type === "upload");
    const { files, ...terms } = upload.change;
    const expected = { type: "upload", uploadId: "u1", model: "m", version: "3" };
    assert.deepEqual(terms, { ...expected, config: "{}", dialect: "triton" });
    assert.deepEqual(
      files.map(({ name, bytes }) => [name, bytes]),
      [["model.onnx", 7]],
    );
  });

  it("drop what a load has brought when it is refused", async (t) => {
    const { url, asked, told } = await serveManagement(t, { maxUploadBytes: 1_000 });
    const path = `${url}/v2/repository/models/m/load`;
    const load = (parameters: unknown) => post(path, JSON.stringify({ parameters }));
    const model = "file:1/model.onnx";
    const rows: readonly (readonly [object, number])[] = [
      [{ [model]: "YQ==" }, 400],
      [{ [model]: "YQ=", config: "{}" }, 400],
      [{ [model]: "YQ==", "file:2/w": "YQ==", config: "{}" }, 400],
      [{ [model]: "YQ==", "file:1/../w": "YQ==", config: "{}" }, 400],
      [{ "file:1/m.onnx": "YQ==", config: "{}" }, 400],
      [{ [model]: "YQ==", config: "{}", other: 1 }, 400],
      [{ [model]: "A".repeat(1_000), config: "{}" }, 413],
    ];
    for (const [parameters, status] of rows) {
      const reply = await load(parameters);
      assert.equal(reply.status, status, JSON.stringify(parameters));
    }
    const opened = asked.filter(({ type }) => type === "open-upload").length;
    const dropped = told.filter(({ type }) => type === "upload-dropped").length;
    assert.equal(dropped, opened);
    assert.ok(asked.every(({ type }) => type !== "change"));
  });

  it("are guarded as all that changes models", async (t) => {
    const { url, asked } = await serveManagement(t);
    const foreign = { origin: "http://elsewhere.example" };
    for (const path of ["load", "unload"]) {
      const reply = await fetch(`${url}/v2/repository/models/m/${path}`, {
        method: "POST",
        headers: foreign,
      });
      assert.equal(reply.status, 403);
    }
    assert.deepEqual(asked, []);
  });
});
