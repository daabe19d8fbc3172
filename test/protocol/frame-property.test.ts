import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc, { type Arbitrary } from "fast-check";
import { lengthPrefix } from "../../src/protocol/binary-body.ts";
import { errorCodes } from "../../src/protocol/errors.ts";
import { FrameReader, FrameWriter } from "../../src/protocol/frame-stream.ts";
import {
  cancelReasons,
  codecNames,
  type DoorFrame,
  type HostFrame,
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
import { breakerStates, type Pressure } from "../../src/protocol/pressure.ts";
import { endReasons } from "../../src/protocol/sequences.ts";
import type { HostPoints } from "../../src/protocol/traces.ts";
import { asWritten } from "./as-written.ts";

const runs = { numRuns: 400, includeErrorInReport: true };
const u32 = fc.nat({ max: 2 ** 32 - 1 });
const ascii = fc.string({ unit: "grapheme-ascii", maxLength: 255 });
const key = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 255 });
const flag = fc.boolean();
/** Equal to objects of ours in `deepEqual`. */
const ordinary = { noNullPrototype: true } as const;

/** Some are copied beside their fields, those above 8 KiB go by reference, and some outgrow a page of the writer's. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 64 }),
  fc.nat({ max: 70_000 }).map((length) => new Uint8Array(length).fill(length)),
);
const binaryBody = fc
  .tuple(fc.uint8Array({ maxLength: 40 }), bytes)
  .map(([json, tensors]) => Buffer.concat([lengthPrefix(json.length), json, tensors]));
const body = fc.oneof(bytes, binaryBody);

const measure = fc
  .float({ min: 0, noNaN: true, noDefaultInfinity: true })
  .map((value) => value + 0);
const pressure: Arbitrary<Pressure> = fc.record(
  {
    queuedRows: u32,
    runningRows: u32,
    rowCostMs: measure,
    batchCostMs: measure,
    rowsPerRequest: measure,
    breaker: fc.constantFrom(...breakerStates),
    draining: flag,
    breakerRetryMs: u32,
    sequences: u32,
  },
  ordinary,
);

const request: Arbitrary<RequestFrame> = fc.record(
  {
    type: fc.constant("request" as const),
    id: u32,
    codec: fc.constantFrom(...codecNames),
    alone: flag,
    stream: flag,
    priority: fc.constantFrom(...priorities),
    deadlineAt: fc.double({ noNaN: true }),
    requestId: ascii,
    sequence: fc.option(fc.record({ key, start: flag, end: flag, shared: flag }, ordinary)),
    body,
    hurried: flag,
    traced: flag,
  },
  ordinary,
);

/** What is written, and the frame that must be read. */
interface Case<Frame> {
  readonly frame: Frame;
  readonly write: (writer: FrameWriter) => void;
}

const doorCase: Arbitrary<Case<DoorFrame>> = fc.oneof(
  ascii.map((hostId) => ({
    frame: { type: "hello" as const, version: protocolVersion, hostId },
    write: (writer: FrameWriter) => writeHello(writer, hostId),
  })),
  request.map((frame) => ({
    frame,
    write: (writer: FrameWriter) => writeRequest(writer, asWritten(frame)),
  })),
  fc.tuple(u32, fc.constantFrom(...cancelReasons)).map(([id, reason]) => ({
    frame: { type: "cancel" as const, id, reason },
    write: (writer: FrameWriter) => writeCancel(writer, id, reason),
  })),
  fc.tuple(u32, fc.nat({ max: 65_535 })).map(([id, chunks]) => ({
    frame: { type: "credit" as const, id, chunks },
    write: (writer: FrameWriter) => writeCredit(writer, id, chunks),
  })),
  key.map((name) => ({
    frame: { type: "end" as const, key: name },
    write: (writer: FrameWriter) => writeEnd(writer, name),
  })),
);

const answer = fc.record(
  {
    json: fc.uint8Array({ maxLength: 60 }),
    tensors: fc.array(bytes, { maxLength: 3 }),
  },
  ordinary,
);

function answerIn({ json, tensors }: { json: Uint8Array; tensors: readonly Uint8Array[] }) {
  return {
    jsonBytes: tensors.length === 0 ? 0 : json.length,
    body: Buffer.concat([json, ...tensors]),
  };
}

const done = fc
  .record({
    id: u32,
    rows: u32,
    stages: fc.record({ decodeUs: u32, queueUs: u32, runUs: u32, encodeUs: u32 }, ordinary),
    pressure,
    body: answer,
  })
  .map((fields) => ({
    frame: { type: "done" as const, ...fields, ...answerIn(fields.body) },
    write: (writer: FrameWriter) => writeDone(writer, fields),
  }));

const failed = fc
  .record({
    id: u32,
    failure: fc.record(
      {
        code: fc.constantFrom(...errorCodes),
        message: fc.string({ unit: "binary" }),
        retryAfterMs: fc.nat({ max: 2 ** 32 - 2 }),
      },
      { requiredKeys: ["code", "message"], ...ordinary },
    ),
    pressure,
  })
  .map((fields) => ({
    frame: { type: "failed" as const, ...fields },
    write: (writer: FrameWriter) => writeFailed(writer, fields),
  }));

const point = fc.option(fc.double({ noNaN: true, noDefaultInfinity: true }));
const points: Arbitrary<HostPoints> = fc.record(
  {
    queuedAt: point,
    batchBegunAt: point,
    runBegunAt: point,
    runEndedAt: point,
    answeredAt: point,
    batchRows: u32,
  },
  ordinary,
);

const hostCase: Arbitrary<Case<HostFrame>> = fc.oneof(
  fc.array(u32).map((ids) => ({
    frame: { type: "running" as const, ids },
    write: (writer: FrameWriter) => writeRunning(writer, ids),
  })),
  fc.tuple(u32, answer).map(([id, written]) => ({
    frame: { type: "chunk" as const, id, ...answerIn(written) },
    write: (writer: FrameWriter) => writeChunk(writer, id, written),
  })),
  fc.tuple(u32, points).map(([id, all]) => ({
    frame: { type: "trace" as const, id, points: all },
    write: (writer: FrameWriter) => writeTrace(writer, id, all),
  })),
  done,
  failed,
  pressure.map((said) => ({
    frame: { type: "pressure" as const, pressure: said },
    write: (writer: FrameWriter) => writePressure(writer, said),
  })),
  fc.tuple(key, fc.constantFrom(...endReasons)).map(([name, reason]) => ({
    frame: { type: "ended" as const, key: name, reason },
    write: (writer: FrameWriter) => writeEnded(writer, name, reason),
  })),
);

/** The stream cut wherever it may come in pieces. */
function framesIn<Frame>(
  pieces: readonly Uint8Array[],
  cuts: readonly number[],
  parse: (frame: Buffer) => Frame | undefined,
): readonly (Frame | undefined)[] {
  const stream = Buffer.concat(pieces);
  const frames: (Frame | undefined)[] = [];
  const reader = new FrameReader(1_000_000);
  const places = cuts
    .map((cut) => cut % (stream.length + 1))
    .toSorted((left, right) => left - right);
  const bounds = [0, ...places, stream.length];
  const chunks = places.concat(stream.length).map((to, i) => stream.subarray(bounds[i], to));
  const isSound = chunks.every((chunk) =>
    reader.push(chunk, (frame) => frames.push(parse(Buffer.from(frame))) > 0),
  );
  assert.ok(isSound);
  return frames;
}

/** Bytes as hex, as a view is to be equal to a copy. */
function plain(frame: unknown): unknown {
  const { ownMemory: _, ...fields } = frame as { ownMemory?: unknown };
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [
      name,
      value instanceof Uint8Array ? Buffer.from(value).toString("hex") : value,
    ]),
  );
}

function checkStream<Frame>(
  oneCase: Arbitrary<Case<Frame>>,
  parse: (frame: Buffer) => Frame | undefined,
): void {
  const stream = fc.array(oneCase, { maxLength: 8 });
  const cuts = fc.array(fc.nat({ max: 300_000 }), { maxLength: 8 });
  const property = fc.property(stream, cuts, (cases, places) => {
    const writer = new FrameWriter();
    for (const { write } of cases) write(writer);
    const read = framesIn(writer.take(), places, parse);
    assert.deepEqual(
      read.map(plain),
      cases.map(({ frame }) => plain(frame)),
    );
  });
  fc.assert(property, runs);
}

describe("What is written to the data channel is read, however the stream is cut:", () => {
  it("the frames of a front door", () => checkStream(doorCase, parseDoorFrame));
  it("the frames of a host", () => checkStream(hostCase, parseHostFrame));
});
