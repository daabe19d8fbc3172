/* Reads the body of a request, within its limits, in the pieces that are forwarded. */
import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Readable } from "node:stream";
import { TroupeError } from "../protocol/errors.ts";
import { joined, type Pieces } from "../protocol/pieces.ts";
import { type Coding, unpacker } from "./content-coding.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  /** Told how many bytes are held, as they come; says where there is no room for them any more. */
  readonly onBytes: (bytes: number) => TroupeError | undefined;
}

/** How the bytes on the wire become the body. */
export interface BodyForm {
  /** Null where they come as they are. */
  readonly coding: Coding | null;
  /** Stands before them, and does not count. */
  readonly prefix: Buffer | null;
}

const asItComes: BodyForm = { coding: null, prefix: null };

/** A body cut into crumbs costs far more than its bytes: this many on average under 256 bytes are refused. */
const maxCrumbs = 4_096;
const crumbBytes = 256;

/** The length that the head declares; 0 where it declares none. Throws `payload-too-large`. */
export function declaredLength(request: IncomingMessage, maxBytes: number): number {
  const bytes = Number(request.headers["content-length"] ?? 0);
  if (bytes > maxBytes) throw tooLarge(`${bytes}`, maxBytes);
  return bytes;
}

type Done = (error: TroupeError | undefined, body: Pieces) => void;

/** Calls back once, unless the caller goes away before the end. The limits are those of the body without its coding. */
export function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  done: Done,
  { coding, prefix }: BodyForm = asItComes,
): void {
  const chunks: Buffer[] = prefix === null ? [] : [prefix];
  const [source, release] =
    coding === null ? [request, () => undefined] : unpacked(request, coding, refuse);
  let bytes = 0;
  let isOver = false;
  function refuse(error: TroupeError): void {
    if (isOver) return;
    isOver = true;
    release();
    source.off("data", onData);
    source.off("end", onEnd);
    done(error, nothing);
  }
  function onData(chunk: Buffer): void {
    chunks.push(chunk);
    bytes += chunk.length;
    const error = judge(chunks.length, bytes, limits.maxBytes) ?? limits.onBytes(bytes);
    if (error !== undefined) refuse(error);
  }
  function onEnd(): void {
    done(undefined, chunks);
  }
  source.on("data", onData);
  source.on("end", onEnd);
}

/** Rejects where it is too large or no UTF-8, and with `cancelled` where the caller goes away. */
export function readText(request: IncomingMessage, maxBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    request.on("close", () => reject(new TroupeError("cancelled", "the client left")));
    request.on("error", () => undefined);
    readBody(request, { maxBytes, onBytes: () => undefined }, (error, pieces) => {
      const body = joined(pieces);
      if (error !== undefined) reject(error);
      else if (isUtf8(body)) resolve(body.toString());
      else reject(new TroupeError("invalid-request", "body must be UTF-8"));
    });
  });
}

const nothing: Pieces = [];

function judge(chunks: number, bytes: number, maxBytes: number): TroupeError | undefined {
  if (bytes > maxBytes) return tooLarge(`more than ${maxBytes}`, maxBytes);
  return judgePieces(chunks, bytes);
}

function judgePieces(chunks: number, bytes: number): TroupeError | undefined {
  if (chunks <= maxCrumbs || bytes / chunks >= crumbBytes) return undefined;
  return new TroupeError("invalid-request", `body came in ${chunks} chunks of under 256 bytes`);
}

function tooLarge(got: string, maxBytes: number): TroupeError {
  return new TroupeError("payload-too-large", `body must be at most ${maxBytes} bytes, got ${got}`);
}

/** The body without its coding, and what is to be called where it is not read to its end. */
function unpacked(
  request: IncomingMessage,
  coding: Coding,
  refuse: (error: TroupeError) => void,
): [source: Readable, release: () => void] {
  const source = unpacker(coding);
  let pieces = 0;
  let bytes = 0;
  const onPacked = (chunk: Buffer) => {
    pieces += 1;
    bytes += chunk.length;
    const error = judgePieces(pieces, bytes);
    if (error !== undefined) refuse(error);
  };
  const release = () => {
    request.off("data", onPacked);
    request.unpipe(source);
    source.destroy();
  };
  source.on("error", ({ message }) => {
    const words = `body must be ${coding} as its content-encoding says, got other bytes: ${message}`;
    refuse(new TroupeError("invalid-request", words));
  });
  request.on("data", onPacked);
  request.pipe(source);
  // One that is whole may be closed before the last of it is unpacked.
  request.on("close", () => request.complete || release());
  return [source, release];
}
