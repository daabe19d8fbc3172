// The opening handshake of a WebSocket, as a client has it: RFC 6455, section 4.1.
import { createHash } from "node:crypto";

/** Where a socket is opened. */
export interface Destination {
  readonly port: number;
  readonly path: string;
}

/** RFC 6455, section 1.3. */
const acceptSalt = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** `key` is 16 random bytes in base64. */
export function upgradeBytes({ port, path }: Destination, key: string): Buffer {
  const head = [
    `GET ${path} HTTP/1.1`,
    `host: 127.0.0.1:${port}`,
    "connection: Upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    `sec-websocket-key: ${key}`,
  ];
  return Buffer.from(`${head.join("\r\n")}\r\n\r\n`);
}

function acceptOf(key: string): string {
  return createHash("sha1").update(`${key}${acceptSalt}`).digest("base64");
}

/** Whether the head of an answer takes the upgrade. Throws where it says so, but does not answer this key. */
export function isUpgraded(head: string, key: string): boolean {
  if (!head.startsWith("HTTP/1.1 101 ")) return false;
  const accept = /\r\nsec-websocket-accept: *(\S+)/i.exec(head)?.[1];
  if (accept === acceptOf(key)) return true;
  throw new Error(`Cannot open WebSocket: its sec-websocket-accept is ${accept ?? "missing"}`);
}
