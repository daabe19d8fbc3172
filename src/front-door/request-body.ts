/* Reads the body of a request, within its limits, as the one buffer that is forwarded. */
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { TroupeError } from "../protocol/errors.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  /** Told how many bytes are held, as they come; says where there is no room for them any more. */
  readonly onBytes: (bytes: number) => TroupeError | undefined;
}

/** A body cut into crumbs costs far more than its bytes: this many on average under 256 bytes are refused. */
const maxCrumbs = 4_096;
const crumbBytes = 256;

/** The length that the head declares; 0 where it declares none. Throws `payload-too-large`. */
export function declaredLength(request: IncomingMessage, maxBytes: number): number {
  const bytes = Number(request.headers["content-length"] ?? 0);
  if (bytes > maxBytes) throw tooLarge(`${bytes}`, maxBytes);
  return bytes;
}

/** Calls back once, unless the caller goes away before the end. */
export function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  done: (error: TroupeError | undefined, body: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  const onData = (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    const error = judge(chunks.length, bytes, limits.maxBytes) ?? limits.onBytes(bytes);
    if (error === undefined) return;
    request.off("data", onData);
    request.off("end", onEnd);
    done(error, empty);
  };
  const onEnd = () => {
    const [only] = chunks;
    done(
      undefined,
      chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, bytes),
    );
  };
  request.on("data", onData);
  request.on("end", onEnd);
}

/** Rejects where it is too large or no UTF-8, and with `cancelled` where the caller goes away. */
export function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    request.on("close", () => reject(new TroupeError("cancelled", "the client left")));
    request.on("error", () => undefined);
    readBody(request, { maxBytes, onBytes: () => undefined }, (error, body) => {
      if (error !== undefined) reject(error);
      else if (isUtf8(body)) resolve(body.toString());
      else reject(new TroupeError("invalid-request", "body must be UTF-8"));
    });
  });
}

const empty = Buffer.alloc(0);

function judge(chunks: number, bytes: number, maxBytes: number): TroupeError | undefined {
  if (bytes > maxBytes) return tooLarge(`more than ${maxBytes}`, maxBytes);
  if (chunks > maxCrumbs && bytes / chunks < crumbBytes) {
    return new TroupeError("invalid-request", `body came in ${chunks} chunks of under 256 bytes`);
  }
  return undefined;
}

function tooLarge(got: string, maxBytes: number): TroupeError {
  return new TroupeError("payload-too-large", `body must be at most ${maxBytes} bytes, got ${got}`);
}
