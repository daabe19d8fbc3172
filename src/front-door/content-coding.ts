/* gzip and deflate (RFC 9110, section 8.4.1): what requests are packed in, and what answers may be. */
import {
  constants,
  createGunzip,
  createInflate,
  deflate,
  type Gunzip,
  gzip,
  type Inflate,
} from "node:zlib";
import { TroupeError } from "../protocol/errors.ts";
import { acceptWeights } from "./accept-weights.ts";

/** Deflate is the zlib format, as RFC 9110 has it and Triton's clients write it. */
export const codings = ["gzip", "deflate"] as const;
export type Coding = (typeof codings)[number];

/** The coding of a request's body, null where it has none. Throws `unsupported-media-type`. */
export function codingOf(header: string | undefined): Coding | null {
  const coding = knownCoding(header);
  if (coding !== undefined) return coding;
  throw new TroupeError(
    "unsupported-media-type",
    `content-encoding must be one of ${codings.join(", ")}, identity, got '${header}'`,
  );
}

/** Null where there is none, undefined for one that is not known. */
export function knownCoding(header: string | undefined): Coding | null | undefined {
  if (header === undefined) return null;
  const name = header.trim().toLowerCase();
  if (name === "" || name === "identity") return null;
  return codings.find((one) => one === name || `x-${one}` === name);
}

/** Node's default of 16 KiB costs a large body many turns. */
const chunkSize = 65_536;

export function unpacker(coding: Coding): Gunzip | Inflate {
  return coding === "gzip" ? createGunzip({ chunkSize }) : createInflate({ chunkSize });
}

/** Smaller answers fit into one packet or two as they are. */
const smallestPacked = 2_048;

/** What an answer of so many bytes is packed in: what the client likes best, gzip of equals; null where it is not. */
export function answerCoding(accepted: string | undefined, bytes: number): Coding | null {
  if (accepted === undefined || bytes < smallestPacked) return null;
  const weights = acceptWeights(accepted);
  const any = weights.get("*") ?? 0;
  const ofGzip = weights.get("gzip") ?? any;
  const ofDeflate = weights.get("deflate") ?? any;
  const best = Math.max(ofGzip, ofDeflate);
  if (best <= 0 || (weights.get("identity") ?? 0) > best) return null;
  return ofGzip === best ? "gzip" : "deflate";
}

/** Fast before small: the connection is near, and the other requests wait for the same cores. */
const level = constants.Z_BEST_SPEED;

/** Packs on another thread; undefined where that makes it no smaller. */
export function pack(
  coding: Coding,
  body: Buffer,
  done: (packed: Buffer | undefined) => void,
): void {
  const write = coding === "gzip" ? gzip : deflate;
  write(body, { level }, (error, packed) => {
    done(error === null && packed.length < body.length ? packed : undefined);
  });
}
