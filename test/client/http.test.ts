import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, beforeEach, describe, it } from "node:test";
import { type Call, Http, urlUnder } from "../../src/client/http.ts";
import { waitFor } from "../cluster/wait.ts";

type Answering = (request: IncomingMessage, response: ServerResponse) => void;

const asked: IncomingMessage[] = [];
let answers: Answering[] = [];

const server = createServer((request, response) => {
  asked.push(request);
  const [next = () => undefined, ...others] = answers;
  answers = others;
  next(request, response);
});

let url = new URL("http://127.0.0.1");
before(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
beforeEach(() => asked.splice(0));
after(() => {
  server.closeAllConnections();
  server.close();
});

const full: Answering = (_request, response) => {
  response.writeHead(503, { "retry-after-ms": "1" });
  response.end(JSON.stringify({ error: "full", code: "overloaded" }));
};
const fine: Answering = (_request, response) => response.end('{"ok":true}');
const broken: Answering = (request) => request.socket.destroy();

function call(fields: Partial<Call> = {}): Promise<unknown> {
  const http = new Http({ url, headers: { authorization: "Bearer k" }, timeoutMs: 5_000 });
  return http.json({ method: "GET", path: "/x", repeatable: "anything", ...fields });
}

describe("a call over HTTP", () => {
  it("carries the client's headers, and the deadline where it is asked to", async () => {
    answers = [fine];
    assert.deepEqual(await call({ tellsDeadline: true, timeoutMs: 4_000 }), { ok: true });
    const { headers } = asked[0] as IncomingMessage;
    assert.equal(headers.authorization, "Bearer k");
    assert.ok(Number(headers["x-request-timeout-ms"]) > 3_000);
  });

  it("is made again when it was refused, or when the connection broke", async () => {
    answers = [full, broken, fine];
    assert.deepEqual(await call(), { ok: true });
    assert.equal(asked.length, 3);
  });

  it("is not made again where it may have been begun", async () => {
    answers = [broken, fine];
    await assert.rejects(call({ method: "POST", repeatable: "refusals" }), { code: "unreachable" });
    assert.equal(asked.length, 1);
  });

  it("fails with the last refusal when it was made too often", async () => {
    answers = [full, full, full, full, full, fine];
    await assert.rejects(call(), { code: "overloaded", status: 503 });
    assert.equal(asked.length, 5);
  });

  it("ends with its deadline, and when its caller says so", async () => {
    answers = [];
    await assert.rejects(call({ timeoutMs: 50 }), { code: "deadline-exceeded" });
    const caller = new AbortController();
    const waiting = call({ signal: caller.signal });
    await waitFor(() => asked.length === 2, "the server to be asked");
    caller.abort();
    await assert.rejects(waiting, { code: "cancelled" });
  });

  it("does not wait for a retry longer than its caller", async () => {
    const late: Answering = (_request, response) => {
      response.writeHead(503, { "retry-after-ms": "60000" });
      response.end(JSON.stringify({ error: "full", code: "overloaded" }));
    };
    answers = [late];
    await assert.rejects(call({ timeoutMs: 1_000 }), { code: "overloaded", retryAfterMs: 60_000 });
  });

  it("says so where something else answers", async () => {
    answers = [(_request, response) => response.end("<html>")];
    await assert.rejects(call(), { code: "unexpected-answer" });
  });
});

describe("urlUnder", () => {
  for (const [base, path, expected] of [
    ["http://a:1", "/models?x=1", "http://a:1/models?x=1"],
    ["http://a/", "/models", "http://a/models"],
    ["https://a/troupe/", "/v2/models/m", "https://a/troupe/v2/models/m"],
    ["https://a/troupe", "/v2", "https://a/troupe/v2"],
  ] as const) {
    it(`puts ${path} under ${base}`, () => {
      assert.equal(urlUnder(new URL(base), path).href, expected);
    });
  }
});
