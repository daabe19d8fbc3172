import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isUpgraded, upgradeBytes } from "../../../bench/driver/upgrade.ts";

/** The key of RFC 6455, section 1.3, and what a server makes of it. */
const key = "dGhlIHNhbXBsZSBub25jZQ==";
const accept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

function head(...lines: string[]): string {
  return ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", ...lines].join("\r\n");
}

describe("upgradeBytes", () => {
  it("asks for the path with the key", () => {
    const text = upgradeBytes({ port: 8080, path: "/ws" }, key).toString();
    const [first, ...headers] = text.split("\r\n");
    assert.equal(first, "GET /ws HTTP/1.1");
    assert.deepEqual(headers, [
      "host: 127.0.0.1:8080",
      "connection: Upgrade",
      "upgrade: websocket",
      "sec-websocket-version: 13",
      `sec-websocket-key: ${key}`,
      "",
      "",
    ]);
  });
});

describe("isUpgraded", () => {
  for (const name of ["Sec-WebSocket-Accept", "sec-websocket-accept"]) {
    it(`takes the answer to its key in ${name}`, () => {
      assert.equal(isUpgraded(head(`${name}: ${accept}`, "x-other: 1"), key), true);
    });
  }

  it("is not where the server refuses", () => {
    assert.equal(isUpgraded("HTTP/1.1 503 Service Unavailable\r\nretry-after: 1", key), false);
  });

  for (const [line, message] of [
    [`sec-websocket-accept: ${accept.toLowerCase()}`, /its sec-websocket-accept is s3pplm/],
    ["x-other: 1", /its sec-websocket-accept is missing/],
  ] as const) {
    it(`refuses an upgrade with ${line}`, () => {
      assert.throws(() => isUpgraded(head(line), key), message);
    });
  }
});
