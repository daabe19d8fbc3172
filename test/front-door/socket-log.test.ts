import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { noteFrame } from "../../src/front-door/socket-log.ts";
import { doorParts } from "./door-parts.ts";

const frame = {
  type: "infer",
  id: "a",
  model: "m",
  version: undefined,
  timeoutMs: null,
  priority: "normal",
  stream: false,
  isSignal: false,
  requestId: "r-1",
  codec: "predict",
  sequence: "s",
} as const;

describe("noteFrame", () => {
  const rows = [
    [null, [200, null, null]],
    [{ code: "sequence-lost", message: "no" }, [503, "sequence-lost", "no"]],
    [{ code: "invalid-request", message: "bad" }, [400, "invalid-request", "bad"]],
  ] as const;
  for (const [failure, expected] of rows) {
    it(`says what became of a frame: ${failure?.code ?? "done"}`, () => {
      const { accessLog, lines } = doorParts();
      const place = { model: "m", version: "1", totalMs: 5, stages: undefined };
      noteFrame(accessLog, "/ws", { frame, failure, ...place });
      const [line = {}] = lines;
      const { request_id, route, model, version, status, code, error, total_ms } = line;
      assert.deepEqual([request_id, route, model, version, total_ms], ["r-1", "/ws", "m", "1", 5]);
      assert.deepEqual([status, code ?? null, error ?? null], expected);
    });
  }
});
