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
 * | 2    | request  | door | id u32, codec u8, flags u8 (1 alone, 2 stream, 4 of a sequence, 8 hurried, 16       |
 * |      |          |      | traced), priority u8, deadlineAt f64, request id (u8 length, ASCII), claim (if of a  |
 * |      |          |      | sequence), pad (u8 length, zeros), body (rest)                                      |
 * | 3    | cancel   | door | id u32, reason u8 (0 the client left, 1 its deadline passed)                        |
 * | 4    | credit   | door | id u32, chunks u16                                                                  |
 * | 5    | end      | door | key of a sequence (rest, ASCII)                                                     |
 * | 16   | running  | host | ids u32 …                                                                           |
 * | 17   | chunk    | host | id u32, JSON bytes u32, body (rest)                                                 |
 * | 18   | done     | host | id u32, stages 4 × u32 µs (decode, queue, run, encode), rows u32, JSON bytes u32,    |
 * |      |          |      | pressure, body (rest)                                                               |
 * | 19   | failed   | host | id u32, code u8, retry after u32 ms (0xffffffff: none), pressure, message (rest)     |
 * | 20   | pressure | host | pressure                                                                            |
 * | 21   | ended    | host | reason u8 (as in sequences.ts), key of a sequence (rest, ASCII)                      |
 * | 22   | trace    | host | id u32, points 5 × f64 ms (NaN: not reached), rows of its batch u32; comes before    |
 * |      |          |      | the frame that ends the request                                                     |
 *
 * A claim is flags u8 (1 start, 2 end, 4 shared) and the sequence's key (u8 length, ASCII).
 * Pressure is 30 bytes: queued rows u32, running rows u32, cost per row f32 ms, cost of one row alone f32 ms,
 * rows per request f32, breaker u8 (0 closed, 1 half-open, 2 open), draining u8, breaker retry u32 ms, sequences u32.
 * JSON bytes are 0 where all of an answer's body is JSON; otherwise so many are, and binary tensors stand behind them.
 * The pad sees to it that a frame which lies at the start of its memory has its binary tensors at a multiple of 8, where
 * every datatype may be read in place.
 * Deadlines are points on the machine's monotonic clock, in milliseconds, which all its processes share.
 */
import { lengthBytes, saidJsonBytes } from "./binary-body.ts";
import type { Failure } from "./errors.ts";
import type { FrameWriter } from "./frame-stream.ts";
import { bytesIn } from "./pieces.ts";
import type { Pressure } from "./pressure.ts";
import {
  claimBytes,
  type EndReason,
  parseClaim,
  putClaim,
  type SequenceClaim,
} from "./sequences.ts";
import type { HostPoints } from "./traces.ts";

export const protocolVersion = 5;
/** Chunks that a host may send before it is granted more. */
export const initialChunkCredit = 2;
const magic = "TRPE";

/**
 * The wire formats of bodies, by their number on the data channel: JSON, bare samples of a signal, JSON with binary
 * tensors behind it (`length of the JSON u32 | JSON | tensors`), the bytes of a lone tensor, JSON with encoded
 * InferTensorContents in the place of binary tensors, and JSON as neighbouring servers have it.
 */
export const codecNames = [
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
] as const;
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
  /** It waits for no company, whatever the model's configuration says of it. */
  readonly hurried: boolean;
  readonly stream: boolean;
  readonly priority: Priority;
  readonly deadlineAt: number;
  readonly requestId: string;
  /** Null where the request stands for itself. */
  readonly sequence: SequenceClaim | null;
  readonly body: Uint8Array;
  /** Where it was read into memory that holds nothing else: that memory. */
  readonly ownMemory?: ArrayBuffer;
  /** Its points in time are wanted. */
  readonly traced: boolean;
}

/** A request before it is bytes. */
export type WrittenRequest = Omit<RequestFrame, "body" | "ownMemory"> & {
  readonly body: readonly Uint8Array[];
};

/** An answer as it came from its host. */
export interface AnswerBytes {
  /** How much of the body is JSON, with binary tensors behind it; 0 where all of it is. */
  readonly jsonBytes: number;
  readonly body: Buffer;
}

export interface DoneFrame extends AnswerBytes {
  readonly type: "done";
  readonly id: number;
  readonly stages: HostStages;
  readonly rows: number;
  readonly pressure: Pressure;
}

/** One slice of a streaming answer. */
export interface ChunkFrame extends AnswerBytes {
  readonly type: "chunk";
  readonly id: number;
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
  | ChunkFrame
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

export function writeRequest(writer: FrameWriter, frame: WrittenRequest): void {
  const { requestId, sequence, body } = frame;
  const claimed = sequence === null ? 0 : claimBytes(sequence);
  const padBytes = padFor(frame, 1 + 17 + requestId.length + claimed);
  writer.begin(2, 17 + requestId.length + claimed + padBytes + bytesIn(body));
  writer.u32(frame.id);
  writer.u8(codecNames.indexOf(frame.codec));
  writer.u8(flagsOf(frame));
  writer.u8(priorities.indexOf(frame.priority));
  writer.f64(frame.deadlineAt);
  writer.u8(requestId.length);
  writer.ascii(requestId);
  if (sequence !== null) putClaim(writer, sequence);
  writer.u8(padBytes);
  for (let at = 0; at < padBytes; at += 1) writer.u8(0);
  for (const piece of body) writer.bytes(piece);
}

function flagsOf({ alone, stream, sequence, hurried, traced }: WrittenRequest): number {
  const kind = (alone ? 1 : 0) | (stream ? 2 : 0) | (sequence === null ? 0 : 4);
  return kind | (hurried ? 8 : 0) | (traced ? 16 : 0);
}

const alignment = 8;
const nothing = new Uint8Array(0);

/** The zeros before a body that would begin at `bodyAt`. */
function padFor({ codec, body }: WrittenRequest, bodyAt: number): number {
  const isBinary = codec === "v2-raw" || codec === "v2-binary" || codec === "predict-binary";
  if (!isBinary) return 0;
  const tensorsAt =
    bodyAt + (codec === "v2-raw" ? 0 : lengthBytes + (saidJsonBytes(body[0] ?? nothing) ?? 0));
  return (alignment - (tensorsAt % alignment)) % alignment;
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
  if (frame.length < 18) return undefined;
  const codec = codecNames[frame[5] ?? -1];
  const flags = frame[6] ?? 0;
  const priority = priorities[frame[7] ?? -1];
  const idEnd = 17 + (frame[16] ?? 0);
  const sequence = (flags & 4) === 0 ? null : parseClaim(frame, idEnd);
  if (codec === undefined || priority === undefined || sequence === undefined) return undefined;
  const body = bodyIn(frame, idEnd + (sequence === null ? 0 : claimBytes(sequence)));
  if (body === undefined) return undefined;
  const request = {
    type: "request",
    id: frame.readUInt32LE(1),
    codec,
    alone: (flags & 1) !== 0,
    stream: (flags & 2) !== 0,
    hurried: (flags & 8) !== 0,
    priority,
    deadlineAt: frame.readDoubleLE(8),
    requestId: frame.toString("latin1", 17, idEnd),
    sequence,
    traced: (flags & 16) !== 0,
    body,
  } as const;
  return withOwnMemory(request, frame);
}

function bodyIn(frame: Buffer, padAt: number): Buffer | undefined {
  const bodyAt = padAt + 1 + (frame[padAt] ?? 0);
  return bodyAt > frame.length ? undefined : frame.subarray(bodyAt);
}

/** A frame that came in several chunks was gathered alone; one that is part of a chunk has its length before it. */
function withOwnMemory(request: RequestFrame, { buffer, length }: Buffer): RequestFrame {
  const isAlone = length === buffer.byteLength && buffer instanceof ArrayBuffer;
  return isAlone ? { ...request, ownMemory: buffer } : request;
}
