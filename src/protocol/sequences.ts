import type { FrameWriter } from "./frame-stream.ts";

/** How a request names the sequence that it belongs to. */
export interface SequenceClaim {
  /** Printable ASCII, at most 255 characters; no two sequences of a host have the same. */
  readonly key: string;
  /** It begins anew, whatever was there before. */
  readonly start: boolean;
  /** Nothing comes after it. */
  readonly end: boolean;
  /** It may be asked for by every front door, and outlives the one that began it. */
  readonly shared: boolean;
}

/** Why a host no longer has a sequence, though its client did not end it. */
export const endReasons = ["idle", "expired", "cancelled", "failed", "draining"] as const;
export type EndReason = (typeof endReasons)[number];

export function claimBytes({ key }: SequenceClaim): number {
  return 2 + key.length;
}

/** The layout stands at the head of frames.ts. */
export function putClaim(writer: FrameWriter, { key, start, end, shared }: SequenceClaim): void {
  writer.u8((start ? 1 : 0) | (end ? 2 : 0) | (shared ? 4 : 0));
  writer.u8(key.length);
  writer.ascii(key);
}

/** Undefined where the bytes at `at` are no claim. */
export function parseClaim(frame: Buffer, at: number): SequenceClaim | undefined {
  const flags = frame[at] ?? 0;
  const keyAt = at + 2;
  const keyEnd = keyAt + (frame[at + 1] ?? 0);
  if (keyEnd === keyAt || frame.length < keyEnd) return undefined;
  return {
    key: frame.toString("latin1", keyAt, keyEnd),
    start: (flags & 1) !== 0,
    end: (flags & 2) !== 0,
    shared: (flags & 4) !== 0,
  };
}
