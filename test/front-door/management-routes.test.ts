import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeError } from "../../src/protocol/errors.ts";
import { head, serveManagement } from "./management-server.ts";
import { codeOf } from "./raw-client.ts";

const bounded = { timeout: 20_000 };

describe("What runs", bounded, () => {
  const rows: readonly (readonly [string, object])[] = [
    ["/models", { type: "models" }],
    ["/models/m", { type: "model", model: "m" }],
    ["/models/m/config", { type: "config", model: "m" }],
    ["/models/m/versions/2", { type: "version", model: "m", version: "2" }],
  ];
  for (const [path, question] of rows) {
    it(`is told in the supervisor's own words: ${path}`, async (t) => {
      const { url } = await serveManagement(t, { management: "off" });
      const response = await fetch(url + path);
      assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
      assert.deepEqual([response.status, await response.json()], [200, question]);
    });
  }

  for (const path of ["/models/.m", "/models/m%20n/config", "/models/m/versions/%2e%2e"]) {
    it(`is not asked for by what is no name: ${path}`, async (t) => {
      const { connect, asked } = await serveManagement(t);
      const client = connect();
      client.write(head("GET", path));
      const answer = await client.answer();
      assert.deepEqual([answer.status, codeOf(answer), asked], [404, "model-not-found", []]);
    });
  }
});

describe("A change", bounded, () => {
  const rows: readonly (readonly [string, string, object])[] = [
    ["POST", "/models/m/load", { type: "load", model: "m", version: null }],
    ["POST", "/models/m/load?version=2", { type: "load", model: "m", version: "2" }],
    ["POST", "/models/m/unload?version=2", { type: "unload", model: "m", version: "2" }],
    ["POST", "/models/m/restart", { type: "restart", model: "m", version: null }],
    ["DELETE", "/models/m", { type: "delete", model: "m", version: null }],
    ["DELETE", "/models/upload", { type: "delete", model: "upload", version: null }],
    ["DELETE", "/models/m/versions/2", { type: "delete", model: "m", version: "2" }],
  ];
  for (const [method, path, change] of rows) {
    it(`is the supervisor's to make: ${method} ${path}`, async (t) => {
      const { url } = await serveManagement(t);
      const response = await fetch(url + path, { method, headers: { "x-request-id": "r1" } });
      assert.match(response.headers.get("content-type") ?? "", /^application\/json/);
      const question = { type: "change", change, requestId: "r1" };
      assert.deepEqual([response.status, await response.json()], [200, question]);
    });
  }

  const invalid: readonly (readonly [string, string, RegExp])[] = [
    ["POST", "/models/.m/load", /^model must be 1 to 64/],
    ["POST", "/models/m/load?version=a%2Fb", /^version must be 1 to 64 .*, got 'a\/b'$/],
    ["POST", "/models/m/unload?verison=2", /^unknown parameter 'verison'.*known is version$/],
    ["POST", "/models/m/unload?version=1&version=2", /^version was given twice$/],
    ["DELETE", "/models/m/versions/.2", /^version must be/],
  ];
  for (const [method, path, words] of invalid) {
    it(`is refused by field: ${method} ${path}`, async (t) => {
      const { url, asked } = await serveManagement(t);
      const response = await fetch(url + path, { method });
      const { code, error } = (await response.json()) as Record<string, string>;
      assert.deepEqual([response.status, code, asked], [400, "invalid-request", []]);
      assert.match(error ?? "", words);
    });
  }

  it("fails as the supervisor says", async (t) => {
    const { url } = await serveManagement(t, {}, () => new TroupeError("conflict", "busy"));
    const response = await fetch(`${url}/models/m/load`, { method: "POST" });
    const { code, error } = (await response.json()) as Record<string, string>;
    assert.deepEqual([response.status, code, error], [409, "conflict", "busy"]);
  });

  it("is to be tried again when the supervisor says so", async (t) => {
    const busy = new TroupeError("conflict", "another change is under way", {
      retryAfterMs: 1_200,
    });
    const { url } = await serveManagement(t, {}, () => busy);
    const { status, headers } = await fetch(`${url}/models/m/load`, { method: "POST" });
    const after = [headers.get("retry-after"), headers.get("retry-after-ms")];
    assert.deepEqual([status, ...after], [409, "2", "1200"]);
  });

  const guarded: readonly (readonly [string, string])[] = [
    ["POST", "/models/m/load"],
    ["PATCH", "/models/m"],
    ["DELETE", "/models/m"],
    ["DELETE", "/models/m/versions/1"],
    ["POST", "/models"],
    ["POST", "/models/upload"],
  ];
  for (const [method, path] of guarded) {
    it(`is refused to pages of others: ${method} ${path}`, async (t) => {
      const { connect, asked } = await serveManagement(t);
      const client = connect();
      client.write(head(method, path, ["origin: https://b.example"]));
      const answer = await client.answer();
      assert.deepEqual([answer.status, codeOf(answer), asked], [403, "forbidden", []]);
    });
  }

  for (const path of ["/models", "/models/m"]) {
    it(`is refused before its body is asked for: ${path}`, async (t) => {
      const { connect } = await serveManagement(t, { management: "off" });
      const client = connect();
      const method = path === "/models" ? "POST" : "PATCH";
      client.write(head(method, path, ["content-length: 100", "expect: 100-continue"]));
      const answer = await client.answer();
      assert.deepEqual([answer.status, answer.headers["connection"]], [403, "close"]);
    });
  }
});

describe("A patch", bounded, () => {
  const patch = (type: string | undefined, body: string) => ({
    method: "PATCH",
    body: Buffer.from(body),
    headers: type === undefined ? {} : { "content-type": type },
  });

  for (const type of ["application/json", "application/merge-patch+json", undefined]) {
    it(`goes to the supervisor as it came: ${type}`, async (t) => {
      const { url } = await serveManagement(t);
      const response = await fetch(`${url}/models/m`, patch(type, '{ "a": null }'));
      const change = { type: "patch", model: "m", patch: '{ "a": null }' };
      const requestId = response.headers.get("x-request-id");
      assert.deepEqual(await response.json(), { type: "change", change, requestId });
    });
  }

  const refusals: readonly (readonly [string, string, number, RegExp])[] = [
    ["application/json", "[]", 400, /^body must be a JSON object, got a list$/],
    ["application/json", "null", 400, /object, got 'null'$/],
    ["application/json", "{", 400, /object, got what is not JSON: it ends too early$/],
    ["application/json", '{"a": "b', 400, /: it ends too early$/],
    ["application/json", '{"a": 1,\n', 400, /: it ends too early$/],
    ["application/json", '{"a": 1 "b": 2}', 400, /: it is malformed at character 9$/],
    ["application/json", "", 400, /object, got nothing$/],
    ["application/json", `{"a":"${"x".repeat(65_536)}"}`, 413, /at most 65536 bytes/],
    ["text/yaml", "a: 1", 415, /^content-type must be application\/json, got 'text\/yaml'$/],
    [
      "application/x-www-form-urlencoded",
      "{}",
      415,
      /; curl: -H 'content-type: application\/json'$/,
    ],
  ];
  for (const [type, body, status, words] of refusals) {
    it(`is refused with ${status}: ${type} ${body.slice(0, 10)}`, async (t) => {
      const { url, asked } = await serveManagement(t);
      const response = await fetch(`${url}/models/m`, patch(type, body));
      assert.deepEqual([response.status, asked], [status, []]);
      assert.match(((await response.json()) as { error: string }).error, words);
    });
  }

  it("must be UTF-8", async (t) => {
    const { url } = await serveManagement(t);
    const body = Buffer.from([0x7b, 0xff, 0x7d]);
    const response = await fetch(`${url}/models/m`, { method: "PATCH", body });
    assert.equal(response.status, 400);
  });

  it("is invited where its caller waits for that", async (t) => {
    const { connect } = await serveManagement(t);
    const client = connect();
    client.write(head("PATCH", "/models/m", ["content-length: 2", "expect: 100-continue"]));
    await client.has("100 Continue\r\n\r\n");
    client.text = "";
    client.write("{}");
    assert.equal((await client.answer()).status, 200);
  });
});
