import { TroupeError } from "../protocol/errors.ts";
import type { Priority } from "../protocol/frames.ts";
import { type Envelope, readEnvelope } from "./envelope.ts";
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
  readonly requestId: string;
}

export type ClientFrame = InferFrame | { readonly type: "cancel"; readonly id: FrameId };

export type FrameVerdict =
  | { readonly type: "frame"; readonly frame: ClientFrame }
  | { readonly type: "refused"; readonly id: FrameId | null; readonly error: TroupeError };

const maxIdLength = 128;

/** What a client sent, without its tensors; what is wrong with it is answered under its id where it has one. */
export function parseClientFrame(frame: Buffer): FrameVerdict {
  let id: FrameId | null = null;
  try {
    const envelope = readEnvelope(frame);
    id = idOf(envelope.get("id"));
    return { type: "frame", frame: clientFrame(envelope, id) };
  } catch (thrown) {
    if (!(thrown instanceof TroupeError)) throw thrown;
    return { type: "refused", id, error: thrown };
  }
}

function clientFrame(envelope: Envelope, id: FrameId): ClientFrame {
  const type = envelope.get("type");
  if (type === "cancel") return { type, id };
  if (type !== "infer") throw refused("type", "'infer' or 'cancel'", type);
  return {
    type,
    id,
    model: optionalText(envelope, "model"),
    version: optionalVersion(envelope.get("version")),
    timeoutMs: timeoutOf(envelope.get("timeout_ms")),
    priority: priorityOf(envelope.get("priority"), "priority"),
    stream: flag(envelope, "stream"),
    requestId: newRequestId(),
  };
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
  const words = got === undefined ? "nothing" : JSON.stringify(got);
  return new TroupeError("invalid-request", `${field} must be ${expected}, got ${words}`);
}
