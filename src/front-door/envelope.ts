/*
 * The outer fields of a JSON frame, read without parsing what they enclose: the tensors are the host's to parse, and
 * to refuse. Values longer than a name or a number are stepped over.
 */
import { TroupeError } from "../protocol/errors.ts";

/** Field names to their parsed values; undefined stands for those that are long, or enclose others. */
export type Envelope = ReadonlyMap<string, unknown>;

/** It may be well-formed, but more of it than this process can look at. */
export class EnvelopeLimitError extends TroupeError {}

const maxValueBytes = 512;
/** What encloses others is parsed up to this size only: this process must not stand still for one body. */
const maxOpenedBytes = 4_096;
const maxFields = 64;

const quote = 0x22;
const backslash = 0x5c;
const colon = 0x3a;
const comma = 0x2c;
const openBrace = 0x7b;
const closeBrace = 0x7d;
const openBracket = 0x5b;
const closeBracket = 0x5d;

/**
 * Throws `invalid-request` where the frame is not a JSON object, as far as that can be told from outside, and an
 * EnvelopeLimitError where it has more or larger fields than are looked at. The field named `opened` is parsed though it
 * encloses others.
 */
export function readEnvelope(frame: Buffer, opened?: string): Envelope {
  const fields = new Map<string, unknown>();
  let at = skipSpace(frame, 0);
  if (frame[at] !== openBrace) throw malformed(at);
  at = skipSpace(frame, at + 1);
  while (frame[at] !== closeBrace) at = readField(frame, at, { fields, opened });
  if (skipSpace(frame, at + 1) < frame.length) throw malformed(at + 1);
  return fields;
}

/** Reads `"name": value` and the comma behind it; returns where the next begins. */
function readField(
  frame: Buffer,
  at: number,
  {
    fields,
    opened,
  }: { readonly fields: Map<string, unknown>; readonly opened: string | undefined },
): number {
  const nameEnd = skipString(frame, at);
  const name = parseShort(frame, at, nameEnd);
  const colonAt = skipSpace(frame, nameEnd);
  if (frame[colonAt] !== colon || typeof name !== "string") throw malformed(colonAt);
  const valueAt = skipSpace(frame, colonAt + 1);
  const valueEnd = skipValue(frame, valueAt);
  const isOpened = name === opened;
  if (fields.size >= maxFields) throw tooMuch(`a frame or body has at most ${maxFields} fields`);
  if (isOpened) checkOpened(name, valueEnd - valueAt);
  const isRead = isOpened || isShort(frame, valueAt, valueEnd);
  fields.set(name, isRead ? parseShort(frame, valueAt, valueEnd) : undefined);
  const after = skipSpace(frame, valueEnd);
  if (frame[after] === closeBrace) return after;
  const next = skipSpace(frame, after + 1);
  if (frame[after] !== comma || frame[next] === closeBrace) throw malformed(after);
  return next;
}

function checkOpened(name: string, bytes: number): void {
  if (bytes <= maxOpenedBytes) return;
  throw tooMuch(`'${name}' must be at most ${maxOpenedBytes} bytes, got ${bytes}`);
}

function isShort(frame: Buffer, from: number, to: number): boolean {
  return to - from <= maxValueBytes && isPlain(frame[from]);
}

function isPlain(first: number | undefined): boolean {
  return first !== openBrace && first !== openBracket;
}

function parseShort(frame: Buffer, from: number, to: number): unknown {
  try {
    return JSON.parse(frame.toString("utf8", from, to));
  } catch {
    throw malformed(from);
  }
}

function skipValue(frame: Buffer, at: number): number {
  const first = frame[at];
  if (first === quote) return skipString(frame, at);
  if (first === openBrace || first === openBracket) return skipNested(frame, at);
  let end = at;
  while (end < frame.length && !endsLiteral(frame[end])) end += 1;
  if (end === at) throw malformed(at);
  return end;
}

function endsLiteral(byte: number | undefined): boolean {
  return byte === comma || byte === closeBrace || byte === closeBracket || isSpace(byte);
}

/** Brackets are counted, not matched: the host's parser says what is wrong inside. */
function skipNested(frame: Buffer, from: number): number {
  let depth = 0;
  let at = from;
  while (at < frame.length) {
    depth += depthChange(frame[at]);
    at = frame[at] === quote ? skipString(frame, at) : at + 1;
    if (depth === 0) return at;
  }
  throw malformed(frame.length);
}

function depthChange(byte: number | undefined): number {
  if (byte === openBracket || byte === openBrace) return 1;
  return byte === closeBracket || byte === closeBrace ? -1 : 0;
}

function skipString(frame: Buffer, from: number): number {
  if (frame[from] !== quote) throw malformed(from);
  let at = from + 1;
  for (;;) {
    const end = frame.indexOf(quote, at);
    if (end < 0) throw malformed(frame.length);
    if (!isEscaped(frame, end, from)) return end + 1;
    at = end + 1;
  }
}

/** An odd number of backslashes stands before it. */
function isEscaped(frame: Buffer, at: number, from: number): boolean {
  let first = at;
  while (first - 1 > from && frame[first - 1] === backslash) first -= 1;
  return (at - first) % 2 === 1;
}

function skipSpace(frame: Buffer, from: number): number {
  let at = from;
  while (isSpace(frame[at])) at += 1;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

function tooMuch(words: string): TroupeError {
  return new EnvelopeLimitError("invalid-request", words);
}

function malformed(at: number): TroupeError {
  return new TroupeError(
    "invalid-request",
    `frame must be a JSON object, but it is malformed at byte ${at}`,
  );
}
