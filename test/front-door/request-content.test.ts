import assert from "node:assert/strict";
import type { IncomingHttpHeaders } from "node:http";
import { describe, it } from "node:test";
import { contentOf } from "../../src/front-door/request-content.ts";

const length = "inference-header-content-length";
const plain = { coding: null, prefix: null, codec: "v2", jsonBytes: null };

describe("contentOf", () => {
  const rows: readonly (readonly [IncomingHttpHeaders, object])[] = [
    [{}, plain],
    [{ "content-type": "application/json" }, plain],
    [{ "content-encoding": "gzip" }, { ...plain, coding: "gzip" }],
    [{ [length]: "0" }, { ...plain, codec: "v2-raw", jsonBytes: 0 }],
    [
      { [length]: " 258 ", "content-type": "application/octet-stream" },
      { ...plain, codec: "v2-binary", jsonBytes: 258, prefix: Buffer.of(2, 1, 0, 0) },
    ],
    [
      { [length]: "2147483647", "content-encoding": "deflate" },
      {
        coding: "deflate",
        prefix: Buffer.of(255, 255, 255, 127),
        codec: "v2-binary",
        jsonBytes: 2_147_483_647,
      },
    ],
  ];
  for (const [headers, expected] of rows) {
    it(`reads ${JSON.stringify(headers)}`, () =>
      assert.deepEqual(contentOf(headers, "v2"), expected));
  }

  const refused: readonly (readonly [IncomingHttpHeaders, string, RegExp])[] = [
    [
      { [length]: "soon" },
      "invalid-request",
      /^Unable to parse Inference-Header-Content-Length, got: soon/,
    ],
    [{ [length]: "" }, "invalid-request", /^Unable to parse/],
    [{ [length]: "1.5" }, "invalid-request", /^Unable to parse/],
    [{ [length]: "1e3" }, "invalid-request", /^Unable to parse/],
    [{ [length]: "2, 2" }, "invalid-request", /^Unable to parse/],
    [
      { [length]: "9".repeat(99) },
      "invalid-request",
      /should be in range \(0, 2147483647\), got: 9{40}$/,
    ],
    [{ [length]: "-1" }, "invalid-request", /should be in range \(0, 2147483647\), got: -1$/],
    [{ [length]: "2147483648" }, "invalid-request", /should be in range/],
    [{ "content-encoding": "br" }, "unsupported-media-type", /content-encoding must be/],
    [
      { "content-type": "application/octet-stream" },
      "unsupported-media-type",
      /with Inference-Header/,
    ],
    [{ "content-type": "image/png" }, "unsupported-media-type", /must be application\/json, or/],
    [
      { "content-type": "image/png", [length]: "1" },
      "unsupported-media-type",
      /application\/octet-stream, got/,
    ],
  ];
  for (const [headers, code, message] of refused) {
    it(`refuses ${JSON.stringify(headers).slice(0, 90)}`, () =>
      assert.throws(() => contentOf(headers, "v2"), { code, message }));
  }

  it("refuses binary tensors where the route takes JSON", () => {
    assert.equal(contentOf({}, "predict").codec, "predict");
    assert.throws(() => contentOf({ [length]: "2" }, "predict"), { code: "invalid-request" });
  });
});
