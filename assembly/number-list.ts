// Reads a list of numbers, nested or not, window by window of its JSON. AssemblyScript: `npm run assembly` compiles it.
import { block, shift, stopsIn, isSmallE, longEnd, readLong, readShort } from "./decimal";

const tab: u8 = 0x09;
const lineFeed: u8 = 0x0a;
const carriageReturn: u8 = 0x0d;
const space: u8 = 0x20;
const plus: u8 = 0x2b;
const comma: u8 = 0x2c;
const minus: u8 = 0x2d;
const point: u8 = 0x2e;
const zero: u8 = 0x30;
const openBracket: u8 = 0x5b;
const closeBracket: u8 = 0x5d;

/** In bytes. */
export const windowSize = 65_536;
/** More than `readDecimal` looks at. */
const margin = 64;
export const windowAt: usize = memory.data(windowSize + margin, 16);
/** Each number takes a byte and a comma at least. */
export const valuesAt: usize = memory.data((4 * windowSize) / 2, 16);

const mostLevels = 128;
/** Of the lists that are being read, for each level. */
const counts = memory.data(4 * mostLevels, 4);
/** Of all lists of a level; -1 before the first has ended. */
const sizes = memory.data(4 * mostLevels, 4);

let maxDepth: i32 = 0;
let level: i32 = 0;
/** The level of the numbers; -1 before the first. */
let innermost: i32 = 0;
let isBehindValue: bool = false;
let isRefused: bool = false;
let end: usize = 0;
/** No number begins behind it that may go on behind the window. */
let lastStart: usize = 0;
let out: usize = 0;

/** The number between `from` and `to`, which is hard to round; NaN where it is none. */
declare function readSlowly(from: usize, to: usize): f32;

/** Before the first window of a list. */
export function begin(depth: i32): void {
  maxDepth = depth;
  level = -1;
  innermost = -1;
  isBehindValue = false;
  isRefused = false;
}

/**
 * Reads on in what now stands in the window, and tells how many bytes it has passed; the next window begins there. -1 where
 * it is no list of numbers in the range of FP32, evenly nested at most so deep. The last byte of the last window must not
 * be one that a number can have.
 */
export function scan(bytes: i32, isLast: bool): i32 {
  end = windowAt + bytes;
  lastStart = isLast ? end - 1 : end - margin;
  out = valuesAt;
  let at: usize = windowAt;
  do {
    at = skipSpace(at);
    if (at > lastStart) break;
    at = isBehindValue ? passMark(at) : load<u8>(at) === openBracket ? open(at) : readRun(at);
  } while (!isRefused && !hasEnded() && at <= lastStart);
  return isRefused ? -1 : <i32>(at - windowAt);
}

export function hasEnded(): bool {
  return level < 0 && isBehindValue;
}

/** How many numbers the window had. */
export function found(): i32 {
  return <i32>((out - valuesAt) >> 2);
}

export function levels(): i32 {
  return innermost + 1;
}

export function sizeAt(which: i32): i32 {
  return load<i32>(sizes + (which << 2));
}

function refuse(at: usize): usize {
  isRefused = true;
  return at;
}

function open(at: usize): usize {
  level += 1;
  if (level === maxDepth || (innermost >= 0 && level > innermost)) return refuse(at);
  store<i32>(counts + (level << 2), 0);
  if (innermost < 0) store<i32>(sizes + (level << 2), -1);
  return at + 1;
}

/** Past the comma or bracket behind a value. */
function passMark(at: usize): usize {
  const mark = load<u8>(at);
  const count = counts + (level << 2);
  store<i32>(count, load<i32>(count) + 1);
  if (mark === comma) {
    isBehindValue = false;
    return at + 1;
  }
  return mark === closeBracket && closes(load<i32>(count)) ? at + 1 : refuse(at);
}

/** Whether a list of that size may end here. */
function closes(size: i32): bool {
  const known = sizes + (level << 2);
  if (load<i32>(known) < 0) store<i32>(known, size);
  level -= 1;
  return load<i32>(known) === size;
}

/** Numbers with commas between them, up to another mark or the end of the window. */
function readRun(from: usize): usize {
  if (innermost < 0) innermost = level;
  if (innermost !== level || level < 0) return refuse(from);
  let at = from;
  let to = out;
  let next: u8 = comma;
  do {
    const shifted = shift(at);
    const stops = stopsIn(shifted);
    let behind = at + ctz(stops);
    next = load<u8>(behind);
    let value: f32;
    if (stops !== 0 && !isSmallE(next)) value = readShort(at, shifted, stops);
    else {
      value = readLong(at, shifted, stops);
      behind = longEnd;
      next = load<u8>(behind);
    }
    if (value !== value) {
      behind = skipToken(at);
      if (behind === end) {
        lastStart = at - 1;
        next = comma;
        break;
      }
      value = readSlowly(at, behind);
      if (value - value !== 0) return refuse(at);
      next = load<u8>(behind);
    }
    store<f32>(to, value);
    to += 4;
    at = behind;
    if (next !== comma) break;
    at += 1;
    if (load<u8>(at) <= space) at = skipSpace(at);
  } while (at <= lastStart);
  isBehindValue = next !== comma;
  const count = counts + (level << 2);
  store<i32>(count, load<i32>(count) + <i32>((to - out) >> 2) - <i32>isBehindValue);
  out = to;
  return at;
}

function skipSpace(from: usize): usize {
  let at = from;
  while (at < end && isSpace(load<u8>(at))) at += 1;
  return at;
}

function isSpace(byte: u8): bool {
  return byte === space || byte === lineFeed || byte === carriageReturn || byte === tab;
}

/** Over all bytes that a number can have. */
function skipToken(from: usize): usize {
  let at = from;
  while (at < end && isOfToken(load<u8>(at))) at += 1;
  return at;
}

function isOfToken(byte: u8): bool {
  if (<u32>byte - <u32>zero < 10 || isSmallE(byte)) return true;
  return byte === point || byte === minus || byte === plus;
}
