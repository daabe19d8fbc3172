/*
 * A request that offers another protocol than WebSocket may be answered as if it had not offered any (RFC 9110, 7.8):
 * `curl --http2` and Java's client offer h2c with every request. Node gives all offers to the `upgrade` listener, so
 * such a request is put back in front of its connection without the offer.
 */
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

const ofTheOffer: readonly string[] = ["upgrade", "http2-settings"];

export function isWebSocketOffer({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

/** `head` is what came behind the request's head. */
export function answerWithoutUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
): void {
  const pending = pendingOn(socket);
  if (pending !== undefined) {
    // Until its turn nobody else listens: an error would end the process.
    socket.once("error", () => socket.destroy());
    pending.once("close", () => answerWithoutUpgrade(server, request, socket, head));
    return;
  }
  if (socket.destroyed || socket.writableEnded) return;
  // The connection before it may have begun to count its idle time.
  (socket as Socket).setTimeout(0);
  socket.unshift(Buffer.concat([Buffer.from(withoutOffer(request), "latin1"), head]));
  server.emit("connection", socket);
}

/** The answer that is due before this one: as long as it stands on the socket, no other can. */
function pendingOn(socket: Duplex): ServerResponse | undefined {
  const { _httpMessage: message } = socket as { readonly _httpMessage?: ServerResponse | null };
  return message ?? undefined;
}

/** The request's head as it came, but for the offer; the connection is kept as HTTP/1.1 has it. */
export function withoutOffer({ method, url, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/1.1`];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    const lower = name.toLowerCase();
    if (ofTheOffer.includes(lower) || lower === "connection") continue;
    lines.push(`${name}: ${rawHeaders[at + 1]}`);
  }
  return `${lines.join("\r\n")}\r\n\r\n`;
}
