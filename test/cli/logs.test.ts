import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { eventLine } from "../../src/cli/logs.ts";
import { plainPaint } from "./paint.ts";

const event = {
  type: "event",
  seq: 3,
  at: "2026-11-25T13:34:32.529Z",
  kind: "model",
  model: "iris",
  version: "1",
  state: "unavailable",
  reason: "given up",
} as const;

describe("eventLine", () => {
  it("tells when, what, of which model, and why", () => {
    assert.equal(eventLine(event, plainPaint), "13:34:32  model  iris 1  unavailable  (given up)");
  });

  it("names a change, and the bytes of an upload", () => {
    const change = { ...event, kind: "change", change: "load", state: "done", reason: null };
    assert.equal(eventLine(change, plainPaint), "13:34:32  change load  iris 1  done");
    const upload = { ...event, kind: "upload", bytes: 5, version: null, state: "x", reason: null };
    assert.equal(eventLine(upload, plainPaint), "13:34:32  upload  iris  x  5 bytes");
  });

  it("tells what is not kept any more", () => {
    const gap = { type: "gap", from: 4, to: null, next: 1 } as const;
    assert.equal(eventLine(gap, plainPaint), "events from 4 on are not kept any more");
  });
});
