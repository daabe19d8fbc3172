import {
  closeBrace,
  closeBracket,
  colon,
  comma,
  isDigit,
  isSpace,
  minus,
  openBrace,
  openBracket,
  quote,
  skipSpace,
} from "./json-bytes.ts";
import { endOfString, maxDepth } from "./json-depth.ts";
import { NumberListScanner } from "./number-list-scanner.ts";

/** Shorter lists are lists still: they may be shapes. */
const fewestNumbers = 16;
/** JSON.parse is faster at lists of anything else. */
const mostMembers = 64;
/** Of a body, each list of numbers for one. A list takes a microsecond or two, so that what was in vain took few ms. */
const mostValues = 4_096;

/**
 * The body as JSON.parse has it, but that every long list of numbers is a NumberList. Undefined for all that JSON.parse
 * refuses, for more than 100 levels of nesting, and for what is better left to JSON.parse.
 */
export function scanJson(body: Uint8Array): unknown {
  let end = body.length;
  while (end > 0 && isSpace(body[end - 1])) end -= 1;
  // Behind a brace no number can go on, so that nobody has to look for the end of the body.
  if (body[end - 1] !== closeBrace) return undefined;
  const scanner = new JsonScanner(body.subarray(0, end));
  const value = scanner.readValue(0);
  return scanner.at === end ? value : undefined;
}

/** Each method reads what stands at `at` and moves past it; undefined ends it all. */
class JsonScanner {
  readonly #body: Buffer;
  readonly #numbers: NumberListScanner;
  /** Where the brackets and spaces end that were looked at last. */
  #lookedTo = 0;
  #valuesLeft = mostValues;
  at = 0;

  constructor(body: Uint8Array) {
    this.#body = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#numbers = new NumberListScanner(this.#body);
  }

  /** `depth` counts the lists and objects around it. */
  readValue(depth: number): unknown {
    this.#valuesLeft -= 1;
    if (this.#valuesLeft < 0) return undefined;
    switch (this.#look()) {
      case quote:
        return this.#readString();
      case openBrace:
        return this.#readObject(depth + 1);
      case openBracket:
        return this.#holdsNumbers() ? this.#readNumbers(depth) : this.#readList(depth + 1);
      default:
        return this.#readWord();
    }
  }

  /** What stands next, spaces left out. */
  #look(): number | undefined {
    this.at = skipSpace(this.#body, this.at);
    return this.#body[this.at];
  }

  /** Whether the next is that byte, which is passed then. */
  #takes(byte: number): boolean {
    const isNext = this.#look() === byte;
    if (isNext) this.at += 1;
    return isNext;
  }

  #readString(): string | undefined {
    const start = this.at;
    this.at = endOfString(this.#body, start) + 1;
    return this.#parse(start) as string | undefined;
  }

  /** A number, or one of the three words. */
  #readWord(): unknown {
    const start = this.at;
    while (this.at < this.#body.length && !endsWord(this.#body[this.at])) this.at += 1;
    return this.#parse(start);
  }

  /** What lies between `start` and `at`. */
  #parse(start: number): unknown {
    const text = this.#body.toString("utf8", start, this.at);
    // It may stand for what is no UTF-8.
    if (text.includes("\ufffd")) return undefined;
    try {
      return JSON.parse(text);
    } catch {
      return undefined;
    }
  }

  #readObject(depth: number): object | undefined {
    if (depth > maxDepth) return undefined;
    const object: Record<string, unknown> = {};
    this.at += 1;
    if (this.#takes(closeBrace)) return object;
    while (this.#readMember(object, depth)) {
      if (!this.#takes(comma)) return this.#takes(closeBrace) ? object : undefined;
    }
    return undefined;
  }

  #readMember(object: Record<string, unknown>, depth: number): boolean {
    const name = this.#look() === quote ? this.#readString() : undefined;
    // To set that property is not to have it.
    if (name === undefined || name === "__proto__" || !this.#takes(colon)) return false;
    const value = this.readValue(depth);
    object[name] = value;
    return value !== undefined;
  }

  #readList(depth: number): unknown[] | undefined {
    if (depth > maxDepth) return undefined;
    const list: unknown[] = [];
    this.at += 1;
    if (this.#takes(closeBracket)) return list;
    do {
      const value = this.readValue(depth);
      if (value === undefined || list.length === mostMembers) return undefined;
      list.push(value);
    } while (this.#takes(comma));
    return this.#takes(closeBracket) ? list : undefined;
  }

  /** Looks at each byte once, though each level of nesting asks. */
  #holdsNumbers(): boolean {
    let at = Math.max(this.at, this.#lookedTo);
    while (this.#body[at] === openBracket || isSpace(this.#body[at])) at += 1;
    this.#lookedTo = at;
    return this.#body[at] === minus || isDigit(this.#body[at]);
  }

  #readNumbers(depth: number): unknown {
    const list = this.#numbers.read(this.at, maxDepth - depth);
    this.at = this.#numbers.at;
    return list !== undefined && list.values.length < fewestNumbers ? list.toLists() : list;
  }
}

function endsWord(byte: number | undefined): boolean {
  return byte === comma || byte === closeBracket || byte === closeBrace || isSpace(byte);
}
