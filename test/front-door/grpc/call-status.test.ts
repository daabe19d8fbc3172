import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Metadata } from "@grpc/grpc-js";
import {
  limitsOf,
  requestIdIn,
  statusOf,
  timeLeftOf,
} from "../../../src/front-door/grpc/call-status.ts";

function metadata(headers: Readonly<Record<string, string>>): Metadata {
  const all = new Metadata();
  for (const [name, value] of Object.entries(headers)) all.set(name, value);
  return all;
}

function call(deadline: Date | number, headers: Readonly<Record<string, string>> = {}) {
  return { metadata: metadata(headers), getDeadline: () => deadline };
}

describe("statusOf", () => {
  it("says what failed, and when a retry may succeed", () => {
    const {
      code,
      details,
      metadata: trailers,
    } = statusOf({ code: "overloaded", message: "full", retryAfterMs: 1_200 }, "r1");
    assert.deepEqual(
      [code, details, trailers.getMap()],
      [
        14,
        "full",
        {
          "x-request-id": "r1",
          "x-error-code": "overloaded",
          "retry-after": "2",
          "retry-after-ms": "1200",
          "grpc-retry-pushback-ms": "1200",
        },
      ],
    );
  });

  it("bounds its words, which may be half a character", () => {
    const { details } = statusOf(
      { code: "invalid-request", message: `\ud800${"é".repeat(5_000)}` },
      "r",
    );
    assert.equal(details.length, 1_000);
    assert.doesNotThrow(() => encodeURI(details));
  });
});

describe("limitsOf", () => {
  const limits: readonly (readonly [
    string,
    Date | number,
    Readonly<Record<string, string>>,
    number | null,
  ])[] = [
    ["none", Number.POSITIVE_INFINITY, {}, null],
    ["the call's deadline", new Date(1_500), {}, 500],
    ["the header", Number.POSITIVE_INFINITY, { "x-request-timeout-ms": "70" }, 70],
    ["the nearer of both", 1_500, { "x-request-timeout-ms": "70" }, 70],
    ["a moment where the deadline has passed", 900, {}, 1],
  ];
  for (const [what, deadline, headers, timeoutMs] of limits) {
    it(`has ${what}`, () =>
      assert.deepEqual(limitsOf(call(deadline, headers), 1_000), {
        timeoutMs,
        priority: "normal",
      }));
  }

  it("refuses what no timeout is, and the priority that needs a key", () => {
    assert.throws(() => limitsOf(call(1, { "x-request-timeout-ms": "x" }), 0), {
      code: "invalid-request",
    });
    assert.throws(() => limitsOf(call(1, { "x-priority": "high" }), 0), { code: "forbidden" });
  });
});

describe("timeLeftOf", () => {
  it("is in whole milliseconds", () => assert.equal(timeLeftOf(10.2, 5), 6));
});

describe("requestIdIn", () => {
  it("keeps a well-formed one and makes others", () => {
    assert.equal(requestIdIn(metadata({ "x-request-id": "mine" })), "mine");
    assert.match(requestIdIn(metadata({ "x-request-id": "not fit" })), /^[0-9a-f]{24}$/);
    assert.match(requestIdIn(metadata({})), /^[0-9a-f]{24}$/);
  });
});
