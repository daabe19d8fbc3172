// Here and not imported, since the engine folds only constants of the same module: reading takes 4 × as long without
// (2026-11-25, a list of 230 400 floats).
const plus = 0x2b;
const minus = 0x2d;
const point = 0x2e;
const zero = 0x30;
const smallE = 0x65;
/** Makes an E small, and nothing else an e. */
const caseBit = 0x20;

const largestPower = 60;
/** From 1e-60 on. */
const powersOfTen = Float64Array.from({ length: 2 * largestPower + 1 }, (_, i) =>
  Number(`1e${i - largestPower}`),
);

const mostDigits = 60;
/**
 * A number of 60 digits takes at most 122 roundings here: two a digit, one for the power of ten and one to apply it.
 * Each errs by at most 2^-53 of the number, so what Number would give lies within 2^-46.
 */
const below = 1 - 2 ** -46;
const above = 1 + 2 ** -46;

/**
 * Reads decimal numbers (RFC 8259, section 6) straight from the bytes, each where the caller has set `at`. A picture
 * of [1,3,240,320] is decoded 3.1 to 3.7 × as fast as by JSON.parse and a copy into floats (2026-11-25, `npm run bench:codecs`).
 */
export class FloatScanner {
  readonly body: Uint8Array;
  /** In bytes from the start of the body. */
  at = 0;

  /** The last byte of the body must not be one that a number can have. */
  constructor(body: Uint8Array) {
    this.body = body;
  }

  /**
   * `Math.fround(Number(text))` of the number at `at`, which moves past it. NaN where no number of JSON stands there;
   * then `at` is anywhere.
   */
  readFloat32(): number {
    const isNegative = this.body[this.at] === minus;
    if (isNegative) this.at += 1;
    const magnitude = this.#readMagnitude();
    return isNegative ? -magnitude : magnitude;
  }

  #readMagnitude(): number {
    const { body } = this;
    const start = this.at;
    let significand = this.#takeDigits(0);
    if (this.at === start || (body[start] === zero && this.at > start + 1)) return Number.NaN;
    let exponent = 0;
    if (body[this.at] === point) {
      const fraction = this.at + 1;
      this.at = fraction;
      significand = this.#takeDigits(significand);
      exponent = fraction - this.at;
      if (exponent === 0) return Number.NaN;
    }
    const digits = this.at - start;
    if (((body[this.at] as number) | caseBit) === smallE) exponent += this.#takeExponent();
    const magnitude = digits > mostDigits ? -1 : scaled(significand, exponent);
    return magnitude < 0 ? this.#readSlowly(start) : magnitude;
  }

  /** Appends the digits at `at` to the significand. */
  #takeDigits(significand: number): number {
    const { body } = this;
    let { at } = this;
    let longer = significand;
    let digit = (body[at] as number) - zero;
    while (digit >= 0 && digit <= 9) {
      longer = longer * 10 + digit;
      at += 1;
      digit = (body[at] as number) - zero;
    }
    this.at = at;
    return longer;
  }

  /** NaN where it has no digits. */
  #takeExponent(): number {
    const sign = this.body[this.at + 1];
    const start = this.at + (sign === plus || sign === minus ? 2 : 1);
    this.at = start;
    const exponent = this.#takeDigits(0);
    if (this.at === start) return Number.NaN;
    return sign === minus ? -exponent : exponent;
  }

  #readSlowly(start: number): number {
    const { buffer, byteOffset } = this.body;
    const text = Buffer.from(buffer, byteOffset + start, this.at - start).toString("latin1");
    return Math.fround(Number(text));
  }
}

/** Rounded as it must be; -1 where it takes more to know how. */
function scaled(significand: number, exponent: number): number {
  if (!(exponent >= -largestPower && exponent <= largestPower)) return -1;
  const magnitude = significand * (powersOfTen[exponent + largestPower] as number);
  const rounded = Math.fround(magnitude * below);
  return rounded === Math.fround(magnitude * above) ? rounded : -1;
}
