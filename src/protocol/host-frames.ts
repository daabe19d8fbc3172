/* The frames that a host sends, as the page at the head of frames.ts has them. */
import { type ErrorCode, errorCodes, type Failure } from "./errors.ts";
import type { FrameWriter } from "./frame-stream.ts";
import {
  type ChunkFrame,
  type DoneFrame,
  type FailedFrame,
  type HostFrame,
  parseHello,
} from "./frames.ts";
import { type Pressure, parsePressure, pressureBytes, putPressure } from "./pressure.ts";
import { type EndReason, endReasons } from "./sequences.ts";
import { type HostPoints, hostPointNames } from "./traces.ts";

const noRetry = 0xffff_ffff;

export function writeRunning(writer: FrameWriter, ids: readonly number[]): void {
  writer.begin(16, 4 * ids.length);
  for (const id of ids) writer.u32(id);
}

/** What a codec makes of an answer: JSON, and behind it what the JSON says is binary. */
export interface AnswerBody {
  readonly json: Uint8Array;
  /** Of at least one byte in all, or empty. */
  readonly tensors: readonly Uint8Array[];
}

export function writeChunk(writer: FrameWriter, id: number, body: AnswerBody): void {
  writer.begin(17, 8 + bytesOf(body));
  writer.u32(id);
  writer.u32(jsonBytesOf(body));
  putBody(writer, body);
}

/** A done frame before it is bytes. */
export type DoneAnswer = Omit<DoneFrame, "type" | "jsonBytes" | "body"> & {
  readonly body: AnswerBody;
};

export function writeDone(writer: FrameWriter, frame: DoneAnswer): void {
  writer.begin(18, 28 + pressureBytes + bytesOf(frame.body));
  writer.u32(frame.id);
  writer.u32(frame.stages.decodeUs);
  writer.u32(frame.stages.queueUs);
  writer.u32(frame.stages.runUs);
  writer.u32(frame.stages.encodeUs);
  writer.u32(frame.rows);
  writer.u32(jsonBytesOf(frame.body));
  putPressure(writer, frame.pressure);
  putBody(writer, frame.body);
}

function bytesOf({ json, tensors }: AnswerBody): number {
  return tensors.reduce((sum, { length }) => sum + length, json.length);
}

function jsonBytesOf({ json, tensors }: AnswerBody): number {
  return tensors.length === 0 ? 0 : json.length;
}

function putBody(writer: FrameWriter, { json, tensors }: AnswerBody): void {
  writer.bytes(json);
  for (const tensor of tensors) writer.bytes(tensor);
}

export function writeFailed(writer: FrameWriter, frame: Omit<FailedFrame, "type">): void {
  const { code, message, retryAfterMs } = frame.failure;
  const text = Buffer.from(message, "utf8");
  writer.begin(19, 9 + pressureBytes + text.length);
  writer.u32(frame.id);
  writer.u8(errorCodes.indexOf(code));
  writer.u32(retryAfterMs === undefined ? noRetry : Math.min(Math.ceil(retryAfterMs), noRetry - 1));
  putPressure(writer, frame.pressure);
  writer.bytes(text);
}

export function writePressure(writer: FrameWriter, pressure: Pressure): void {
  writer.begin(20, pressureBytes);
  putPressure(writer, pressure);
}

/** The host has dropped the sequence. */
export function writeEnded(writer: FrameWriter, key: string, reason: EndReason): void {
  writer.begin(21, 1 + key.length);
  writer.u8(endReasons.indexOf(reason));
  writer.ascii(key);
}

/** To be written before the frame that ends the request. */
export function writeTrace(writer: FrameWriter, id: number, points: HostPoints): void {
  writer.begin(22, 8 + 8 * hostPointNames.length);
  writer.u32(id);
  for (const name of hostPointNames) writer.f64(points[name] ?? Number.NaN);
  writer.u32(points.batchRows);
}

/** A frame without its length, from a host, which is not trusted; undefined where it is no such frame. */
export function parseHostFrame(frame: Buffer): HostFrame | undefined {
  switch (frame[0]) {
    case 1:
      return parseHello(frame);
    case 16:
      return parseRunning(frame);
    case 17:
      return parseChunk(frame);
    case 18:
      return parseDone(frame);
    case 19:
      return parseFailed(frame);
    case 20: {
      const pressure = frame.length === 1 + pressureBytes ? parsePressure(frame, 1) : undefined;
      return pressure && { type: "pressure", pressure };
    }
    case 22:
      return parseTrace(frame);
    case 21: {
      const reason = endReasons[frame[1] ?? -1];
      return reason && { type: "ended", reason, key: frame.toString("latin1", 2) };
    }
    default:
      return undefined;
  }
}

function parseRunning(frame: Buffer): HostFrame | undefined {
  if (frame.length % 4 !== 1) return undefined;
  const ids: number[] = [];
  for (let at = 1; at < frame.length; at += 4) ids.push(frame.readUInt32LE(at));
  return { type: "running", ids };
}

function parseChunk(frame: Buffer): ChunkFrame | undefined {
  if (frame.length < 9) return undefined;
  const jsonBytes = frame.readUInt32LE(5);
  const body = frame.subarray(9);
  return jsonBytes > body.length
    ? undefined
    : { type: "chunk", id: frame.readUInt32LE(1), jsonBytes, body };
}

function parseDone(frame: Buffer): DoneFrame | undefined {
  const pressure = parsePressure(frame, 29);
  if (pressure === undefined) return undefined;
  const stages = {
    decodeUs: frame.readUInt32LE(5),
    queueUs: frame.readUInt32LE(9),
    runUs: frame.readUInt32LE(13),
    encodeUs: frame.readUInt32LE(17),
  };
  const jsonBytes = frame.readUInt32LE(25);
  const body = frame.subarray(29 + pressureBytes);
  if (jsonBytes > body.length) return undefined;
  return {
    type: "done",
    id: frame.readUInt32LE(1),
    stages,
    rows: frame.readUInt32LE(21),
    pressure,
    jsonBytes,
    body,
  };
}

function parseTrace(frame: Buffer): HostFrame | undefined {
  if (frame.length !== 49) return undefined;
  const read = hostPointNames.map((_, at) => frame.readDoubleLE(5 + 8 * at));
  if (read.some((point) => Math.abs(point) === Number.POSITIVE_INFINITY)) return undefined;
  const point = (name: (typeof hostPointNames)[number]) => {
    const at = read[hostPointNames.indexOf(name)] ?? Number.NaN;
    return Number.isNaN(at) ? null : at;
  };
  const points = {
    queuedAt: point("queuedAt"),
    batchBegunAt: point("batchBegunAt"),
    runBegunAt: point("runBegunAt"),
    runEndedAt: point("runEndedAt"),
    answeredAt: point("answeredAt"),
    batchRows: frame.readUInt32LE(45),
  };
  return { type: "trace", id: frame.readUInt32LE(1), points };
}

function parseFailed(frame: Buffer): FailedFrame | undefined {
  const pressure = parsePressure(frame, 10);
  const code = errorCodes[frame[5] ?? -1];
  if (pressure === undefined || code === undefined) return undefined;
  const message = frame.toString("utf8", 10 + pressureBytes);
  const retryAfterMs = frame.readUInt32LE(6);
  return {
    type: "failed",
    id: frame.readUInt32LE(1),
    failure: failure(code, message, retryAfterMs),
    pressure,
  };
}

function failure(code: ErrorCode, message: string, retryAfterMs: number): Failure {
  return retryAfterMs === noRetry ? { code, message } : { code, message, retryAfterMs };
}
