const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const smallE = 0x65;

/** Of any number as String has it: -0.0000012345678901234567, and exponents of three digits take less. */
export const longestNumber = 25;

/** Numbers from 1e-37 up to 1e9; the point stands among their first nine digits or before them. */
const leastPower = -37;
const mostPower = 8;
/** Below it String writes an exponent. */
const leastPlainPower = -6;
const leastWritten = Number(`1e${leastPower}`);
const lowestUpper = 1e8;
const highestUpper = 1e9;
const powersOfTen = Float64Array.from({ length: mostPower + 2 - leastPower }, (_, i) =>
  Number(`1e${i + leastPower}`),
);

const partBits = 29;
/**
 * For each power of ten, 10^(8 - power) as a sum of three, the first two of 29 bits: each has a product without rounding
 * with a number of 24 bits, which is what a float has.
 */
const scales = Float64Array.from({ length: 3 * (mostPower + 1 - leastPower) }, (_, i) =>
  partOf(10n ** BigInt(mostPower - leastPower - Math.floor(i / 3)), i % 3),
);

function partOf(exact: bigint, part: number): number {
  const bits = exact.toString(2).length;
  const high = BigInt(Math.max(bits - partBits * part, 0));
  const low = part === 2 ? 0n : BigInt(Math.max(bits - partBits * (part + 1), 0));
  return Number(((exact & ((1n << high) - 1n)) >> low) << low);
}

/** Two digits each, from 00 to 99. */
const pairs = Uint8Array.from({ length: 200 }, (_, i) =>
  i % 2 === 0 ? zero + Math.floor(i / 20) : zero + (Math.floor(i / 2) % 10),
);

const lowerUnit = 1e8;
/** In the last of 17 digits. The sums that lead there err by a hundredth of it at most. */
const doubt = 1e-5;
const asDouble = new Float64Array(1);
/** The low half first, as on every machine that ONNX Runtime is built for. */
const asHalves = new Uint32Array(asDouble.buffer);

/**
 * Writes numbers as String has them: the shortest text that reads as the same double, and of those the nearest. The number
 * is scaled to 17 digits, nine and eight, by products that are exact or nearly so; where the error could matter, one in
 * millions, String itself is asked, and so it is for powers of two and what is very small or large. A
 * picture of [1,3,240,320] is encoded 1.7 × as fast as by JSON.stringify, and was 1.0 × as fast by a list for it
 * (2026-11-25, `npm run bench:codecs`).
 */
export class FloatWriter {
  readonly #bytes: Buffer;
  /** In bytes from the start of the memory. */
  at = 0;
  #power = 0;

  /** Needs `longestNumber` bytes for each number, and one more for each byte that is put. */
  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  put(byte: number): void {
    this.#bytes[this.at] = byte;
    this.at += 1;
  }

  /** Finite numbers only; -0 is written as 0. */
  write(value: number): void {
    const magnitude = Math.abs(value);
    if (value < 0) this.put(minus);
    if (magnitude < highestUpper) {
      if (magnitude === Math.floor(magnitude)) {
        this.#writeInteger(magnitude);
        return;
      }
      if (magnitude >= leastWritten && this.#writeShortest(magnitude)) return;
    }
    this.at += this.#bytes.write(String(magnitude), this.at, "latin1");
  }

  #writeInteger(value: number): void {
    let end = this.at + 1;
    for (let limit = 10; value >= limit; limit *= 10) end += 1;
    let rest = value | 0;
    for (let at = end - 1; at >= this.at; at -= 1) {
      const tens = (rest / 10) | 0;
      this.#bytes[at] = zero + rest - 10 * tens;
      rest = tens;
    }
    this.at = end;
  }

  /** False where it takes more to know how; then nothing is written. */
  #writeShortest(value: number): boolean {
    const power = this.#findPower(value);
    const scale = 3 * (power - leastPower);
    const first = scales[scale] as number;
    const second = scales[scale + 1] as number;
    const float = Math.fround(value);
    const main = float * first;
    const small = float * (scales[scale + 2] as number) + (value - float) * (first + second);
    const whole = Math.floor(main);
    const fraction = main - whole + (float * second + small);
    const carry = Math.floor(fraction);
    const lower = shortestIn((fraction - carry) * lowerUnit, value, first * lowerUnit);
    const upper = whole + carry + (lower === lowerUnit ? 1 : 0);
    if (lower < 0 || upper < lowestUpper || upper >= highestUpper) return false;
    if (power < leastPlainPower) this.#layOutPower(upper, lower === lowerUnit ? 0 : lower, power);
    else this.#layOut(upper, lower === lowerUnit ? 0 : lower, power);
    return true;
  }

  /** Of the first digit. Neighbours mostly have the same. */
  #findPower(value: number): number {
    let power = this.#power;
    while (value < (powersOfTen[power - leastPower] as number)) power -= 1;
    while (value >= (powersOfTen[power + 1 - leastPower] as number)) power += 1;
    this.#power = power;
    return power;
  }

  #layOut(upper: number, lower: number, power: number): void {
    const bytes = this.#bytes;
    // One byte on, so that the digits before the point can move over it.
    const start = power < 0 ? this.#leadZeros(power) : this.at + 1;
    this.at = putDigits(bytes, start, upper, lower);
    if (power < 0) return;
    for (let at = start; at <= start + power; at += 1) bytes[at - 1] = bytes[at] as number;
    bytes[start + power] = point;
  }

  #leadZeros(power: number): number {
    const start = this.at + 1 - power;
    this.#bytes[this.at] = zero;
    this.#bytes[this.at + 1] = point;
    for (let at = this.at + 2; at < start; at += 1) this.#bytes[at] = zero;
    return start;
  }

  #layOutPower(upper: number, lower: number, power: number): void {
    const start = this.at + 1;
    const end = putDigits(this.#bytes, start, upper, lower);
    this.#bytes[start - 1] = this.#bytes[start] as number;
    this.#bytes[start] = point;
    this.at = end === start + 1 ? start : end;
    this.put(smallE);
    this.put(minus);
    this.#writeInteger(-power);
  }
}

/** Nine digits and eight, without the zeros behind them; gives where they end. */
function putDigits(bytes: Uint8Array, at: number, upper: number, lower: number): number {
  const head = (upper / lowerUnit) | 0;
  bytes[at] = zero + head;
  putEight(bytes, at + 1, (upper - head * lowerUnit) | 0);
  putEight(bytes, at + 9, lower | 0);
  let end = at + 17;
  while (bytes[end - 1] === zero) end -= 1;
  return end;
}

function putEight(bytes: Uint8Array, at: number, value: number): void {
  const high = (value / 10_000) | 0;
  putFour(bytes, at, high);
  putFour(bytes, at + 4, value - high * 10_000);
}

function putFour(bytes: Uint8Array, at: number, value: number): void {
  const high = (value / 100) | 0;
  const low = value - high * 100;
  bytes[at] = pairs[2 * high] as number;
  bytes[at + 1] = pairs[2 * high + 1] as number;
  bytes[at + 2] = pairs[2 * low] as number;
  bytes[at + 3] = pairs[2 * low + 1] as number;
}

/**
 * The lower digits, as many zeros at their end as the double `value` leaves free; `unit` is one of 10^(16 - power). What
 * lies within half of the distance to the next double reads as `value`: that is between 0.5 and 11.2 of the last digit,
 * so one multiple of 100 may lie there at most. -1 where it takes more to know.
 */
function shortestIn(lower: number, value: number, unit: number): number {
  asDouble[0] = value;
  const high = asHalves[1] as number;
  // Below a power of two the doubles lie closer.
  if ((high & 0xf_ffff) === 0 && asHalves[0] === 0) return -1;
  asHalves[0] = 0;
  asHalves[1] = (high & 0x7ff0_0000) - 53 * 2 ** 20;
  const reach = (asDouble[0] as number) * unit;
  // Math.round takes ten times as long.
  const hundreds = Math.floor(lower * 0.01 + 0.5) * 100;
  const offHundreds = Math.abs(lower - hundreds);
  if (offHundreds < reach + doubt) return offHundreds < reach - doubt ? hundreds : -1;
  const tens = Math.floor(lower * 0.1 + 0.5) * 10;
  const offTens = Math.abs(lower - tens);
  if (offTens < reach + doubt) return offTens < Math.min(reach, 5) - doubt ? tens : -1;
  const ones = Math.floor(lower + 0.5);
  return Math.abs(lower - ones) < Math.min(reach, 0.5) - doubt ? ones : -1;
}
