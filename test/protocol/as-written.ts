import type { RequestFrame, WrittenRequest } from "../../src/protocol/frames.ts";

/** The frame as a front door writes it: its body in two pieces, the first of which says where binary tensors begin. */
export function asWritten(frame: RequestFrame): WrittenRequest {
  const { body } = frame;
  const half = Math.max(4, body.length >> 1);
  return { ...frame, body: [body.subarray(0, half), body.subarray(half)] };
}
