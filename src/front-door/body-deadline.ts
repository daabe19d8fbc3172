/* How long the body of a request may be on its way. Node's own limit would hold for uploads too. */
import type { IncomingMessage } from "node:http";
import type { Clock } from "../platform/clock.ts";
import { uploadUrls } from "./upload-form.ts";

/** They have a limit of their own: a pace. */
export function isUpload({ method, url = "" }: IncomingMessage): boolean {
  return method === "POST" && uploadUrls.includes(url.split("?")[0] ?? "");
}

export function hasBody({ headers }: IncomingMessage): boolean {
  return headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0;
}

/** Calls back once where the body is not whole in time, even if the request has been answered before. */
export function watchBody(
  request: IncomingMessage,
  clock: Clock,
  limitMs: number,
  onLate: () => void,
): void {
  if (!hasBody(request) || isUpload(request)) return;
  // A body that came with its head is complete by then, and costs no timer. Not at the next tick: Node's parser lets that
  // come between the body and its end.
  setImmediate(() => {
    if (request.complete || request.destroyed) return;
    const disarm = clock.after(limitMs, () => {
      if (!request.complete && !request.destroyed) onLate();
    });
    const forget = () => {
      disarm();
      request.socket.off("close", forget);
    };
    request.once("close", forget);
    // A request that has been answered hears no more of its connection.
    request.socket.once("close", forget);
  });
}
