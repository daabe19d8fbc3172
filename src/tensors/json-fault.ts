import {
  backslash,
  closeBrace,
  closeBracket,
  colon,
  comma,
  isDigit,
  minus,
  openBrace,
  openBracket,
  point,
  quote,
  skipSpace,
  space,
  zero,
} from "./json-bytes.ts";
import { maxDepth } from "./json-depth.ts";

// JSON.parse says differently in each version of the engine what is wrong, quotes the body and mostly gives no position.
// So after it has refused a body this second, slow reader (RFC 8259) finds the place and names it in our own words.

interface JsonFault {
  readonly expected: string;
  readonly got: string;
  /** In bytes from the start of the body. */
  readonly position: number;
}

const maxWordLength = 16;

class Fault {
  readonly expected: string;
  readonly position: number;
  constructor(expected: string, position: number) {
    this.expected = expected;
    this.position = position;
  }
}

/** A position after what was read, or where it went wrong. */
type Read = number | Fault;

/** The first place where `body`, valid UTF-8, is no JSON; undefined where it is JSON, or too deep to say. */
export function findJsonFault(body: Uint8Array): JsonFault | undefined {
  const end = readValue(body, skipSpace(body, 0), 0);
  if (typeof end === "number") {
    const rest = skipSpace(body, end);
    return rest < body.length ? describe(body, new Fault("the end", rest)) : undefined;
  }
  return describe(body, end);
}

function describe(body: Uint8Array, fault: Fault): JsonFault {
  return { expected: fault.expected, got: wordAt(body, fault.position), position: fault.position };
}

function readValue(body: Uint8Array, at: number, depth: number): Read {
  const byte = body[at];
  if (byte === quote) return readString(body, at);
  if (byte === openBracket || byte === openBrace) {
    return depth > maxDepth * 2 ? new Fault("fewer levels", at) : readList(body, at, depth + 1);
  }
  if (byte === minus || isDigit(byte)) return readNumber(body, at);
  for (const word of ["true", "false", "null"]) {
    if (startsWith(body, at, word)) return at + word.length;
  }
  return new Fault("a JSON value", at);
}

interface ListForm {
  readonly close: number;
  readonly isNamed: boolean;
  readonly afterMember: string;
}

const listForm: ListForm = { close: closeBracket, isNamed: false, afterMember: "',' or ']'" };
const objectForm: ListForm = { close: closeBrace, isNamed: true, afterMember: "',' or '}'" };

/** A list or an object. */
function readList(body: Uint8Array, at: number, depth: number): Read {
  const form = body[at] === openBrace ? objectForm : listForm;
  const readMember = form.isNamed ? readNamedValue : readValue;
  let next = skipSpace(body, at + 1);
  if (body[next] === form.close) return next + 1;
  while (true) {
    const end = readMember(body, next, depth);
    if (typeof end !== "number") return end;
    next = skipSpace(body, end);
    if (body[next] === form.close) return next + 1;
    if (body[next] !== comma) return new Fault(form.afterMember, next);
    next = skipSpace(body, next + 1);
  }
}

function readNamedValue(body: Uint8Array, at: number, depth: number): Read {
  const value = readName(body, at);
  return typeof value === "number" ? readValue(body, value, depth) : value;
}

/** From a name to the start of its value. */
function readName(body: Uint8Array, at: number): Read {
  if (body[at] !== quote) return new Fault("a name in double quotes", at);
  const end = readString(body, at);
  if (typeof end !== "number") return end;
  const next = skipSpace(body, end);
  return body[next] === colon ? skipSpace(body, next + 1) : new Fault("':'", next);
}

function readString(body: Uint8Array, at: number): Read {
  let next = at + 1;
  while (next < body.length && body[next] !== quote) {
    if ((body[next] as number) < space) return new Fault("an escaped control character", next);
    const end = body[next] === backslash ? readEscape(body, next) : next + 1;
    if (typeof end !== "number") return end;
    next = end;
  }
  return next < body.length ? next + 1 : new Fault("the closing '\"' of a string", next);
}

function readEscape(body: Uint8Array, at: number): Read {
  const letter = body[at + 1];
  if (letter !== undefined && '"\\/bfnrt'.includes(String.fromCharCode(letter))) return at + 2;
  if (letter !== 0x75) return new Fault("an escape that JSON knows", at);
  for (let digit = at + 2; digit < at + 6; digit += 1) {
    if (!isHexDigit(body[digit])) return new Fault("four hexadecimal digits", digit);
  }
  return at + 6;
}

function readNumber(body: Uint8Array, at: number): Read {
  const start = body[at] === minus ? at + 1 : at;
  // A zero stands alone: "01" ends after it, and what follows is the fault.
  let end = body[start] === zero ? start + 1 : readDigits(body, start);
  if (typeof end === "number" && body[end] === point) end = readDigits(body, end + 1);
  if (typeof end === "number" && (body[end] === 0x65 || body[end] === 0x45)) {
    end = readDigits(body, isOneOf(body[end + 1], "+-") ? end + 2 : end + 1);
  }
  return end;
}

function readDigits(body: Uint8Array, at: number): Read {
  let end = at;
  while (isDigit(body[end])) end += 1;
  return end > at ? end : new Fault("a digit", at);
}

function startsWith(body: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i += 1) {
    if (body[at + i] !== word.charCodeAt(i)) return false;
  }
  return true;
}

function isOneOf(byte: number | undefined, characters: string): boolean {
  return byte !== undefined && characters.includes(String.fromCharCode(byte));
}

function isHexDigit(byte: number | undefined): boolean {
  return isOneOf(byte, "0123456789abcdefABCDEF");
}

/** What stands there: a word such as NaN whole, any other printable character alone. */
function wordAt(body: Uint8Array, at: number): string {
  const first = body[at];
  if (first === undefined) return "the end of the body";
  if (first <= space || first > 0x7e) return `the byte 0x${first.toString(16).padStart(2, "0")}`;
  let end = at + 1;
  while (end < at + maxWordLength && isWordByte(first) && isWordByte(body[end])) end += 1;
  return `'${String.fromCharCode(...body.subarray(at, end))}'`;
}

function isWordByte(byte: number | undefined): boolean {
  return (
    isDigit(byte) || isOneOf(byte === undefined ? byte : byte | 0x20, "abcdefghijklmnopqrstuvwxyz")
  );
}
