import { isUtf8 } from "node:buffer";
import { placeIn } from "../protocol/json-place.ts";
import type { ServedModel } from "./codec.ts";
import { isTooDeep, maxDepth } from "./json-depth.ts";
import { findJsonFault } from "./json-fault.ts";
import { scanJson } from "./json-scanner.ts";
import { perModel } from "./per-model.ts";
import { invalidRequest } from "./wording.ts";

/**
 * The body as JSON.parse has it. Throws `invalid-request` for more than 100 levels of nesting, for what is no UTF-8 and
 * for what is no JSON (RFC 8259), so for NaN and Infinity too: what of the request they
 * stand in is named. Of duplicate keys the last one counts. A key named
 * `__proto__` becomes an own property: callers read own properties only.
 */
export function parseJsonBody(body: Uint8Array): unknown {
  if (isTooDeep(body)) {
    throw invalidRequest(
      `Cannot parse body: JSON nesting depth exceeds maximum allowed limit (${maxDepth})${inPlace(body)}`,
    );
  }
  try {
    return JSON.parse(textOf(body));
  } catch {
    throw invalidRequest(`Cannot parse body: ${faultOf(body)}`);
  }
}

const takesFloats = perModel(({ metadata: { inputs } }) => ({
  isTrue: inputs.some(({ datatype }) => datatype === "FP32"),
}));

// A row of 16 floats in 150 bytes is read faster by JSON.parse, one of 24 in 220 as fast; in 500 bytes it takes 1.3 times as
// long, in 1400 twice (2026-11-26, both alternating on rows of 8 to 72 floats of 5 and 17 digits).
const shortestScanned = 384;

/**
 * What `read` makes of the body. Where the model takes floats, `read` gets the long lists of numbers of a long body as
 * NumberList. What it refuses then it is asked again with the body as JSON.parse has it, so that every refusal has one
 * text; so `read` must have no effects.
 */
export function readJsonBody<T>(
  body: Uint8Array,
  model: ServedModel,
  read: (value: unknown) => T,
): T {
  if (body.length >= shortestScanned && takesFloats(model).isTrue) {
    const scanned = scanJson(body);
    try {
      if (scanned !== undefined) return read(scanned);
    } catch {
      // The second reading says what is wrong.
    }
  }
  return read(parseJsonBody(body));
}

function textOf(body: Uint8Array): string {
  const text = asBuffer(body).toString("utf8");
  // The decoder writes U+FFFD for what is no UTF-8. In a text of one byte a character there is none, and the engine
  // knows so without looking; only where there is one do the bytes have to be checked.
  if (text.includes("\ufffd") && !isUtf8(body)) throw new RangeError("not UTF-8");
  return text;
}

function asBuffer(body: Uint8Array): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

function faultOf(body: Uint8Array): string {
  if (!isUtf8(body)) return "expected UTF-8, got other bytes";
  const fault = findJsonFault(body);
  if (fault === undefined) return "expected JSON, got something else";
  return `expected ${fault.expected}, got ${fault.got} at position ${fault.position}${inPlace(body, fault.position)}`;
}

function inPlace(body: Uint8Array, position = body.length): string {
  const place = placeIn(body, position, maxDepth);
  return place === "" ? "" : `, in ${place}`;
}
