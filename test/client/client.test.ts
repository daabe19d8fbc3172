import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { TroupeClient } from "../../src/client/node.ts";

const url = "http://127.0.0.1:8080";

describe("a client", () => {
  for (const [what, make] of [
    ["a URL of another protocol", () => new TroupeClient("ftp://127.0.0.1")],
    ["a password in its URL", () => new TroupeClient("http://ada:secret@127.0.0.1")],
    ["a key with a line's end", () => new TroupeClient(url, { apiKey: "secret\n" })],
    ["a key of characters that no header takes", () => new TroupeClient(url, { apiKey: "€" })],
  ] as const) {
    it(`refuses ${what}, without telling it`, () => {
      assert.throws(make, (thrown: Error & { readonly code?: string }) => {
        assert.equal(thrown.code, "invalid-request");
        assert.doesNotMatch(thrown.message, /secret/);
        return true;
      });
    });
  }
});
