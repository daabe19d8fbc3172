/* A WebSocket that is opened again when it breaks. It owns the connection; what is said on it is its user's. */
import { TroupeClientError } from "./client-error.ts";
import { pause } from "./patience.ts";
import type { Socket, SocketListeners } from "./platform.ts";
import { judgeRetry } from "./retries.ts";

export type Connect = (listeners: SocketListeners) => Promise<Socket>;

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

/** How long one that is broken is tried again. */
const reconnectMs = 30_000;

/** Rejects with what the last attempt met, at once where trying again is no use. */
export async function connectAgain(
  connect: Connect,
  listeners: SocketListeners,
  signal: AbortSignal,
): Promise<Socket> {
  const until = performance.now() + reconnectMs;
  for (let retries = 0; ; retries += 1) {
    try {
      return await connect(listeners);
    } catch (thrown) {
      if (!(thrown instanceof TroupeClientError)) throw thrown;
      const remainingMs = until - performance.now();
      // The count stops growing: a server that starts anew takes longer than a few attempts.
      const attempt = {
        retries: Math.min(retries, 3),
        repeatable: "anything",
        remainingMs,
      } as const;
      const verdict = judgeRetry(thrown, attempt, Math.random);
      if (verdict.type === "give-up" || signal.aborted) throw thrown;
      await pause(verdict.delayMs, signal);
    }
  }
}

export function brokenBy({ code, reason }: Closing): TroupeClientError {
  const words = reason === "" ? `with code ${code}` : `with code ${code}: ${reason}`;
  return new TroupeClientError("unreachable", `the connection was closed ${words}`);
}
