import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type FrameVerdict,
  type InferFrame,
  parseClientFrame,
} from "../../src/front-door/socket-frame.ts";

function parse(frame: unknown): FrameVerdict {
  return parseClientFrame(Buffer.from(typeof frame === "string" ? frame : JSON.stringify(frame)));
}

/** The frame, without the request id that it is given. */
function parsed(frame: unknown): unknown {
  const verdict = parse(frame);
  if (verdict.type === "refused") {
    const { code, message } = verdict.error;
    return { id: verdict.id, code, message };
  }
  if (verdict.frame.type === "cancel") return verdict.frame;
  const { requestId, ...rest } = verdict.frame;
  assert.match(requestId, /^[0-9a-f]{24}$/);
  return rest;
}

function infer(fields: Partial<InferFrame> = {}) {
  return {
    type: "infer",
    id: "a",
    model: undefined,
    version: undefined,
    timeoutMs: null,
    priority: "normal",
    stream: false,
    ...fields,
  };
}

describe("parseClientFrame", () => {
  const rows: readonly (readonly [object, unknown])[] = [
    [{ type: "infer", id: "a", features: [1] }, infer()],
    [{ type: "infer", id: 7 }, infer({ id: 7 })],
    [{ type: "infer", id: 0 }, infer({ id: 0 })],
    [{ type: "infer", id: -1.5 }, infer({ id: -1.5 })],
    [{ type: "infer", id: "x".repeat(128) }, infer({ id: "x".repeat(128) })],
    [{ type: "infer", id: "a", model: "iris" }, infer({ model: "iris" })],
    [{ type: "infer", id: "a", version: "2" }, infer({ version: "2" })],
    [{ type: "infer", id: "a", version: 2 }, infer({ version: "2" })],
    [{ type: "infer", id: "a", timeout_ms: 50 }, infer({ timeoutMs: 50 })],
    [{ type: "infer", id: "a", priority: "low" }, infer({ priority: "low" })],
    [{ type: "infer", id: "a", stream: true }, infer({ stream: true })],
    [{ inputs: { x: [{ type: "cancel" }] }, id: "a", type: "infer" }, infer()],
    [
      { type: "cancel", id: "a", model: "iris" },
      { type: "cancel", id: "a" },
    ],
    [
      { type: "cancel", id: 9 },
      { type: "cancel", id: 9 },
    ],
  ];
  for (const [frame, expected] of rows) {
    it(`reads ${JSON.stringify(frame).slice(0, 70)}`, () =>
      assert.deepEqual(parsed(frame), expected));
  }

  const a = { id: "a" } as const;
  const ids = "id must be a text of 1 to 128 characters, or a number, got";
  const refusals: readonly (readonly [unknown, string | number | null, string])[] = [
    ["", null, "frame must be a JSON object, but it is malformed at byte 0"],
    ["[]", null, "frame must be a JSON object, but it is malformed at byte 0"],
    ['{"type":"infer"', null, "frame must be a JSON object, but it is malformed at byte 15"],
    [{ type: "infer" }, null, `${ids} nothing`],
    [{ type: "infer", id: "" }, null, `${ids} ""`],
    [{ type: "infer", id: null }, null, `${ids} null`],
    [{ type: "infer", id: true }, null, `${ids} true`],
    [{ type: "infer", id: "x".repeat(129) }, null, `${ids} "${"x".repeat(129)}"`],
    [{ type: "infer", id: ["a"] }, null, `${ids} nothing`],
    ['{"type":"infer","id":1e999}', null, `${ids} null`],
    [a, "a", "type must be 'infer' or 'cancel', got nothing"],
    [{ ...a, type: "ping" }, "a", `type must be 'infer' or 'cancel', got "ping"`],
    [{ id: 3, type: 1 }, 3, "type must be 'infer' or 'cancel', got 1"],
    [{ ...a, type: "infer", model: 1 }, "a", "model must be a text, got 1"],
    [{ ...a, type: "infer", version: true }, "a", "version must be a text, got true"],
    [
      { ...a, type: "infer", timeout_ms: 0 },
      "a",
      "timeout_ms must be a whole number of milliseconds from 1, got 0",
    ],
    [
      { ...a, type: "infer", timeout_ms: 1.5 },
      "a",
      "timeout_ms must be a whole number of milliseconds from 1, got 1.5",
    ],
    [
      { ...a, type: "infer", timeout_ms: "50" },
      "a",
      `timeout_ms must be a whole number of milliseconds from 1, got "50"`,
    ],
    [
      { ...a, type: "infer", priority: "urgent" },
      "a",
      "priority must be 'normal' or 'low', got 'urgent'",
    ],
    [{ ...a, type: "infer", stream: "yes" }, "a", 'stream must be true or false, got "yes"'],
  ];
  for (const [frame, id, message] of refusals) {
    const name = typeof frame === "string" ? frame : JSON.stringify(frame);
    it(`refuses ${name.slice(0, 60)}, under its id`, () =>
      assert.deepEqual(parsed(frame), { id, code: "invalid-request", message }));
  }

  it("keeps high priority for those with a key", () => {
    const message = "priority 'high' needs a key, and this server has none";
    const refused = { id: "a", code: "forbidden", message };
    assert.deepEqual(parsed({ ...a, type: "infer", priority: "high" }), refused);
  });
});
