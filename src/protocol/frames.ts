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
 * | 2    | request  | door | id u32, codec u8, flags u8 (1 alone, 2 stream, 4 of a sequence, 8 traced),    |
 * |      |          |      | priority u8, deadlineAt f64, request id (u8 length, ASCII), claim (if of a sequence), body (rest) |
 * | 3    | cancel   | door | id u32, reason u8 (0 the client left, 1 its deadline passed)                        |
 * | 4    | credit   | door | id u32, chunks u16                                                                  |
 * | 5    | end      | door | key of a sequence (rest, ASCII)                                                     |
 * | 16   | running  | host | ids u32 …                                                                           |
 * | 17   | chunk    | host | id u32, body (rest)                                                                 |
 * | 18   | done     | host | id u32, stages 4 × u32 µs (decode, queue, run, encode), rows u32, pressure, body     |
 * | 19   | failed   | host | id u32, code u8, retry after u32 ms (0xffffffff: none), pressure, message (rest)     |
 * | 20   | pressure | host | pressure                                                                            |
 * | 22   | trace    | host | id u32, points 5 × f64 ms, rows of its batch u32; comes before `done`               |
 * | 21   | ended    | host | reason u8 (as in sequences.ts), key of a sequence (rest, ASCII)                      |
 *
 * A claim is flags u8 (1 start, 2 end, 4 shared) and the sequence's key (u8 length, ASCII).
 * Pressure is 26 bytes: queued rows u32, running rows u32, cost per row f32 ms, rows per request f32,
 * breaker u8 (0 closed, 1 half-open, 2 open), draining u8, breaker retry u32 ms, sequences u32.
 * Deadlines are points on the machine's monotonic clock, in milliseconds, which all its processes share.
 */
import type { Failure } from "./errors.ts";
import type { FrameWriter } from "./frame-stream.ts";
import type { Pressure } from "./pressure.ts";
import {
  claimBytes,
  type EndReason,
  parseClaim,
  putClaim,
  type SequenceClaim,
} from "./sequences.ts";
import type { HostPoints } from "./traces.ts";

export const protocolVersion = 3;
/** Chunks that a host may send before it is granted more. */
export const initialChunkCredit = 2;
const magic = "TRPE";

/** The wire formats of bodies, by their number on the data channel; the last three are bare samples of a signal. */
export const codecNames = ["predict", "v2", "int16", "int32", "float32"] as const;
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
  /** Null where the request stands for itself. */
  readonly sequence: SequenceClaim | null;
  readonly body: Uint8Array;
  /** Its points in time are wanted. */
  readonly traced?: boolean | undefined;
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
  | { readonly type: "credit"; readonly id: number; readonly chunks: number }
  | { readonly type: "end"; readonly key: string };

export type HostFrame =
  | HelloFrame
  | { readonly type: "running"; readonly ids: readonly number[] }
  | { readonly type: "chunk"; readonly id: number; readonly body: Uint8Array }
  | { readonly type: "trace"; readonly id: number; readonly points: HostPoints }
  | DoneFrame
  | FailedFrame
  | { readonly type: "pressure"; readonly pressure: Pressure }
  | { readonly type: "ended"; readonly key: string; readonly reason: EndReason };

export function writeHello(writer: FrameWriter, hostId: string): void {
  writer.begin(1, 6 + hostId.length);
  writer.ascii(magic);
  writer.u16(protocolVersion);
  writer.ascii(hostId);
}

export function writeRequest(writer: FrameWriter, frame: RequestFrame): void {
  const { requestId, sequence, body } = frame;
  const claimed = sequence === null ? 0 : claimBytes(sequence);
  writer.begin(2, 16 + requestId.length + claimed + body.length);
  writer.u32(frame.id);
  writer.u8(codecNames.indexOf(frame.codec));
  writer.u8(
    (frame.alone ? 1 : 0) |
      (frame.stream ? 2 : 0) |
      (sequence === null ? 0 : 4) |
      (frame.traced === true ? 8 : 0),
  );
  writer.u8(priorities.indexOf(frame.priority));
  writer.f64(frame.deadlineAt);
  writer.u8(requestId.length);
  writer.ascii(requestId);
  if (sequence !== null) putClaim(writer, sequence);
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

/** Its client wants no more of the sequence. */
export function writeEnd(writer: FrameWriter, key: string): void {
  writer.begin(5, key.length);
  writer.ascii(key);
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
    case 5:
      return { type: "end", key: frame.toString("latin1", 1) };
    default:
      return undefined;
  }
}

export function parseHello(frame: Buffer): HelloFrame | undefined {
  if (frame.length < 7 || frame.toString("latin1", 1, 5) !== magic) return undefined;
  return { type: "hello", version: frame.readUInt16LE(5), hostId: frame.toString("latin1", 7) };
}

function parseRequest(frame: Buffer): RequestFrame | undefined {
  if (frame.length < 17) return undefined;
  const codec = codecNames[frame[5] ?? -1];
  const flags = frame[6] ?? 0;
  const priority = priorities[frame[7] ?? -1];
  const idEnd = 17 + (frame[16] ?? 0);
  const sequence = (flags & 4) === 0 ? null : parseClaim(frame, idEnd);
  if (codec === undefined || priority === undefined || sequence === undefined) return undefined;
  const bodyAt = idEnd + (sequence === null ? 0 : claimBytes(sequence));
  if (frame.length < bodyAt) return undefined;
  const request: RequestFrame = {
    type: "request",
    id: frame.readUInt32LE(1),
    codec,
    alone: (flags & 1) !== 0,
    stream: (flags & 2) !== 0,
    priority,
    deadlineAt: frame.readDoubleLE(8),
    requestId: frame.toString("latin1", 17, idEnd),
    sequence,
    body: frame.subarray(bodyAt),
  };
  return marked(request, flags);
}

/** Few are traced. */
function marked(request: RequestFrame, flags: number): RequestFrame {
  return (flags & 8) === 0 ? request : { ...request, traced: true };
}
