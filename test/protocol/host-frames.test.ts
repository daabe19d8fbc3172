import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { errorCodes } from "../../src/protocol/errors.ts";
import { type HostFrame, protocolVersion, writeHello } from "../../src/protocol/frames.ts";
import {
  parseHostFrame,
  writeChunk,
  writeDone,
  writeEnded,
  writeFailed,
  writePressure,
  writeRunning,
  writeTrace,
} from "../../src/protocol/host-frames.ts";
import type { Pressure } from "../../src/protocol/pressure.ts";
import { endReasons } from "../../src/protocol/sequences.ts";
import { content, describeHostileBytes, type FrameRow, written } from "./frame-rows.ts";

const pressure: Pressure = {
  queuedRows: 7,
  runningRows: 2,
  rowCostMs: 0.5,
  batchCostMs: 1.5,
  rowsPerRequest: 1.5,
  breaker: "half-open",
  draining: true,
  breakerRetryMs: 1_234,
  sequences: 3,
};

const stages = { decodeUs: 1, queueUs: 2, runUs: 3, encodeUs: 4 };

const pressureHex = "07000000 02000000 0000003f 0000c03f 0000c03f 01 01 d2040000 03000000";

const withTensors = { json: Buffer.from("{}"), tensors: [Buffer.from("ab"), Buffer.from("c")] };

const points = {
  queuedAt: 1,
  batchBegunAt: 2,
  runBegunAt: 3,
  runEndedAt: 4,
  answeredAt: 5,
  batchRows: 6,
};

const rows: readonly FrameRow<HostFrame>[] = [
  {
    name: "hello",
    frame: { type: "hello", version: protocolVersion, hostId: "iris/1#0.1" },
    write: (writer) => writeHello(writer, "iris/1#0.1"),
    hex: "11000000 01 54525045 0500 697269732f3123302e31",
  },
  {
    name: "running",
    frame: { type: "running", ids: [1, 0xffff_ffff] },
    write: (writer) => writeRunning(writer, [1, 0xffff_ffff]),
    hex: "09000000 10 01000000 ffffffff",
  },
  {
    name: "chunk",
    frame: { type: "chunk", id: 258, jsonBytes: 0, body: Buffer.from("{}") },
    write: (writer) => writeChunk(writer, 258, { json: Buffer.from("{}"), tensors: [] }),
    hex: "0b000000 11 02010000 00000000 7b7d",
  },
  {
    name: "done",
    frame: {
      type: "done",
      id: 258,
      stages,
      rows: 5,
      pressure,
      jsonBytes: 0,
      body: Buffer.from("{}"),
    },
    write: (writer) =>
      writeDone(writer, {
        id: 258,
        stages,
        rows: 5,
        pressure,
        body: { json: Buffer.from("{}"), tensors: [] },
      }),
    hex: `3d000000 12 02010000 01000000 02000000 03000000 04000000 05000000 00000000 ${pressureHex} 7b7d`,
  },
  {
    name: "chunk with tensors",
    frame: { type: "chunk", id: 258, jsonBytes: 2, body: Buffer.from("{}abc") },
    write: (writer) => writeChunk(writer, 258, withTensors),
    hex: "0e000000 11 02010000 02000000 7b7d 616263",
  },
  {
    name: "done with tensors",
    frame: {
      type: "done",
      id: 258,
      stages,
      rows: 5,
      pressure,
      jsonBytes: 2,
      body: Buffer.from("{}abc"),
    },
    write: (writer) => writeDone(writer, { id: 258, stages, rows: 5, pressure, body: withTensors }),
    hex: `40000000 12 02010000 01000000 02000000 03000000 04000000 05000000 02000000 ${pressureHex} 7b7d 616263`,
  },
  {
    name: "failed, with a time to retry",
    frame: {
      type: "failed",
      id: 258,
      failure: { code: "overloaded", message: "später", retryAfterMs: 250 },
      pressure,
    },
    write: (writer) => {
      const failure = { code: "overloaded", message: "später", retryAfterMs: 249.2 } as const;
      writeFailed(writer, { id: 258, failure, pressure });
    },
    hex: `2f000000 13 02010000 12 fa000000 ${pressureHex} 7370c3a4746572`,
  },
  {
    name: "failed, without",
    frame: { type: "failed", id: 1, failure: { code: "internal", message: "" }, pressure },
    write: (writer) =>
      writeFailed(writer, { id: 1, failure: { code: "internal", message: "" }, pressure }),
    hex: `28000000 13 01000000 11 ffffffff ${pressureHex}`,
  },
  {
    name: "pressure",
    frame: { type: "pressure", pressure },
    write: (writer) => writePressure(writer, pressure),
    hex: `1f000000 14 ${pressureHex}`,
  },
  {
    name: "trace",
    frame: { type: "trace", id: 258, points },
    write: (writer) => writeTrace(writer, 258, points),
    hex: `31000000 16 02010000 000000000000f03f 0000000000000040 0000000000000840 0000000000001040 0000000000001440 06000000`,
  },
  {
    name: "trace of a request that was never run",
    frame: {
      type: "trace",
      id: 1,
      points: { ...points, batchBegunAt: null, runBegunAt: null, runEndedAt: null, batchRows: 0 },
    },
    write: (writer) =>
      writeTrace(writer, 1, {
        ...points,
        batchBegunAt: null,
        runBegunAt: null,
        runEndedAt: null,
        batchRows: 0,
      }),
    hex: `31000000 16 01000000 000000000000f03f 000000000000f87f 000000000000f87f 000000000000f87f 0000000000001440 00000000`,
  },
  {
    name: "ended",
    frame: { type: "ended", key: "s-1", reason: "expired" },
    write: (writer) => writeEnded(writer, "s-1", "expired"),
    hex: "05000000 15 01 732d31",
  },
];

describe("the frames of a host", () => {
  for (const { name, write, hex } of rows) {
    it(`are written byte for byte: ${name}`, () =>
      assert.equal(written(write).toString("hex"), hex.replaceAll(" ", "")));
  }

  it("number the error codes in an order that only grows", () => {
    const numbers = errorCodes.map((code) => {
      const bytes = written((writer) =>
        writeFailed(writer, { id: 1, failure: { code, message: "" }, pressure }),
      );
      return `${bytes[9]} ${code}`;
    });
    assert.deepEqual(numbers, [
      "0 invalid-request",
      "1 unauthenticated",
      "2 forbidden",
      "3 model-not-found",
      "4 not-found",
      "5 method-not-allowed",
      "6 unsupported-media-type",
      "7 not-implemented",
      "8 conflict",
      "9 payload-too-large",
      "10 storage-full",
      "11 request-timeout",
      "12 invalid-model",
      "13 poison-request",
      "14 rate-limited",
      "15 cancelled",
      "16 inference-failed",
      "17 internal",
      "18 overloaded",
      "19 model-unavailable",
      "20 host-crashed",
      "21 sequence-lost",
      "22 draining",
      "23 deadline-exceeded",
    ]);
  });

  it("number the reasons for an end in an order that only grows", () => {
    const numbers = endReasons.map((reason) => {
      const bytes = written((writer) => writeEnded(writer, "s", reason));
      return `${bytes[5]} ${reason}`;
    });
    assert.deepEqual(numbers, ["0 idle", "1 expired", "2 cancelled", "3 failed", "4 draining"]);
  });
});

describe("parseHostFrame", () => {
  for (const { name, frame, write } of rows) {
    it(`reads what was written: ${name}`, () =>
      assert.deepEqual(parseHostFrame(content(written(write))), frame));
  }

  const refused: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["a door's frame", "03 02010000 01"],
    ["half an id", "10 01000000 0200"],
    ["a chunk without an id", "11 020100"],
    ["an unknown code", `13 01000000 18 ffffffff ${pressureHex}`],
    [
      "an unknown breaker state",
      "14 00000000 00000000 00000000 00000000 00000000 03 00 00000000 00000000",
    ],
    [
      "a cost that is no number",
      "14 00000000 00000000 0000c07f 00000000 00000000 00 00 00000000 00000000",
    ],
    [
      "pressure of the protocol before",
      "14 00000000 00000000 00000000 00000000 00000000 00 00 00000000",
    ],
    ["pressure and more", `14 ${pressureHex} 00`],
    ["an end without a reason", "15"],
    ["an end for an unknown reason", "15 05 732d31"],
    ["what only a door says", "05 732d31"],
  ];
  for (const [name, hex] of refused) {
    it(`refuses ${name}`, () => {
      const frame = Buffer.from(hex.replaceAll(" ", ""), "hex");
      assert.equal(parseHostFrame(frame), undefined);
    });
  }
});

describeHostileBytes({ of: "host", parse: parseHostFrame, rows, seed: 12 });
