import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type AccessEntry, AccessLog } from "../../src/front-door/access-log.ts";
import type { Log } from "../../src/platform/log.ts";
import { FakeClock } from "../fake-clock.ts";

function entry(fields: Partial<AccessEntry> = {}): AccessEntry {
  return {
    requestId: "r",
    route: "/predict/{model}",
    model: "iris",
    version: "1",
    status: 200,
    code: null,
    error: null,
    admissionMs: 0.01234,
    totalMs: 1.23456,
    stages: undefined,
    ...fields,
  };
}

function setUp(sample: number, level = "info") {
  const lines: (readonly [string, Readonly<Record<string, unknown>>])[] = [];
  const write = (at: string) => (fields: Readonly<Record<string, unknown>>) =>
    lines.push([at, fields]);
  const log = {
    info: write("info"),
    warn: write("warn"),
    isLevelEnabled: (asked: string) => asked === "warn" || level !== "warn",
  };
  const clock = new FakeClock();
  return { lines, clock, accessLog: new AccessLog({ clock, log: log as unknown as Log, sample }) };
}

describe("AccessLog", () => {
  const samples: readonly (readonly [number, number])[] = [
    [0, 0],
    [0.01, 10],
    [0.1, 100],
    [0.5, 500],
    [1, 1_000],
  ];
  for (const [sample, expected] of samples) {
    it(`writes about ${expected} of 1000 lines at a sample of ${sample}, evenly`, () => {
      const { lines, accessLog } = setUp(sample);
      for (let at = 0; at < 1_000; at += 1) accessLog.note(entry());
      assert.ok(Math.abs(lines.length - expected) <= 1, `${lines.length} lines`);
    });
  }

  it("writes every failure", () => {
    const { lines, accessLog } = setUp(0);
    const late = entry({ code: "deadline-exceeded", status: 504 });
    for (let at = 0; at < 100; at += 1) accessLog.note(late);
    assert.equal(lines.length, 100);
  });

  it("says of a flood of refusals how many had no line", () => {
    const { lines, clock, accessLog } = setUp(0);
    for (let at = 0; at < 100; at += 1) accessLog.note(entry({ code: "overloaded", status: 503 }));
    assert.equal(lines.length, 10);
    clock.advance(1_000);
    assert.deepEqual(lines.slice(10), [["info", { model: "iris", code: "overloaded", count: 90 }]]);
  });

  it("tells of every request, whether there is a line for it or not", () => {
    const told: AccessEntry[] = [];
    const log = { isLevelEnabled: () => false } as unknown as Log;
    const onEntry = (one: AccessEntry) => told.push(one);
    const accessLog = new AccessLog({ clock: new FakeClock(), log, sample: 1, onEntry });
    const entries = [entry(), entry({ code: "overloaded", status: 503 })];
    for (const one of entries) accessLog.note(one);
    assert.deepEqual(told, entries);
  });

  it("leaves out what only reads, as wanted, and never what changes something or fails", () => {
    const { lines, accessLog } = setUp(0);
    const plain = { requestId: "r", path: "/models/m", status: 200, error: null, totalMs: 1.23456 };
    for (const method of ["GET", "HEAD", "PATCH"]) {
      accessLog.notePlain({ ...plain, method, code: null });
    }
    const path = `/models/${"m".repeat(1_000)}`;
    accessLog.notePlain({ ...plain, path, method: "GET", status: 404, code: "model-not-found" });
    const written = lines.map(([, { method, status, total_ms }]) => [method, status, total_ms]);
    assert.deepEqual(written, [
      ["PATCH", 200, 1.235],
      ["GET", 404, 1.235],
    ]);
    assert.equal(lines[1]?.[1]["path"], path.slice(0, 256));
  });

  it("samples nothing where the level says less than info", () => {
    const { lines, accessLog } = setUp(1, "warn");
    accessLog.note(entry());
    assert.deepEqual(lines, []);
  });

  const levels: readonly (readonly [Partial<AccessEntry>, string])[] = [
    [{ status: 200 }, "info"],
    [{ status: 400, code: "invalid-request" }, "info"],
    [{ status: 499, code: "cancelled" }, "info"],
    [{ status: 503, code: "overloaded" }, "info"],
    [{ status: 500, code: "internal" }, "warn"],
    [{ status: 504, code: "deadline-exceeded" }, "warn"],
  ];
  for (const [fields, level] of levels) {
    it(`writes ${fields.status} at ${level}`, () => {
      const { lines, accessLog } = setUp(1);
      accessLog.note(entry(fields));
      assert.deepEqual(
        lines.map(([at]) => at),
        [level],
      );
    });
  }

  it("names what it is about, in milliseconds, and no bodies", () => {
    const { lines, accessLog } = setUp(1);
    const stages = { decodeUs: 12, queueUs: 1_500, runUs: 2_000.4, encodeUs: 0 };
    accessLog.note(entry({ stages }));
    accessLog.note(entry({ status: 503, code: "overloaded", error: "full" }));
    const shared = { request_id: "r", route: "/predict/{model}", model: "iris", version: "1" };
    const times = { admission_ms: 0.012, total_ms: 1.235 };
    const none = { decode_ms: undefined, queue_ms: undefined, run_ms: undefined };
    assert.deepEqual(
      lines.map(([, fields]) => fields),
      [
        {
          ...shared,
          ...times,
          status: 200,
          code: undefined,
          error: undefined,
          decode_ms: 0.012,
          queue_ms: 1.5,
          run_ms: 2,
          encode_ms: 0,
        },
        {
          ...shared,
          ...times,
          ...none,
          encode_ms: undefined,
          status: 503,
          code: "overloaded",
          error: "full",
        },
      ],
    );
  });
});
