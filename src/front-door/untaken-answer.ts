import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Clock } from "../platform/clock.ts";

/** A reader that takes nothing for this long has left. */
const stallMs = 10_000;

interface Internals {
  readonly _handle: { readonly writeQueueSize: number } | null;
}

/**
 * Ends the connection of a caller that takes nothing of its answer, which would hold its permit for ever. For an answer
 * that has ended; where the operating system has it whole, as it has small ones, nothing is watched.
 */
export function endIfUntaken(response: ServerResponse, clock: Clock): void {
  if (response.writableLength === 0) return;
  let left = untakenBytes(response.socket);
  let disarm = () => {};
  const look = () => {
    const before = left;
    left = untakenBytes(response.socket);
    if (left > 0 && left === before) response.socket?.destroy();
    else disarm = clock.after(stallMs, look);
  };
  disarm = clock.after(stallMs, look);
  response.on("close", () => disarm());
}

/** 0 while the answer stands behind another: that one is watched. Only libuv's queue shrinks within one write. */
function untakenBytes(socket: Socket | null): number {
  if (socket === null) return 0;
  const { _handle: handle } = socket as unknown as Internals;
  return socket.writableLength + (handle?.writeQueueSize ?? 0);
}
