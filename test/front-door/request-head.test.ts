import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  deadlineFor,
  newRequestId,
  priorityOf,
  requestIdOf,
  timeoutOf,
} from "../../src/front-door/request-head.ts";

describe("requestIdOf", () => {
  const kept = ["a", "0", "A-Za_z.0:9@/+=", "x".repeat(128)];
  for (const id of kept) {
    it(`keeps ${id.slice(0, 20)}`, () => assert.equal(requestIdOf({ "x-request-id": id }), id));
  }

  const replaced = ["", " ", "a b", "a\nb", "ä", '"', "<x>", "x".repeat(129), undefined];
  for (const id of replaced) {
    it(`replaces ${JSON.stringify(id)?.slice(0, 20)}`, () =>
      assert.match(requestIdOf({ "x-request-id": id }), /^[0-9a-f]{24}$/));
  }
});

describe("newRequestId", () => {
  it("is another each time", () => {
    const ids = Array.from({ length: 5_000 }, newRequestId);
    assert.equal(new Set(ids).size, ids.length);
    assert.ok(ids.every((id) => /^[0-9a-f]{24}$/.test(id)));
  });
});

describe("timeoutOf", () => {
  const rows: readonly (readonly [string | undefined, number | null])[] = [
    [undefined, null],
    ["1", 1],
    ["15000", 15_000],
    ["000001", 1],
    ["999999999", 999_999_999],
  ];
  for (const [value, ms] of rows) {
    it(`reads ${value} as ${ms}`, () => assert.equal(timeoutOf(value), ms));
  }

  const refused = ["", "0", "-1", "1.5", "1e3", " 1", "0x10", "ten", "9999999999", ["1", "2"]];
  for (const value of refused) {
    it(`refuses ${JSON.stringify(value)}`, () =>
      assert.throws(() => timeoutOf(value), {
        code: "invalid-request",
        message: `x-request-timeout-ms must be a whole number of milliseconds from 1, got '${value}'`,
      }));
  }
});

describe("priorityOf", () => {
  const rows: readonly (readonly [unknown, string])[] = [
    [undefined, "normal"],
    ["normal", "normal"],
    ["low", "low"],
  ];
  for (const [value, priority] of rows) {
    it(`reads ${value} as ${priority}`, () => assert.equal(priorityOf(value), priority));
  }

  it("keeps high for those with a key", () =>
    assert.throws(() => priorityOf("high"), {
      code: "forbidden",
      message: "x-priority 'high' needs a key, and this server has none",
    }));

  const refused = ["", "LOW", "lowest", 1, null, ["low"]];
  for (const value of refused) {
    it(`refuses ${JSON.stringify(value)}, naming the field`, () =>
      assert.throws(() => priorityOf(value, "priority"), {
        code: "invalid-request",
        message: `priority must be 'normal' or 'low', got '${value}'`,
      }));
  }
});

describe("deadlineFor", () => {
  const limits = { requestTimeoutMs: 15, maxRequestTimeoutMs: 60 };
  const rows: readonly (readonly [string, number | null, number | null, number])[] = [
    ["the server's, where nobody says otherwise", null, null, 115],
    ["the model's", null, 30, 130],
    ["the caller's, before the model's", 20, 30, 120],
    ["the caller's, shorter than all", 1, 30, 101],
    ["the longest there is, for a caller that asks for more", 61, null, 160],
    ["the longest there is, for a model that asks for more", null, 90, 160],
  ];
  for (const [name, askedMs, modelMs, deadlineAt] of rows) {
    it(`is ${name}`, () => assert.equal(deadlineFor(askedMs, modelMs, limits, 100), deadlineAt));
  }
});
