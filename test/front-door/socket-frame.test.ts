import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type FrameVerdict,
  frameKey,
  type InferFrame,
  parseBinaryFrame,
  parseClientFrame,
  type SequenceFrame,
  sampleCodecs,
  sampleFrame,
} from "../../src/front-door/socket-frame.ts";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";

function parse(frame: unknown): FrameVerdict {
  return parseClientFrame(Buffer.from(typeof frame === "string" ? frame : JSON.stringify(frame)));
}

/** The frame, without the request id that it is given. */
function parsed(frame: unknown): unknown {
  return plain(parse(frame));
}

function plain(verdict: FrameVerdict): unknown {
  if (verdict.type === "refused") {
    const { code, message } = verdict.error;
    return { id: verdict.id, code, message };
  }
  if (verdict.frame.type !== "infer") return verdict.frame;
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
    isSignal: false,
    codec: "predict",
    sequence: undefined,
    ...fields,
  };
}

function turn(type: SequenceFrame["type"], fields: Partial<SequenceFrame> = {}): SequenceFrame {
  const unsaid = { id: null, model: undefined, version: undefined, sequence: undefined };
  return { type, ...unsaid, ...fields };
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
    [{ type: "infer", id: "a", sequence: "s" }, infer({ sequence: "s" })],
    [{ type: "infer", id: "a", sequence: null }, infer({})],
    [{ type: "infer", id: "a", sequence: "x".repeat(128) }, infer({ sequence: "x".repeat(128) })],
    [{ type: "infer", id: "a", samples: [1, 2] }, infer({ stream: true, isSignal: true })],
    [
      { type: "infer", id: "a", samples: [1, 2], stream: false },
      infer({ stream: true, isSignal: true }),
    ],
    [{ type: "infer", id: "a", samples: "AAA=" }, infer({ stream: true, isSignal: true })],
    [{ type: "infer", id: "a", inputs: { samples: [1] } }, infer()],
    [{ type: "reset" }, turn("reset")],
    [{ type: "end" }, turn("end")],
    [{ type: "reset", id: "a" }, turn("reset", { id: "a" })],
    [{ type: "end", id: 7, sequence: "s" }, turn("end", { id: 7, sequence: "s" })],
    [{ type: "reset", model: "m", version: 2 }, turn("reset", { model: "m", version: "2" })],
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
  const sequences = "sequence must be a text of 1 to 128 characters, got";
  const refusals: readonly (readonly [unknown, string | number | null, string])[] = [
    ["", null, "a frame or body must be a JSON object, but it is malformed at byte 0"],
    ["[]", null, "a frame or body must be a JSON object, but it is malformed at byte 0"],
    [
      '{"type":"infer"',
      null,
      "a frame or body must be a JSON object, but it is malformed at byte 15, in 'type'",
    ],
    [{ type: "infer" }, null, `${ids} nothing`],
    [{ type: "infer", id: "" }, null, `${ids} ""`],
    [{ type: "infer", id: null }, null, `${ids} null`],
    [{ type: "infer", id: true }, null, `${ids} true`],
    [{ type: "infer", id: "x".repeat(129) }, null, `${ids} "${"x".repeat(129)}"`],
    [{ type: "infer", id: ["a"] }, null, `${ids} a list`],
    [{ type: "infer", id: { a: 1 } }, null, `${ids} an object`],
    [{ type: "infer", id: "x".repeat(600) }, null, `${ids} a long text`],
    [`{"type":"infer","id":${"1".repeat(600)}}`, null, `${ids} a long number`],
    [
      { ...a, type: ["infer"] },
      "a",
      "type must be 'infer', 'cancel', 'reset' or 'end', got a list",
    ],
    [{ ...a, type: "infer", model: { a: 1 } }, "a", "model must be a text, got an object"],
    [
      { ...a, type: "infer", priority: {} },
      "a",
      "priority must be 'normal' or 'low', got 'an object'",
    ],
    ['{"type":"infer","id":1e999}', null, `${ids} null`],
    [a, "a", "type must be 'infer', 'cancel', 'reset' or 'end', got nothing"],
    [{ ...a, type: "ping" }, "a", `type must be 'infer', 'cancel', 'reset' or 'end', got "ping"`],
    [{ id: 3, type: 1 }, 3, "type must be 'infer', 'cancel', 'reset' or 'end', got 1"],
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
    [{ ...a, type: "infer", sequence: "" }, "a", `${sequences} ""`],
    [{ ...a, type: "infer", sequence: 7 }, "a", `${sequences} 7`],
    [{ ...a, type: "infer", sequence: ["s"] }, "a", `${sequences} a list`],
    [{ ...a, type: "infer", sequence: "x".repeat(600) }, "a", `${sequences} a long text`],
    [{ ...a, type: "reset", sequence: "x".repeat(129) }, "a", `${sequences} "${"x".repeat(129)}"`],
    [{ type: "end", sequence: 7 }, null, `${sequences} 7`],
    [{ type: "reset", id: null }, null, `${ids} null`],
    [{ type: "reset", id: ["a"] }, null, `${ids} a list`],
    [{ type: "end", id: 1, model: 2 }, 1, "model must be a text, got 2"],
  ];
  for (const [frame, id, message] of refusals) {
    const name = typeof frame === "string" ? frame : JSON.stringify(frame);
    it(`refuses ${name.slice(0, 60)}, under its id`, () =>
      assert.deepEqual(parsed(frame), { id, code: "invalid-request", message }));
  }

  const dataWords = "features, inputs, outputs, samples, encoding";
  const strangers: readonly (readonly [object, string, string])[] = [
    [
      { type: "infer", id: "a", sequences: "s" },
      "sequences",
      `type, id, model, version, sequence, timeout_ms, priority, stream, ${dataWords}`,
    ],
    [{ type: "cancel", id: "a", sequence: "s" }, "sequence", "type, id, model, version"],
    [{ type: "reset", id: "a", features: [1] }, "features", "type, id, model, version, sequence"],
    [{ type: "end", id: "a", sequence_id: 7 }, "sequence_id", "type, id, model, version, sequence"],
  ];
  for (const [frame, field, expected] of strangers) {
    it(`refuses ${JSON.stringify(frame)}, as ${field} is none of its fields`, () => {
      const { type } = frame as { type: string };
      const message = `unknown field "${field}" in a frame of type '${type}', expected some of ${expected}`;
      assert.deepEqual(parsed(frame), { id: "a", code: "invalid-request", message });
    });
  }

  it("knows all fields of a frame", () => {
    const rest = { features: [1], inputs: {}, outputs: [], encoding: "json", samples: [1] };
    const verdict = parse({ type: "infer", id: "a", model: "m", version: "1", ...rest });
    assert.equal(verdict.type, "frame");
  });

  it("keeps high priority for those with a key", () => {
    const message = "priority 'high' needs a key, and this server has none";
    const refused = { id: "a", code: "forbidden", message };
    assert.deepEqual(parsed({ ...a, type: "infer", priority: "high" }), refused);
  });
});

describe("sampleFrame", () => {
  for (const codec of sampleCodecs) {
    it(`is a frame of ${codec} of the socket's own sequence, answered window by window`, () => {
      const verdict = sampleFrame(3, codec);
      assert.ok(verdict.type === "frame" && verdict.frame.type === "infer");
      const { requestId, ...frame } = verdict.frame;
      assert.match(requestId, /^[0-9a-f]{24}$/);
      assert.deepEqual(frame, infer({ id: 3, stream: true, isSignal: true, codec }));
    });
  }
});

describe("parseBinaryFrame", () => {
  const frame = (length: number, rest: string) =>
    Buffer.concat([lengthPrefix(length), Buffer.from(rest)]);

  it("reads the fields of a text frame, whatever stands behind them", () => {
    const json = JSON.stringify({ type: "infer", id: 7, model: "m", inputs: [] });
    for (const tensors of ["", "}{\0"]) {
      const verdict = parseBinaryFrame(frame(json.length, `${json}${tensors}`));
      assert.deepEqual(plain(verdict), infer({ id: 7, model: "m", codec: "predict-binary" }));
    }
  });

  it("reads frames that are no requests too", () => {
    const json = JSON.stringify({ type: "cancel", id: "a" });
    assert.deepEqual(plain(parseBinaryFrame(frame(json.length, json))), {
      type: "cancel",
      id: "a",
    });
  });

  for (const [bytes, words] of [
    [Buffer.alloc(0), /from 1 to 0 in one of 0 bytes, got 0/],
    [Buffer.alloc(3), /from 1 to 0 in one of 3 bytes, got 0/],
    [frame(0, "{}"), /from 1 to 2 in one of 6 bytes, got 0/],
    [frame(3, "{}"), /from 1 to 2 in one of 6 bytes, got 3/],
    [frame(2 ** 32 - 1, "{}"), /got 4294967295; samples need '\?samples='/],
    [frame(1, "{}"), /malformed at byte/],
  ] as const) {
    it(`refuses ${bytes.toString("hex") || "nothing"}`, () => {
      const verdict = parseBinaryFrame(bytes);
      assert.ok(verdict.type === "refused");
      assert.deepEqual([verdict.id, verdict.error.code], [null, "invalid-request"]);
      assert.match(verdict.error.message, words);
    });
  }
});

describe("frameKey", () => {
  it("tells the numbers of bare samples from the ids of a client", () => {
    const frames = [
      infer({ id: 3 }),
      infer({ id: "3" }),
      infer({ id: 3, codec: "int16" }),
      infer({ id: 3, codec: "predict-binary" }),
    ];
    const keys = frames.map((frame) => frameKey({ ...frame, requestId: "r" } as InferFrame));
    assert.deepEqual(keys, [3, "3", 3n, 3]);
  });
});
