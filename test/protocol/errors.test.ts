import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  errorCodes,
  type Failure,
  TroupeError,
  toError,
  toFailure,
} from "../../src/protocol/errors.ts";

describe("toFailure", () => {
  const internal = { code: "internal", message: "internal error" };
  const rows: readonly (readonly [string, unknown, Failure | typeof internal])[] = [
    ["an error of ours", new TroupeError("conflict", "no"), { code: "conflict", message: "no" }],
    [
      "a time to retry",
      new TroupeError("overloaded", "full", { retryAfterMs: 5 }),
      { code: "overloaded", message: "full", retryAfterMs: 5 },
    ],
    [
      "a time to retry of nothing",
      new TroupeError("overloaded", "full", { retryAfterMs: 0 }),
      {
        code: "overloaded",
        message: "full",
        retryAfterMs: 0,
      },
    ],
    [
      "no cause",
      new TroupeError("internal", "x", { cause: new Error("secret") }),
      {
        code: "internal",
        message: "x",
      },
    ],
    ["another error", new Error("secret"), internal],
    ["what looks like ours", { code: "conflict", message: "no" }, internal],
    ["no error at all", undefined, internal],
  ];
  for (const [name, thrown, failure] of rows) {
    it(`makes of ${name} ${JSON.stringify(failure)}`, () =>
      assert.deepEqual(toFailure(thrown), failure));
  }
});

describe("toError", () => {
  for (const code of errorCodes) {
    it(`is what toFailure undoes: ${code}`, () => {
      const failure = { code, message: "words", retryAfterMs: 7 };
      assert.deepEqual(toFailure(toError(failure)), failure);
    });
  }

  it("leaves out the time to retry that a failure has not", () =>
    assert.deepEqual(toFailure(toError({ code: "conflict", message: "no" })), {
      code: "conflict",
      message: "no",
    }));
});
