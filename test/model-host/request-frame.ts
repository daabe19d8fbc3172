import type { RequestFrame } from "../../src/protocol/frames.ts";

/** A plain request in Troupe's own JSON, but for what is said. */
export function requestFrame(body: unknown, fields: Partial<RequestFrame> = {}): RequestFrame {
  return {
    type: "request",
    hurried: false,
    traced: false,
    id: 0,
    codec: "predict",
    alone: false,
    stream: false,
    priority: "normal",
    deadlineAt: 10_000,
    requestId: "r",
    sequence: null,
    body: Buffer.from(JSON.stringify(body)),
    ...fields,
  };
}
