/* A WebSocket that is opened again when it breaks. It owns the connection; what is said on it is its user's. */
import { type ClientErrorCode, TroupeClientError } from "./client-error.ts";
import { pause } from "./patience.ts";
import type { Socket, SocketListeners } from "./platform.ts";
import { judgeRetry } from "./retries.ts";

export type Connect = (listeners: SocketListeners) => Promise<Socket>;

export interface Closing {
  readonly code: number;
  readonly reason: string;
}

export interface ConnectOptions {
  readonly listeners: Omit<SocketListeners, "signal">;
  readonly signal: AbortSignal;
  /** There was a connection before: then a server that starts anew is waited for. */
  readonly isAgain: boolean;
}

/** How long one that is broken is tried again. */
const reconnectMs = 30_000;
/** As often as the wait grows; past it the attempts go on at that pace. */
const growingRetries = 3;

/** Rejects with what the last attempt met, at once where trying again is no use. */
export async function connectAgain(
  connect: Connect,
  { listeners, signal, isAgain }: ConnectOptions,
): Promise<Socket> {
  const until = performance.now() + reconnectMs;
  for (let attempts = 0; ; attempts += 1) {
    try {
      return await connect({ ...listeners, signal });
    } catch (thrown) {
      const retries = isAgain ? Math.min(attempts, growingRetries) : attempts;
      const delayMs = delayAfter(thrown, retries, until - performance.now());
      if (delayMs === undefined || signal.aborted) throw thrown;
      await pause(delayMs, signal);
    }
  }
}

/** Undefined where trying again is no use. */
function delayAfter(thrown: unknown, retries: number, remainingMs: number): number | undefined {
  if (!(thrown instanceof TroupeClientError)) return undefined;
  const attempt = { retries, repeatable: "anything", remainingMs } as const;
  const verdict = judgeRetry(thrown, attempt, Math.random);
  return verdict.type === "retry" ? verdict.delayMs : undefined;
}

/** What the server would say again of the same messages: https://www.rfc-editor.org/rfc/rfc6455#section-7.4.1 */
const lastingClosings: Readonly<Record<number, ClientErrorCode>> = {
  1002: "invalid-request",
  1003: "invalid-request",
  1007: "invalid-request",
  1008: "invalid-request",
  1009: "payload-too-large",
};

export function brokenBy({ code, reason }: Closing): TroupeClientError {
  const words = reason === "" ? `with code ${code}` : `with code ${code}: ${reason}`;
  const errorCode = lastingClosings[code] ?? "unreachable";
  return new TroupeClientError(errorCode, `the connection was closed ${words}`);
}
