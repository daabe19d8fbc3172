import assert from "node:assert/strict";
import type { IncomingMessage } from "node:http";
import { describe, it } from "node:test";
import { hasBody, isUpload } from "../../src/front-door/body-deadline.ts";

function request(fields: object): IncomingMessage {
  return { method: "POST", url: "/", headers: {}, ...fields } as IncomingMessage;
}

describe("An upload, by its head", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["POST", "/models", true],
    ["POST", "/models?id=m", true],
    ["POST", "/models/upload", true],
    ["GET", "/models", false],
    ["PATCH", "/models/upload", false],
    ["POST", "/models/", false],
    ["POST", "/models/m/load", false],
    ["POST", "/v2/models", false],
  ];
  for (const [method, url, expected] of rows) {
    it(`is ${expected ? "" : "not "}${method} ${url}`, () =>
      assert.equal(isUpload(request({ method, url })), expected));
  }
});

describe("A body, by its head", () => {
  const rows: readonly (readonly [object, boolean])[] = [
    [{}, false],
    [{ "content-length": "0" }, false],
    [{ "content-length": "1" }, true],
    [{ "transfer-encoding": "chunked" }, true],
  ];
  for (const [headers, expected] of rows) {
    it(`is ${expected ? "there" : "not there"}: ${JSON.stringify(headers)}`, () =>
      assert.equal(hasBody(request({ headers })), expected));
  }
});
