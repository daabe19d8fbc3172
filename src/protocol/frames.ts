/*
 * The data channel: what a front door and a model host say to each other over a Unix socket.
 *
 * Every frame is `length u32 | type u8 | fields`, little-endian; `length` counts everything after itself. Both sides
 * begin with `hello`, which carries the version of this page: another version, an unknown type, a frame past the limit
 * or fields that do not fit end the connection. Each request gets exactly one `done` or `failed`, cancelled ones too;
 * `chunk`s may come before it, one for each credit given.
 *
 * | type | frame    | from | fields                                                                              |
 * | ---- | -------- | ---- | ----------------------------------------------------------------------------------- |
 * | 1    | hello    | both | magic "TRPE", version u16, host id (rest, ASCII)                                    |
 * | 2    | request  | door | id u32, codec u8, flags u8 (1 alone, 2 stream), priority u8, deadlineAt f64,         |
 * |      |          |      | request id (u8 length, ASCII), body (rest)                                          |
 * | 3    | cancel   | door | id u32, reason u8 (0 the client left, 1 its deadline passed)                        |
 * | 4    | credit   | door | id u32, chunks u16                                                                  |
 * | 16   | running  | host | ids u32 …                                                                           |
 * | 17   | chunk    | host | id u32, body (rest)                                                                 |
 * | 18   | done     | host | id u32, stages 4 × u32 µs (decode, queue, run, encode), rows u32, pressure, body     |
 * | 19   | failed   | host | id u32, code u8, retry after u32 ms (0xffffffff: none), pressure, message (rest)     |
 * | 20   | pressure | host | pressure                                                                            |
 *
 * Pressure is 22 bytes: queued rows u32, running rows u32, cost per row f32 ms, rows per request f32,
 * breaker u8 (0 closed, 1 half-open, 2 open), draining u8, breaker retry u32 ms.
 * Deadlines are points on the machine's monotonic clock, in milliseconds, which all its processes share.
 */
import { type ErrorCode, errorCodes, type Failure } from "./errors.ts";
import type { FrameWriter } from "./frame-stream.ts";
import { type Pressure, parsePressure, pressureBytes, putPressure } from "./pressure.ts";

export const protocolVersion = 1;
/** Chunks that a host may send before it is granted more. */
export const initialChunkCredit = 2;
const magic = "TRPE";
const noRetry = 0xffff_ffff;

/** The wire formats of bodies, by their number on the data channel. */
export const codecNames = ["predict", "v2"] as const;
export type CodecName = (typeof codecNames)[number];

export const priorities = ["low", "normal", "high"] as const;
export type Priority = (typeof priorities)[number];

export const cancelReasons = ["client-left", "expired"] as const;
export type CancelReason = (typeof cancelReasons)[number];

/** Microseconds that a request spent in each stage of its host. */
export interface HostStages {
  readonly decodeUs: number;
  readonly queueUs: number;
  readonly runUs: number;
  readonly encodeUs: number;
}

export interface HelloFrame {
  readonly type: "hello";
  readonly version: number;
  readonly hostId: string;
}

export interface RequestFrame {
  readonly type: "request";
  readonly id: number;
  readonly codec: CodecName;
  /** A suspect after a crash: it shares its batch with nobody. */
  readonly alone: boolean;
  readonly stream: boolean;
  readonly priority: Priority;
  readonly deadlineAt: number;
  readonly requestId: string;
  readonly body: Uint8Array;
}

export interface DoneFrame {
  readonly type: "done";
  readonly id: number;
  readonly stages: HostStages;
  readonly rows: number;
  readonly pressure: Pressure;
  readonly body: Buffer;
}

export interface FailedFrame {
  readonly type: "failed";
  readonly id: number;
  readonly failure: Failure;
  readonly pressure: Pressure;
}

export type DoorFrame =
  | HelloFrame
  | RequestFrame
  | { readonly type: "cancel"; readonly id: number; readonly reason: CancelReason }
  | { readonly type: "credit"; readonly id: number; readonly chunks: number };

export type HostFrame =
  | HelloFrame
  | { readonly type: "running"; readonly ids: readonly number[] }
  | { readonly type: "chunk"; readonly id: number; readonly body: Uint8Array }
  | DoneFrame
  | FailedFrame
  | { readonly type: "pressure"; readonly pressure: Pressure };

export function writeHello(writer: FrameWriter, hostId: string): void {
  writer.begin(1, 6 + hostId.length);
  writer.ascii(magic);
  writer.u16(protocolVersion);
  writer.ascii(hostId);
}

export function writeRequest(writer: FrameWriter, frame: RequestFrame): void {
  const { requestId, body } = frame;
  writer.begin(2, 16 + requestId.length + body.length);
  writer.u32(frame.id);
  writer.u8(codecNames.indexOf(frame.codec));
  writer.u8((frame.alone ? 1 : 0) | (frame.stream ? 2 : 0));
  writer.u8(priorities.indexOf(frame.priority));
  writer.f64(frame.deadlineAt);
  writer.u8(requestId.length);
  writer.ascii(requestId);
  writer.bytes(body);
}

export function writeCancel(writer: FrameWriter, id: number, reason: CancelReason): void {
  writer.begin(3, 5);
  writer.u32(id);
  writer.u8(cancelReasons.indexOf(reason));
}

export function writeCredit(writer: FrameWriter, id: number, chunks: number): void {
  writer.begin(4, 6);
  writer.u32(id);
  writer.u16(chunks);
}

export function writeRunning(writer: FrameWriter, ids: readonly number[]): void {
  writer.begin(16, 4 * ids.length);
  for (const id of ids) writer.u32(id);
}

export function writeChunk(writer: FrameWriter, id: number, body: Uint8Array): void {
  writer.begin(17, 4 + body.length);
  writer.u32(id);
  writer.bytes(body);
}

/** A done frame before it is bytes. */
export type DoneAnswer = Omit<DoneFrame, "type" | "body"> & { readonly body: Uint8Array };

export function writeDone(writer: FrameWriter, frame: DoneAnswer): void {
  writer.begin(18, 24 + pressureBytes + frame.body.length);
  writer.u32(frame.id);
  writer.u32(frame.stages.decodeUs);
  writer.u32(frame.stages.queueUs);
  writer.u32(frame.stages.runUs);
  writer.u32(frame.stages.encodeUs);
  writer.u32(frame.rows);
  putPressure(writer, frame.pressure);
  writer.bytes(frame.body);
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

/** A frame without its length, from a front door; undefined where it is no such frame. */
export function parseDoorFrame(frame: Buffer): DoorFrame | undefined {
  switch (frame[0]) {
    case 1:
      return parseHello(frame);
    case 2:
      return parseRequest(frame);
    case 3: {
      const reason = cancelReasons[frame[5] ?? -1];
      if (frame.length !== 6 || reason === undefined) return undefined;
      return { type: "cancel", id: frame.readUInt32LE(1), reason };
    }
    case 4:
      if (frame.length !== 7) return undefined;
      return { type: "credit", id: frame.readUInt32LE(1), chunks: frame.readUInt16LE(5) };
    default:
      return undefined;
  }
}

/** A frame without its length, from a host, which is not trusted; undefined where it is no such frame. */
export function parseHostFrame(frame: Buffer): HostFrame | undefined {
  switch (frame[0]) {
    case 1:
      return parseHello(frame);
    case 16:
      return parseRunning(frame);
    case 17:
      if (frame.length < 5) return undefined;
      return { type: "chunk", id: frame.readUInt32LE(1), body: frame.subarray(5) };
    case 18:
      return parseDone(frame);
    case 19:
      return parseFailed(frame);
    case 20: {
      const pressure = frame.length === 1 + pressureBytes ? parsePressure(frame, 1) : undefined;
      return pressure && { type: "pressure", pressure };
    }
    default:
      return undefined;
  }
}

function parseHello(frame: Buffer): HelloFrame | undefined {
  if (frame.length < 7 || frame.toString("latin1", 1, 5) !== magic) return undefined;
  return { type: "hello", version: frame.readUInt16LE(5), hostId: frame.toString("latin1", 7) };
}

function parseRequest(frame: Buffer): RequestFrame | undefined {
  if (frame.length < 17) return undefined;
  const codec = codecNames[frame[5] ?? -1];
  const flags = frame[6] ?? 0;
  const priority = priorities[frame[7] ?? -1];
  const bodyAt = 17 + (frame[16] ?? 0);
  if (codec === undefined || priority === undefined || frame.length < bodyAt) return undefined;
  return {
    type: "request",
    id: frame.readUInt32LE(1),
    codec,
    alone: (flags & 1) !== 0,
    stream: (flags & 2) !== 0,
    priority,
    deadlineAt: frame.readDoubleLE(8),
    requestId: frame.toString("latin1", 17, bodyAt),
    body: frame.subarray(bodyAt),
  };
}

function parseRunning(frame: Buffer): HostFrame | undefined {
  if (frame.length % 4 !== 1) return undefined;
  const ids: number[] = [];
  for (let at = 1; at < frame.length; at += 4) ids.push(frame.readUInt32LE(at));
  return { type: "running", ids };
}

function parseDone(frame: Buffer): DoneFrame | undefined {
  const pressure = parsePressure(frame, 25);
  if (pressure === undefined) return undefined;
  const stages = {
    decodeUs: frame.readUInt32LE(5),
    queueUs: frame.readUInt32LE(9),
    runUs: frame.readUInt32LE(13),
    encodeUs: frame.readUInt32LE(17),
  };
  const body = frame.subarray(25 + pressureBytes);
  return {
    type: "done",
    id: frame.readUInt32LE(1),
    stages,
    rows: frame.readUInt32LE(21),
    pressure,
    body,
  };
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
