import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import { errorCodes } from "../../src/protocol/errors.ts";
import { FrameWriter } from "../../src/protocol/frame-stream.ts";
import {
  cancelReasons,
  codecNames,
  type DoorFrame,
  type HostFrame,
  parseDoorFrame,
  parseHostFrame,
  priorities,
  protocolVersion,
  type RequestFrame,
  writeCancel,
  writeChunk,
  writeCredit,
  writeDone,
  writeFailed,
  writeHello,
  writePressure,
  writeRequest,
  writeRunning,
} from "../../src/protocol/frames.ts";
import type { Pressure } from "../../src/protocol/pressure.ts";

const pressure: Pressure = {
  queuedRows: 7,
  runningRows: 2,
  rowCostMs: 0.5,
  rowsPerRequest: 1.5,
  breaker: "half-open",
  draining: true,
  breakerRetryMs: 1_234,
};

const stages = { decodeUs: 1, queueUs: 2, runUs: 3, encodeUs: 4 };

function request(fields: Partial<RequestFrame> = {}): RequestFrame {
  return {
    type: "request",
    id: 258,
    codec: "v2",
    alone: true,
    stream: true,
    priority: "high",
    deadlineAt: 1_234.5,
    requestId: "r-1",
    body: Buffer.from("{}"),
    ...fields,
  };
}

function written(write: (writer: FrameWriter) => void): Buffer {
  const writer = new FrameWriter();
  write(writer);
  return Buffer.concat(writer.take());
}

/** What the reader hands on: the frame without its length. */
function content(bytes: Buffer): Buffer {
  return bytes.subarray(4);
}

interface Row<Frame> {
  readonly name: string;
  readonly frame: Frame;
  readonly write: (writer: FrameWriter) => void;
  /** Length and type, then the fields one by one. */
  readonly hex: string;
}

const pressureHex = "07000000 02000000 0000003f 0000c03f 01 01 d2040000";

const doorRows: readonly Row<DoorFrame>[] = [
  {
    name: "hello",
    frame: { type: "hello", version: protocolVersion, hostId: "iris/1#0.1" },
    write: (writer) => writeHello(writer, "iris/1#0.1"),
    hex: "11000000 01 54525045 0100 697269732f3123302e31",
  },
  {
    name: "request",
    frame: request(),
    write: (writer) => writeRequest(writer, request()),
    hex: "16000000 02 02010000 01 03 02 00000000004a9340 03 722d31 7b7d",
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
];

const hostRows: readonly Row<HostFrame>[] = [
  doorRows[0] as Row<HostFrame>,
  {
    name: "running",
    frame: { type: "running", ids: [1, 0xffff_ffff] },
    write: (writer) => writeRunning(writer, [1, 0xffff_ffff]),
    hex: "09000000 10 01000000 ffffffff",
  },
  {
    name: "chunk",
    frame: { type: "chunk", id: 258, body: Buffer.from("{}") },
    write: (writer) => writeChunk(writer, 258, Buffer.from("{}")),
    hex: "07000000 11 02010000 7b7d",
  },
  {
    name: "done",
    frame: { type: "done", id: 258, stages, rows: 5, pressure, body: Buffer.from("{}") },
    write: (writer) =>
      writeDone(writer, { id: 258, stages, rows: 5, pressure, body: Buffer.from("{}") }),
    hex: `31000000 12 02010000 01000000 02000000 03000000 04000000 05000000 ${pressureHex} 7b7d`,
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
    hex: `27000000 13 02010000 12 fa000000 ${pressureHex} 7370c3a4746572`,
  },
  {
    name: "failed, without",
    frame: { type: "failed", id: 1, failure: { code: "internal", message: "" }, pressure },
    write: (writer) =>
      writeFailed(writer, { id: 1, failure: { code: "internal", message: "" }, pressure }),
    hex: `20000000 13 01000000 11 ffffffff ${pressureHex}`,
  },
  {
    name: "pressure",
    frame: { type: "pressure", pressure },
    write: (writer) => writePressure(writer, pressure),
    hex: `17000000 14 ${pressureHex}`,
  },
];

describe("the frames of the data channel", () => {
  for (const { name, write, hex } of [...doorRows, ...hostRows.slice(1)]) {
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

  it("number codecs, priorities and reasons in an order that only grows", () =>
    assert.deepEqual(
      [codecNames, priorities, cancelReasons],
      [
        ["predict", "v2"],
        ["low", "normal", "high"],
        ["client-left", "expired"],
      ],
    ));
});

describe("parseDoorFrame", () => {
  for (const { name, frame, write } of doorRows) {
    it(`reads what was written: ${name}`, () =>
      assert.deepEqual(parseDoorFrame(content(written(write))), frame));
  }

  const requests: readonly Partial<RequestFrame>[] = [
    { alone: false, stream: false, priority: "low", codec: "predict" },
    { alone: false, stream: true, priority: "normal" },
    { alone: true, stream: false },
    { id: 0xffff_ffff, requestId: "", body: Buffer.alloc(0), deadlineAt: 0 },
    { requestId: "x".repeat(128), body: Buffer.alloc(20_000, 1) },
  ];
  for (const fields of requests) {
    const frame = request(fields);
    it(`reads a request with ${JSON.stringify(fields).slice(0, 80)}`, () => {
      const bytes = written((writer) => writeRequest(writer, frame));
      assert.deepEqual(parseDoorFrame(content(bytes)), frame);
    });
  }

  const refused: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["a host's frame", "14 00000000 00000000 00000000 00000000 00 00 00000000"],
    ["an unknown type", "05"],
    ["a hello with another magic", "01 54525046 0100"],
    ["a hello without a version", "01 54525045 01"],
    ["an unknown codec", "02 02010000 02 00 01 00000000004a9340 00"],
    ["an unknown priority", "02 02010000 00 00 03 00000000004a9340 00"],
    ["a request id longer than the frame", "02 02010000 00 00 01 00000000004a9340 02 72"],
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

describe("parseHostFrame", () => {
  for (const { name, frame, write } of hostRows) {
    it(`reads what was written: ${name}`, () =>
      assert.deepEqual(parseHostFrame(content(written(write))), frame));
  }

  const refused: readonly (readonly [string, string])[] = [
    ["nothing", ""],
    ["a door's frame", "03 02010000 01"],
    ["half an id", "10 01000000 0200"],
    ["a chunk without an id", "11 020100"],
    ["an unknown code", `13 01000000 18 ffffffff ${pressureHex}`],
    ["an unknown breaker state", "14 00000000 00000000 00000000 00000000 03 00 00000000"],
    ["a cost that is no number", "14 00000000 00000000 0000c07f 00000000 00 00 00000000"],
    ["pressure and more", `14 ${pressureHex} 00`],
  ];
  for (const [name, hex] of refused) {
    it(`refuses ${name}`, () => {
      const frame = Buffer.from(hex.replaceAll(" ", ""), "hex");
      assert.equal(parseHostFrame(frame), undefined);
    });
  }
});

const random = seededRandom(11);

function randomByte(): number {
  return Math.floor(between(random, 0, 256));
}

describe("hostile bytes", () => {
  const readers = [
    { reads: "a door", rows: doorRows, parse: parseDoorFrame },
    { reads: "a host", rows: hostRows, parse: parseHostFrame },
  ] as const;
  for (const { reads, rows, parse } of readers) {
    it(`cut short anywhere are no frame of ${reads}, or one with a shorter tail`, () => {
      for (const { frame, write } of rows) {
        const whole = content(written(write));
        for (let length = 0; length < whole.length; length += 1) {
          const parsed = parse(whole.subarray(0, length));
          assert.ok(parsed === undefined || parsed.type === frame.type);
        }
      }
    });

    it(`of no meaning at all are read as no frame of ${reads}, or as one of its kinds`, () => {
      const kinds = new Set<string>(rows.map(({ frame }) => frame.type));
      for (let round = 0; round < 20_000; round += 1) {
        const length = Math.floor(between(random, 0, 64));
        const bytes = Buffer.from(Array.from({ length }, randomByte));
        if (round % 2 === 0 && bytes.length > 0) bytes[0] = (round / 2) % 21;
        const parsed = parse(bytes);
        assert.ok(parsed === undefined || kinds.has(parsed.type));
      }
    });

    it(`in any one place of a frame of ${reads} are survived`, () => {
      for (const { write } of rows) {
        const whole = content(written(write));
        for (let at = 0; at < whole.length; at += 1) {
          const bytes = Buffer.from(whole);
          bytes[at] = randomByte();
          assert.doesNotThrow(() => parse(bytes));
        }
      }
    });
  }
});
