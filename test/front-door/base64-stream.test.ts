import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Base64Stream } from "../../src/front-door/base64-stream.ts";

/** In pieces of `size`; undefined where it is refused. */
function decoded(text: string, size: number): string | undefined {
  const stream = new Base64Stream();
  const parts: Buffer[] = [];
  for (let at = 0; at < text.length; at += size) {
    const bytes = stream.push(text.slice(at, at + size));
    if (bytes === undefined) return undefined;
    parts.push(bytes);
  }
  return stream.isWhole ? Buffer.concat(parts).toString("latin1") : undefined;
}

describe("Base64 in pieces", () => {
  for (const size of [1, 2, 3, 4, 5, 7, 100]) {
    it(`of ${size} is what it was`, () => {
      for (const text of ["", "a", "ab", "abc", "abcd", "\0\xff\xfe\x80 more of it"]) {
        assert.equal(decoded(Buffer.from(text, "latin1").toString("base64"), size), text);
      }
    });

    it(`of ${size} is refused where it is none`, () => {
      for (const text of ["a", "ab", "YQ=", "YQ==YQ==", "Y===", "=YWJ", "YW-_", "YW Jj", "é123"]) {
        assert.equal(decoded(text, size), undefined, text);
      }
    });
  }
});
