import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  closeCode,
  type GrpcCode,
  grpcCode,
  grpcCodeOf,
  httpStatus,
  retryHeaders,
} from "../../src/front-door/statuses.ts";
import { type ErrorCode, errorCodes } from "../../src/protocol/errors.ts";

/** DESIGN's table of errors; the last column is what it says of a retry. */
const table: readonly (readonly [
  ErrorCode,
  number,
  GrpcCode,
  "no" | "yes" | "Retry-After" | "sometimes" | "caller",
])[] = [
  ["invalid-request", 400, "INVALID_ARGUMENT", "no"],
  ["unauthenticated", 401, "UNAUTHENTICATED", "no"],
  ["forbidden", 403, "PERMISSION_DENIED", "no"],
  ["model-not-found", 404, "NOT_FOUND", "no"],
  ["not-found", 404, "UNIMPLEMENTED", "no"],
  ["method-not-allowed", 405, "UNIMPLEMENTED", "no"],
  ["unsupported-media-type", 415, "UNIMPLEMENTED", "no"],
  ["not-implemented", 501, "UNIMPLEMENTED", "no"],
  ["conflict", 409, "ALREADY_EXISTS", "sometimes"],
  ["payload-too-large", 413, "RESOURCE_EXHAUSTED", "no"],
  ["storage-full", 507, "RESOURCE_EXHAUSTED", "no"],
  ["request-timeout", 408, "DEADLINE_EXCEEDED", "yes"],
  ["invalid-model", 422, "FAILED_PRECONDITION", "no"],
  ["poison-request", 422, "FAILED_PRECONDITION", "no"],
  ["rate-limited", 429, "RESOURCE_EXHAUSTED", "Retry-After"],
  ["cancelled", 499, "CANCELLED", "no"],
  ["inference-failed", 500, "INTERNAL", "no"],
  ["internal", 500, "INTERNAL", "no"],
  ["overloaded", 503, "UNAVAILABLE", "Retry-After"],
  ["model-unavailable", 503, "UNAVAILABLE", "Retry-After"],
  ["host-crashed", 503, "UNAVAILABLE", "yes"],
  ["sequence-lost", 503, "UNAVAILABLE", "yes"],
  ["draining", 503, "UNAVAILABLE", "yes"],
  ["deadline-exceeded", 504, "DEADLINE_EXCEEDED", "caller"],
];

describe("httpStatus", () => {
  it("has a status for every code, and for no other", () =>
    assert.deepEqual(
      [Object.keys(httpStatus).toSorted(), table.map(([code]) => code).toSorted()],
      [[...errorCodes].toSorted(), [...errorCodes].toSorted()],
    ));

  for (const [code, status] of table) {
    it(`of ${code} is ${status}`, () => assert.equal(httpStatus[code], status));
  }
});

describe("grpcCodeOf", () => {
  for (const [code, , name] of table) {
    it(`is ${name} for ${code}`, () => assert.equal(grpcCodeOf({ code, message: "" }), name));
  }

  it("is ABORTED where another change is under way", () =>
    assert.equal(grpcCodeOf({ code: "conflict", message: "", retryAfterMs: 5 }), "ABORTED"));

  it("has the specification's numbers", () =>
    assert.deepEqual([grpcCode.OK, grpcCode.NOT_FOUND, grpcCode.UNAUTHENTICATED], [0, 5, 16]));
});

describe("retryHeaders", () => {
  for (const [code, , , retry] of table) {
    if (retry === "no" || retry === "caller") {
      it(`tells nobody to retry what is ${code}`, () =>
        assert.deepEqual(retryHeaders(code, 1_500), []));
    }
    if (retry === "sometimes") {
      it(`tells nobody to retry what is ${code}, unless somebody knows when`, () =>
        assert.deepEqual(retryHeaders(code, undefined), []));
    }
    if (retry === "Retry-After" || retry === "sometimes") {
      it(`says when to retry what is ${code}`, () =>
        assert.deepEqual(retryHeaders(code, 1_500), [
          ["retry-after", "2"],
          ["retry-after-ms", "1500"],
        ]));
    }
  }

  const times: readonly (readonly [number | undefined, string, string])[] = [
    [undefined, "1", "1000"],
    [0, "1", "1"],
    [0.2, "1", "1"],
    [999.5, "1", "1000"],
    [1_000, "1", "1000"],
    [1_001, "2", "1001"],
    [59_001, "60", "59001"],
  ];
  for (const [ms, seconds, milliseconds] of times) {
    it(`rounds ${ms} ms up, to ${seconds} s and ${milliseconds} ms`, () =>
      assert.deepEqual(retryHeaders("overloaded", ms), [
        ["retry-after", seconds],
        ["retry-after-ms", milliseconds],
      ]));
  }
});

describe("closeCode", () => {
  it("is as DESIGN says", () =>
    assert.deepEqual(closeCode, { normal: 1000, draining: 1001, tooSlow: 1013 }));
});
