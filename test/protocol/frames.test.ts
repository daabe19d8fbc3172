import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import {
  cancelReasons,
  codecNames,
  type DoorFrame,
  parseDoorFrame,
  priorities,
  protocolVersion,
  type RequestFrame,
  writeCancel,
  writeCredit,
  writeEnd,
  writeHello,
  writeRequest,
} from "../../src/protocol/frames.ts";
import type { SequenceClaim } from "../../src/protocol/sequences.ts";
import { asWritten } from "./as-written.ts";
import { content, describeHostileBytes, type FrameRow, written } from "./frame-rows.ts";

function claim(fields: Partial<SequenceClaim> = {}): SequenceClaim {
  return { key: "s-1", start: true, end: false, shared: true, ...fields };
}

function request(fields: Partial<RequestFrame> = {}): RequestFrame {
  return {
    type: "request",
    hurried: false,
    traced: false,
    id: 258,
    codec: "v2",
    alone: true,
    stream: true,
    priority: "high",
    deadlineAt: 1_234.5,
    requestId: "r-1",
    sequence: null,
    body: Buffer.from("{}"),
    ...fields,
  };
}

const rows: readonly FrameRow<DoorFrame>[] = [
  {
    name: "hello",
    frame: { type: "hello", version: protocolVersion, hostId: "iris/1#0.1" },
    write: (writer) => writeHello(writer, "iris/1#0.1"),
    hex: "11000000 01 54525045 0500 697269732f3123302e31",
  },
  {
    name: "request",
    frame: request(),
    write: (writer) => writeRequest(writer, asWritten(request())),
    hex: "17000000 02 02010000 01 03 02 00000000004a9340 03 722d31 00 7b7d",
  },
  {
    name: "request of a sequence",
    frame: request({ sequence: claim() }),
    write: (writer) => writeRequest(writer, asWritten(request({ sequence: claim() }))),
    hex: "1c000000 02 02010000 01 07 02 00000000004a9340 03 722d31 05 03 732d31 00 7b7d",
  },
  {
    name: "cancel",
    frame: { type: "cancel", id: 258, reason: "expired" },
    write: (writer) => writeCancel(writer, 258, "expired"),
    hex: "06000000 03 02010000 01",
  },
  {
    name: "credit",
    frame: { type: "credit", id: 258, chunks: 3 },
    write: (writer) => writeCredit(writer, 258, 3),
    hex: "07000000 04 02010000 0300",
  },
  {
    name: "end",
    frame: { type: "end", key: "s-1" },
    write: (writer) => writeEnd(writer, "s-1"),
    hex: "04000000 05 732d31",
  },
];

describe("the frames of a front door", () => {
  for (const { name, write, hex } of rows) {
    it(`are written byte for byte: ${name}`, () =>
      assert.equal(written(write).toString("hex"), hex.replaceAll(" ", "")));
  }

  it("number codecs, priorities and reasons in an order that only grows", () =>
    assert.deepEqual(
      [codecNames, priorities, cancelReasons],
      [
        [
          "predict",
          "v2",
          "int16",
          "int32",
          "float32",
          "predict-binary",
          "v2-binary",
          "v2-raw",
          "v2-contents",
          "nexus",
          "platform",
        ],
        ["low", "normal", "high"],
        ["client-left", "expired"],
      ],
    ));
});

describe("parseDoorFrame", () => {
  for (const { name, frame, write } of rows) {
    it(`reads what was written: ${name}`, () =>
      assert.deepEqual(parseDoorFrame(content(written(write))), frame));
  }

  const requests: readonly Partial<RequestFrame>[] = [
    { alone: false, stream: false, priority: "low", codec: "predict" },
    { alone: false, stream: true, priority: "normal" },
    { alone: true, stream: false },
    { hurried: true },
    { id: 0xffff_ffff, requestId: "", body: Buffer.alloc(0), deadlineAt: 0 },
    { requestId: "x".repeat(128), body: Buffer.alloc(20_000, 1) },
    ...codecNames.map((codec) => ({ codec })),
    { alone: false, stream: false, sequence: claim({ start: false, shared: false }) },
    { stream: false, sequence: claim({ end: true }), body: Buffer.alloc(0) },
    { requestId: "", sequence: claim({ key: "k".repeat(255) }), body: Buffer.alloc(20_000, 1) },
  ];
  for (const fields of requests) {
    const frame = request(fields);
    it(`reads a request with ${JSON.stringify(fields).slice(0, 80)}`, () => {
      const bytes = written((writer) => writeRequest(writer, asWritten(frame)));
      assert.deepEqual(parseDoorFrame(content(bytes)), frame);
    });
  }

  const refused: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["a host's frame", "14 00000000 00000000 00000000 00000000 00 00 00000000 00000000"],
    ["an unknown type", "06"],
    ["a hello with another magic", "01 54525046 0100"],
    ["a hello without a version", "01 54525045 01"],
    ["an unknown codec", "02 02010000 0b 00 01 00000000004a9340 00 00"],
    ["an unknown priority", "02 02010000 00 00 03 00000000004a9340 00 00"],
    ["a request id longer than the frame", "02 02010000 00 00 01 00000000004a9340 02 72"],
    ["a request of a sequence without a claim", "02 02010000 00 04 01 00000000004a9340 00"],
    ["a claim without a key", "02 02010000 00 04 01 00000000004a9340 00 01 00 00 7b7d"],
    ["a claim whose key is cut short", "02 02010000 00 04 01 00000000004a9340 00 01 03 00 7b"],
    ["a request without a pad", "02 02010000 00 00 01 00000000004a9340 01 72"],
    ["a pad longer than the frame", "02 02010000 00 00 01 00000000004a9340 00 03 0000"],
    ["a cancel for an unknown reason", "03 02010000 02"],
    ["a cancel with more than it has", "03 02010000 01 00"],
    ["a credit with less than it has", "04 02010000 03"],
    ["a credit with more than it has", "04 02010000 0300 00"],
  ];
  for (const [name, hex] of refused) {
    it(`refuses ${name}`, () => {
      const frame = Buffer.from(hex.replaceAll(" ", ""), "hex");
      assert.equal(parseDoorFrame(frame), undefined);
    });
  }
});

function assertAligned(frame: RequestFrame): void {
  const bytes = content(written((writer) => writeRequest(writer, asWritten(frame))));
  assert.equal(bytes.indexOf("TENSORS") % 8, 0);
  assert.deepEqual(parseDoorFrame(bytes), frame);
}

describe("A frame with binary tensors", () => {
  const codecs = ["v2-binary", "predict-binary", "v2-raw"] as const;
  for (const codec of codecs) {
    it(`has them at a multiple of 8, whatever stands before them: ${codec}`, () => {
      for (let length = 1; length < 10; length += 1) {
        const head = [lengthPrefix(length), Buffer.alloc(length, "j")];
        const body = Buffer.concat([...(codec === "v2-raw" ? [] : head), Buffer.from("TENSORS")]);
        const frame = request({ codec, body, requestId: "i".repeat(length) });
        assertAligned(frame);
        assertAligned({ ...frame, sequence: claim({ key: "k".repeat(length) }) });
      }
    });
  }

  it("is written though the length of its JSON is a lie", () => {
    for (const body of [Buffer.alloc(3), Buffer.alloc(4, 0xff)]) {
      const frame = request({ codec: "v2-binary", body });
      const bytes = content(written((writer) => writeRequest(writer, asWritten(frame))));
      assert.deepEqual(parseDoorFrame(bytes), frame);
    }
  });

  it("says which memory is its own", () => {
    const bytes = content(written((writer) => writeRequest(writer, asWritten(request()))));
    const alone = Buffer.from(new Uint8Array(bytes).buffer);
    const parsed = parseDoorFrame(alone);
    assert.ok(parsed?.type === "request");
    assert.equal(parsed.ownMemory, alone.buffer);
    assert.equal(parsed.body.buffer, alone.buffer);
  });
});

describeHostileBytes({ of: "door", parse: parseDoorFrame, rows, seed: 11 });
