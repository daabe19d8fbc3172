/*
 * The outer fields of a JSON frame, read without parsing what they enclose: the tensors are the host's to parse, and
 * to refuse. Values longer than a name or a number are stepped over.
 */
import { TroupeError } from "../protocol/errors.ts";
import { placeIn } from "../protocol/json-place.ts";

/** Field names to their parsed values; undefined stands for those that are long, or enclose others. */
export type Envelope = ReadonlyMap<string, unknown>;

/** What a value is that was stepped over, for those who must say what came. */
export class Unread {
  readonly words: string;
  constructor(words: string) {
    this.words = words;
  }

  toString(): string {
    return this.words;
  }
}

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
  walkFields(frame, (name, from, to) => {
    const isOpened = name === opened;
    if (isOpened) checkOpened(name, to - from);
    const isRead = isOpened || isShort(frame, from, to);
    fields.set(name, isRead ? parseShort(frame, from, to) : undefined);
  });
  return fields;
}

/** The same with nothing opened, where an `Unread` stands for what is stepped over. */
export function readNamedEnvelope(frame: Buffer): Envelope {
  const fields = new Map<string, unknown>();
  walkFields(frame, (name, from, to) =>
    fields.set(
      name,
      isShort(frame, from, to) ? parseShort(frame, from, to) : new Unread(wordsFor(frame[from])),
    ),
  );
  return fields;
}

function wordsFor(first: number | undefined): string {
  if (first === openBrace) return "an object";
  if (first === openBracket) return "a list";
  return first === quote ? "a long text" : "a long number";
}

/**
 * The items of the list that stands in the frame as `name`, each as it came; undefined where it is no list. Throws as
 * `readEnvelope` does, and where there are more than `most`.
 */
export function cutList(frame: Buffer, name: string, most: number): readonly Buffer[] | undefined {
  let from = -1;
  walkFields(frame, (field, valueFrom) => {
    if (field === name) from = valueFrom;
  });
  return frame[from] === openBracket ? placed(frame, () => cutItems(frame, from, most)) : undefined;
}

function cutItems(frame: Buffer, from: number, most: number): readonly Buffer[] {
  const items: Buffer[] = [];
  let at = skipSpace(frame, from + 1);
  while (frame[at] !== closeBracket) {
    const end = skipValue(frame, at);
    if (items.length >= most) throw tooMuch(`a list of a body has at most ${most} items here`);
    items.push(frame.subarray(at, end));
    at = nextAfter(frame, end, closeBracket);
  }
  return items;
}

type Visit = (name: string, valueFrom: number, valueTo: number) => void;

function walkFields(frame: Buffer, visit: Visit): void {
  placed(frame, () => walk(frame, visit));
}

function walk(frame: Buffer, visit: Visit): void {
  let fields = 0;
  let at = skipSpace(frame, 0);
  if (frame[at] !== openBrace) throw malformed(at);
  at = skipSpace(frame, at + 1);
  while (frame[at] !== closeBrace) {
    if (fields >= maxFields) throw tooMuch(`a frame or body has at most ${maxFields} fields`);
    at = walkField(frame, at, visit);
    fields += 1;
  }
  if (skipSpace(frame, at + 1) < frame.length) throw malformed(at + 1);
}

/** Over `"name": value` and the comma behind it; returns where the next begins. */
function walkField(frame: Buffer, at: number, visit: Visit): number {
  const nameEnd = skipString(frame, at);
  const name = parseShort(frame, at, nameEnd);
  const colonAt = skipSpace(frame, nameEnd);
  if (frame[colonAt] !== colon || typeof name !== "string") throw malformed(colonAt);
  const valueAt = skipSpace(frame, colonAt + 1);
  const valueEnd = skipValue(frame, valueAt);
  visit(name, valueAt, valueEnd);
  return nextAfter(frame, valueEnd, closeBrace);
}

/** Over the comma behind a member, if it is not the last. */
function nextAfter(frame: Buffer, memberEnd: number, close: number): number {
  const after = skipSpace(frame, memberEnd);
  if (frame[after] === close) return after;
  const next = skipSpace(frame, after + 1);
  if (frame[after] !== comma || frame[next] === close) throw malformed(after);
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

/** What is no JSON from there on; in words where all of the frame is known. */
class Malformed extends Error {
  readonly at: number;
  constructor(at: number) {
    super(`malformed at byte ${at}`);
    this.at = at;
  }
}

function malformed(at: number): Malformed {
  return new Malformed(at);
}

/** Further on, to find what it belongs to would take longer than this process may stand still. */
const mostLooked = 2 ** 20;

function placed<T>(frame: Buffer, read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    const { at } = thrown;
    const place = at > mostLooked ? "" : placeIn(frame, at);
    const words = `a frame or body must be a JSON object, but it is malformed at byte ${at}`;
    throw new TroupeError("invalid-request", place === "" ? words : `${words}, in ${place}`);
  }
}
