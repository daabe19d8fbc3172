/** How deep lists and objects may be nested in a body; Triton's limit, open-inference.md section 2. */
export const maxDepth = 100;

const quote = 0x22;
const backslash = 0x5c;
const openBracket = 0x5b;
const closeBracket = 0x5d;
const openBrace = 0x7b;
const closeBrace = 0x7d;

// A body that is deeper and still JSON has at least as many opening as closing characters.
const shortestTooDeep = 2 * (maxDepth + 1);

/**
 * Whether the body is nested deeper than `maxDepth`. JSON.parse has no such limit and takes seconds and gigabytes for a
 * body of brackets, so this runs first. Exact for JSON; for anything else JSON.parse has the last word.
 */
export function isTooDeep(body: Uint8Array): boolean {
  if (body.length < shortestTooDeep) return false;
  return hasManyOpenings(body) && goesTooDeep(body);
}

/** Most bodies have few brackets; `indexOf` counts them at many bytes a nanosecond and spares the scan. */
function hasManyOpenings(body: Uint8Array): boolean {
  const rest = maxDepth - countUpTo(body, openBracket, maxDepth + 1);
  return rest < 0 || countUpTo(body, openBrace, rest + 1) > rest;
}

function countUpTo(body: Uint8Array, byte: number, limit: number): number {
  let count = 0;
  let at = body.indexOf(byte);
  while (at !== -1 && count < limit) {
    count += 1;
    at = body.indexOf(byte, at + 1);
  }
  return count;
}

const structural = [quote, openBracket, closeBracket, openBrace, closeBrace] as const;
// Past so many bytes of numbers a search is faster than looking at each, and never much slower.
const nearBytes = 64;

/** Whether the depth outside of strings is anywhere above the limit. */
function goesTooDeep(body: Uint8Array): boolean {
  const found = structural.map(() => -1);
  let depth = 0;
  let at = nextStructural(body, 0, found);
  while (at < body.length) {
    const byte = body[at];
    if (byte === quote) at = endOfString(body, at);
    else depth += byte === openBracket || byte === openBrace ? 1 : -1;
    if (depth > maxDepth) return true;
    at = nextStructural(body, at + 1, found);
  }
  return false;
}

/** The first quote, bracket or brace at `from` or after it; the body's length where there is none. */
function nextStructural(body: Uint8Array, from: number, found: number[]): number {
  const near = Math.min(from + nearBytes, body.length);
  for (let at = from; at < near; at += 1) {
    const byte = body[at] as number;
    // Digits, commas and points are all below the brackets.
    if (byte === quote || (byte >= openBracket && isBracket(byte))) return at;
  }
  return near === body.length ? near : searchStructural(body, near, found);
}

function isBracket(byte: number): boolean {
  return byte === openBracket || byte === closeBracket || byte === openBrace || byte === closeBrace;
}

/** `found` keeps where each kind was found last, so that all searches together read the body once for each kind. */
function searchStructural(body: Uint8Array, from: number, found: number[]): number {
  let nearest = body.length;
  for (let kind = 0; kind < structural.length; kind += 1) {
    let at = found[kind] as number;
    if (at < from) {
      at = body.indexOf(structural[kind] as number, from);
      if (at === -1) at = body.length;
      found[kind] = at;
    }
    if (at < nearest) nearest = at;
  }
  return nearest;
}

/** Where the string that begins at `at` has its closing quote; the body's end or past it if it has none. */
export function endOfString(body: Uint8Array, at: number): number {
  let end = at + 1;
  while (end < body.length && body[end] !== quote) end += body[end] === backslash ? 2 : 1;
  return end;
}
