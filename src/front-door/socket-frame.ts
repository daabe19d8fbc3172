import { lengthBytes, saidJsonBytes } from "../protocol/binary-body.ts";
import { TroupeError } from "../protocol/errors.ts";
import type { CodecName, Priority } from "../protocol/frames.ts";
import { type Envelope, readNamedEnvelope, Unread } from "./envelope.ts";
import { newRequestId, priorityOf } from "./request-head.ts";

/** What names a request on its socket; it comes back as it came. */
export type FrameId = string | number;

export interface InferFrame {
  readonly type: "infer";
  readonly id: FrameId;
  /** Undefined where the socket is one model's. */
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly timeoutMs: number | null;
  readonly priority: Priority;
  readonly stream: boolean;
  /** It brings a piece of a signal, which has its place among the others. */
  readonly isSignal: boolean;
  readonly requestId: string;
  readonly codec: "predict" | "predict-binary" | SampleCodec;
  /** Undefined is the socket's own. */
  readonly sequence: string | undefined;
}

/** Bare samples, by how they are written. */
export const sampleCodecs = ["int16", "int32", "float32"] as const satisfies readonly CodecName[];
export type SampleCodec = (typeof sampleCodecs)[number];

/** What is said of a sequence as a whole. */
export interface SequenceFrame {
  readonly type: "reset" | "end";
  readonly id: FrameId | null;
  readonly model: string | undefined;
  readonly version: string | undefined;
  readonly sequence: string | undefined;
}

export type ClientFrame =
  | InferFrame
  | SequenceFrame
  | { readonly type: "cancel"; readonly id: FrameId };

export type FrameVerdict =
  | { readonly type: "frame"; readonly frame: ClientFrame }
  | { readonly type: "refused"; readonly id: FrameId | null; readonly error: TroupeError };

const maxIdLength = 128;

/** What a client sent, without its tensors; what is wrong with it is answered under its id where it has one. */
export function parseClientFrame(frame: Buffer): FrameVerdict {
  return parseJsonFrame(() => frame, "predict");
}

/** The same of a binary frame: `length of the JSON u32 | JSON | tensors`, little-endian. */
export function parseBinaryFrame(frame: Buffer): FrameVerdict {
  return parseJsonFrame(() => jsonIn(frame), "predict-binary");
}

function jsonIn(frame: Buffer): Buffer {
  const most = Math.max(0, frame.length - lengthBytes);
  const bytes = saidJsonBytes(frame) ?? 0;
  if (bytes > 0 && bytes <= most) return frame.subarray(lengthBytes, lengthBytes + bytes);
  throw new TroupeError(
    "invalid-request",
    `a binary frame must begin with the length of its JSON (4 bytes, little-endian), from 1 to ${most} in one of ${frame.length} bytes, got ${bytes}; samples need '?samples=' with their format in the path`,
  );
}

function parseJsonFrame(json: () => Buffer, codec: "predict" | "predict-binary"): FrameVerdict {
  let id: FrameId | null = null;
  try {
    const envelope = readNamedEnvelope(json());
    const type = envelope.get("type");
    const isOfSequence = type === "reset" || type === "end";
    if (!isOfSequence || envelope.has("id")) id = idOf(envelope.get("id"));
    const parsed = clientFrame(envelope, id, codec);
    checkFields(envelope, parsed.type);
    return { type: "frame", frame: parsed };
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    return { type: "refused", id, error: thrown };
  }
}

const addressFields = ["type", "id", "model", "version"];
const dataFields = ["features", "inputs", "outputs", "samples", "encoding"];
const fieldsOf: Readonly<Record<ClientFrame["type"], readonly string[]>> = {
  infer: [...addressFields, "sequence", "timeout_ms", "priority", "stream", ...dataFields],
  cancel: addressFields,
  reset: [...addressFields, "sequence"],
  end: [...addressFields, "sequence"],
};

/** A misspelt field would be as if it were not there: another sequence would get the frame. */
function checkFields(envelope: Envelope, type: ClientFrame["type"]): void {
  const known = fieldsOf[type];
  const stranger = [...envelope.keys()].find((name) => !known.includes(name));
  if (stranger === undefined) return;
  const name = JSON.stringify(stranger.slice(0, maxIdLength));
  throw new TroupeError(
    "invalid-request",
    `unknown field ${name} in a frame of type '${type}', expected some of ${known.join(", ")}`,
  );
}

function clientFrame(
  envelope: Envelope,
  id: FrameId | null,
  codec: InferFrame["codec"],
): ClientFrame {
  const type = envelope.get("type");
  const model = optionalText(envelope, "model");
  const version = optionalVersion(envelope.get("version"));
  const sequence = optionalName(envelope);
  if (type === "reset" || type === "end") return { type, id, model, version, sequence };
  if (id === null || (type !== "infer" && type !== "cancel")) {
    throw refused("type", "'infer', 'cancel', 'reset' or 'end'", type);
  }
  if (type === "cancel") return { type, id };
  return {
    type,
    id,
    model,
    version,
    timeoutMs: timeoutOf(envelope.get("timeout_ms")),
    priority: priorityOf(envelope.get("priority"), "priority"),
    // A piece of a signal is answered window by window.
    stream: flag(envelope, "stream") || envelope.has("samples"),
    isSignal: envelope.has("samples"),
    requestId: newRequestId(),
    codec,
    sequence,
  };
}

/** The frame that one of bare samples is, for the socket's one model; `id` is its number among them. */
export function sampleFrame(id: number, codec: SampleCodec): FrameVerdict {
  const frame: InferFrame = {
    type: "infer",
    id,
    model: undefined,
    version: undefined,
    timeoutMs: null,
    priority: "normal",
    stream: true,
    isSignal: true,
    requestId: newRequestId(),
    codec,
    sequence: undefined,
  };
  return { type: "frame", frame };
}

/** One that is there but too long to be read must not be taken for the socket's own. */
function optionalName(envelope: Envelope): string | undefined {
  if (!envelope.has("sequence")) return undefined;
  const value = envelope.get("sequence");
  // So the notices name the socket's own.
  if (value === null) return undefined;
  if (typeof value === "string" && value.length > 0 && value.length <= maxIdLength) return value;
  throw refused("sequence", `a text of 1 to ${maxIdLength} characters`, value);
}

function idOf(value: unknown): FrameId {
  if (typeof value === "string" && value.length > 0 && value.length <= maxIdLength) return value;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw refused("id", `a text of 1 to ${maxIdLength} characters, or a number`, value);
}

function timeoutOf(value: unknown): number | null {
  if (value === undefined) return null;
  if (typeof value === "number" && Number.isInteger(value) && value > 0) return value;
  throw refused("timeout_ms", "a whole number of milliseconds from 1", value);
}

function flag(envelope: Envelope, name: string): boolean {
  const value = envelope.get(name) ?? false;
  if (typeof value !== "boolean") throw refused(name, "true or false", value);
  return value;
}

function optionalText(envelope: Envelope, name: string): string | undefined {
  const value = envelope.get(name);
  if (value === undefined || typeof value === "string") return value;
  throw refused(name, "a text", value);
}

function optionalVersion(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string") return value;
  if (typeof value === "number") return String(value);
  throw refused("version", "a text", value);
}

function refused(field: string, expected: string, got: unknown): TroupeError {
  return new TroupeError("invalid-request", `${field} must be ${expected}, got ${wordsFor(got)}`);
}

function wordsFor(got: unknown): string {
  if (got instanceof Unread) return got.words;
  return got === undefined ? "nothing" : JSON.stringify(got);
}

/** By what a frame is known while it is open: bare samples have numbers of their own, which are no client's ids. */
export function frameKey({ id, codec }: InferFrame): FrameId | bigint {
  return codec === "predict" || codec === "predict-binary" ? id : BigInt(id);
}
