import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseJsonBody } from "../../src/tensors/json-body.ts";

function refusal(message: string): object {
  return { name: "TroupeError", code: "invalid-request", message };
}

function nested(depth: number): string {
  return "[".repeat(depth) + "]".repeat(depth);
}

describe("parseJsonBody", () => {
  it("reads JSON, from a Buffer and from any other bytes", () => {
    const text = '{"a":[1,"ä€😀\\ufffd\ufffd"],"a":2}';
    assert.deepEqual(parseJsonBody(Buffer.from(text)), { a: 2 });
    assert.deepEqual(parseJsonBody(new TextEncoder().encode('["ä€😀\ufffd"]')), ["ä€😀\ufffd"]);
  });

  it("reads 100 levels and refuses 101 and 250000", () => {
    assert.ok(Array.isArray(parseJsonBody(Buffer.from(nested(100)))));
    for (const depth of [101, 250_000]) {
      assert.throws(
        () => parseJsonBody(Buffer.from(nested(depth))),
        refusal("Cannot parse body: JSON nesting depth exceeds maximum allowed limit (100)"),
      );
    }
  });

  it("says in which input the nesting is too deep", () => {
    const body = `{"inputs":[{"name":"x","data":${nested(97)}},{"name":"y","data":${nested(98)}}]}`;
    assert.throws(
      () => parseJsonBody(Buffer.from(body)),
      refusal(
        "Cannot parse body: JSON nesting depth exceeds maximum allowed limit (100), in input 'y'",
      ),
    );
  });

  for (const [body, message] of [
    ['{"features":[1,NaN]}', "expected a JSON value, got 'NaN' at position 15, in 'features'"],
    ['{"features":}', "expected a JSON value, got '}' at position 12, in 'features'"],
    ["", "expected a JSON value, got the end of the body at position 0"],
    ["\ufeff{}", "expected a JSON value, got the byte 0xef at position 0"],
  ] as const) {
    it(`says of ${JSON.stringify(body)}: ${message}`, () => {
      assert.throws(
        () => parseJsonBody(Buffer.from(body)),
        refusal(`Cannot parse body: ${message}`),
      );
    });
  }

  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc3, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ]) {
    it(`refuses the bytes ${Buffer.from(bytes).toString("hex")} as no UTF-8`, () => {
      assert.throws(
        () => parseJsonBody(Buffer.from(bytes)),
        refusal("Cannot parse body: expected UTF-8, got other bytes"),
      );
    });
  }

  it("makes `__proto__` an own property that changes nothing else", () => {
    const body = parseJsonBody(Buffer.from('{"__proto__":{"admin":true}}')) as Record<
      string,
      unknown
    >;
    assert.deepEqual([Object.hasOwn(body, "__proto__"), body["admin"]], [true, undefined]);
    assert.equal(({} as Record<string, unknown>)["admin"], undefined);
  });
});
