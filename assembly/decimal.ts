// Reads one number of JSON, sixteen of its bytes at a time. AssemblyScript: `npm run assembly` compiles it.

const plus: u8 = 0x2b;
const minus: u8 = 0x2d;
const point: u8 = 0x2e;
const zero: u8 = 0x30;
const smallE: u8 = 0x65;
/** Makes an E small, and nothing else an e. */
const caseBit: u8 = 0x20;

export const block = 16;

// Loaded where they are used: the engine builds a constant vector anew in each turn of a loop, which takes longer.
/** Minus, point, slash and the digits become -128 to -116: one comparison tells them from all else. */
const lowestOfToken = memory.data<u8>([
  0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad, 0xad,
]);
const highestOfToken = memory.data<i8>([
  -116, -116, -116, -116, -116, -116, -116, -116, -116, -116, -116, -116, -116, -116, -116, -116,
]);
/** Of those that are no digits. */
const highestMark = memory.data<i8>([
  -126, -126, -126, -126, -126, -126, -126, -126, -126, -126, -126, -126, -126, -126, -126, -126,
]);
const zeros = memory.data<u8>([
  0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30,
]);
/** 10 times the one digit of a lane and once the other: their sum is left in its upper byte. */
const toPairs = memory.data<i16>([2561, 2561, 2561, 2561, 2561, 2561, 2561, 2561]);
const toFours = memory.data<i16>([100, 1, 100, 1, 100, 1, 100, 1]);
const toEights = memory.data<i16>([10_000, 1, 10_000, 1, 10_000, 1, 10_000, 1]);
const lowerUnit: u64 = 100_000_000;

/** For each place of the point (0: none) and count of bytes: the digits moved to the end of the block behind zeros. */
const shuffles = memory.data(block * 32 * block, 16);

function shuffleFor(pointAt: i32, count: i32): usize {
  return shuffles + (((pointAt << 5) | count) << 4);
}

for (let pointAt = 0; pointAt < block; pointAt += 1) {
  for (let count = 0; count <= block; count += 1) {
    for (let lane = 0; lane < block; lane += 1) {
      const from = lane - block + count;
      const source = pointAt > 0 && from <= pointAt ? from - 1 : from;
      store<i8>(shuffleFor(pointAt, count) + lane, <i8>source);
    }
  }
}

const mostDigits = 18;
const wholeTens = memory.data(8 * (mostDigits + 1), 8);
const largestPower = 60;
const powersOfTen = memory.data(8 * (2 * largestPower + 1), 8);

function atPower(power: i32): usize {
  return powersOfTen + ((power + largestPower) << 3);
}

store<u64>(wholeTens, 1);
for (let i = 8; i <= 8 * mostDigits; i += 8) {
  store<u64>(wholeTens + i, 10 * load<u64>(wholeTens + i - 8));
}
store<f64>(atPower(0), 1);
for (let power = 1; power <= largestPower; power += 1) {
  const larger = 10 * load<f64>(atPower(power - 1));
  store<f64>(atPower(power), larger);
  store<f64>(atPower(-power), 1 / larger);
}

/**
 * Up to 10^22 powers are exact; then each errs by one rounding more, 2^-53 of itself: with those of the significand, of the
 * product and of what Number would give, less than 2^-46 in all.
 */
const below: f64 = 1 - 1 / 70_368_744_177_664.0;
const above: f64 = 1 + 1 / 70_368_744_177_664.0;

/** Where the number ended that `readLong` read last. */
export let longEnd: usize = 0;

/** Each byte as the comparisons want it. */
export function shift(at: usize): v128 {
  return i8x16.sub(v128.load(at), v128.load(lowestOfToken));
}

/** A bit for each byte that no number without exponent has. */
export function stopsIn(shifted: v128): i32 {
  return i8x16.bitmask(i8x16.gt_s(shifted, v128.load(highestOfToken)));
}

/** A bit for each byte that is no minus, point or slash. */
function othersIn(shifted: v128): i32 {
  return i8x16.bitmask(i8x16.gt_s(shifted, v128.load(highestMark)));
}

/**
 * `Math.fround(Number(text))` of the number at `at`, which ends in its block, without exponent; NaN where it is none. Fifteen
 * digits and the powers of ten that belong to them are exact, so that their quotient is what Number gives.
 */
export function readShort(at: usize, shifted: v128, stops: i32): f32 {
  const sign = <i32>(load<u8>(at) === minus);
  const first = at + sign;
  const count = ctz(stops) - sign;
  const marks = ((stops - 1) & ~othersIn(shifted)) ^ sign;
  let whole = count;
  let pointAt = 0;
  let fraction = 0;
  if (marks) {
    whole = ctz(marks) - sign;
    pointAt = whole;
    fraction = count - whole - 1;
    if ((marks & (marks - 1)) !== 0 || fraction === 0) return f32.NaN;
    if (load<u8>(first + whole) !== point) return f32.NaN;
  }
  if (whole === 0 || <i32>(whole !== 1) & <i32>(load<u8>(first) === zero)) return f32.NaN;
  const significand = gather(first, pointAt, count);
  return signed(<f32>(<f64>(<i64>significand) / load<f64>(atPower(fraction))), sign);
}

/**
 * The same of a number of up to 31 bytes and an exponent; NaN also where it takes more to know. In line, since a call takes
 * as long as half a block.
 */
@inline
export function readLong(at: usize, shifted: v128, stops: i32): f32 {
  const more = shift(at + block);
  const allStops = stops | (stopsIn(more) << block);
  if (allStops === 0) return f32.NaN;
  const sign = <i32>(load<u8>(at) === minus);
  const first = at + sign;
  const count = ctz(allStops) - sign;
  longEnd = first + count;
  const marks = ((allStops - 1) & ~(othersIn(shifted) | othersIn(more) << block)) ^ sign;
  let whole = count;
  let pointAt = 0;
  let fraction = 0;
  if (marks) {
    whole = ctz(marks) - sign;
    pointAt = whole;
    fraction = count - whole - 1;
    if ((marks & (marks - 1)) !== 0 || fraction === 0) return f32.NaN;
    if (whole >= block || load<u8>(first + whole) !== point) return f32.NaN;
  }
  if (whole === 0 || <i32>(whole !== 1) & <i32>(load<u8>(first) === zero)) return f32.NaN;
  const tail = max(count - block, 0);
  const upper = gather(first, pointAt, count - tail);
  if (upper >= wholeTen(mostDigits - tail)) return f32.NaN;
  const significand = upper * wholeTen(tail) + gather(first + block, 0, tail);
  return signed(scaled(significand, takeExponent() - fraction), sign);
}

/** The digits among `count` bytes, sixteen at most, as one number. */
@inline
function gather(first: usize, pointAt: i32, count: i32): u64 {
  const all = i8x16.sub(v128.load(first), v128.load(zeros));
  const digits = i8x16.swizzle(all, v128.load(shuffleFor(pointAt, count)));
  const pairs = i16x8.shr_u(i16x8.mul(digits, v128.load(toPairs)), 8);
  const fours = i32x4.dot_i16x8_s(pairs, v128.load(toFours));
  const eights = i32x4.dot_i16x8_s(i16x8.narrow_i32x4_s(fours, fours), v128.load(toEights));
  const both = i64x2.extract_lane(eights, 0);
  return (both & 0xffff_ffff) * lowerUnit + (both >>> 32);
}

function wholeTen(power: i32): u64 {
  return load<u64>(wholeTens + (power << 3));
}

/** Of the number that has been read up to `longEnd`, which moves past it; beyond all powers of ten where it is none. */
function takeExponent(): i32 {
  if (!isSmallE(load<u8>(longEnd))) return 0;
  const sign = load<u8>(longEnd + 1);
  const start = longEnd + (sign === plus || sign === minus ? 2 : 1);
  longEnd = start;
  let exponent = 0;
  for (let digit = digitAt(start); digit < 10; digit = digitAt(longEnd)) {
    exponent = exponent * 10 + digit;
    longEnd += 1;
    if (longEnd - start > 3) return i16.MAX_VALUE;
  }
  if (longEnd === start) return i16.MAX_VALUE;
  return sign === minus ? -exponent : exponent;
}

export function isSmallE(byte: u8): bool {
  return (byte | caseBit) === smallE;
}

function digitAt(at: usize): u32 {
  return <u32>load<u8>(at) - <u32>zero;
}

/** Rounded as it must be; NaN where it takes more to know how, or the number is too large. */
function scaled(significand: u64, power: i32): f32 {
  if (power < -largestPower || power > largestPower) return f32.NaN;
  const magnitude = <f64>(<i64>significand) * load<f64>(atPower(power));
  const rounded = <f32>(magnitude * below);
  return rounded === <f32>(magnitude * above) && rounded <= f32.MAX_VALUE ? rounded : f32.NaN;
}

/** Without a branch, as signs are hard to foresee. */
function signed(magnitude: f32, sign: i32): f32 {
  return reinterpret<f32>(reinterpret<u32>(magnitude) | (sign << 31));
}
