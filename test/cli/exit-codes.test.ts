import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { exitCodeOf } from "../../src/cli/exit-codes.ts";
import { type ClientErrorCode, TroupeClientError } from "../../src/client/client-error.ts";

describe("exitCodeOf", () => {
  for (const [code, retryAfterMs, exit] of [
    ["invalid-request", undefined, 1],
    ["model-not-found", undefined, 1],
    ["conflict", undefined, 1],
    ["conflict", 100, 4],
    ["overloaded", 100, 4],
    ["model-unavailable", undefined, 4],
    ["deadline-exceeded", undefined, 4],
    ["unreachable", undefined, 3],
    ["unexpected-answer", undefined, 1],
  ] as readonly (readonly [ClientErrorCode, number | undefined, number])[]) {
    it(`is ${exit} for ${code}${retryAfterMs === undefined ? "" : " with a time"}`, () => {
      assert.equal(exitCodeOf(new TroupeClientError(code, "", { retryAfterMs })), exit);
    });
  }
});
