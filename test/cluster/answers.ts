import assert from "node:assert/strict";
import type { Answer, Reply } from "./http-client.ts";

/** The status, and a body that has the shape of all errors. */
export function assertError(reply: Reply<Answer>, status: number, code: string): void {
  assert.deepEqual([reply.status, reply.json.code], [status, code], reply.text);
  assert.deepEqual(Object.keys(reply.json), ["error", "code", "request_id"]);
  assert.equal(reply.json.request_id, reply.headers["x-request-id"]);
  assert.match(reply.headers["content-type"] ?? "", /^application\/json/);
}
