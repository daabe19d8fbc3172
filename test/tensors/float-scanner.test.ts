import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FloatScanner } from "../../src/tensors/float-scanner.ts";

/** What is read from `at` of the text, and where that ended; a bracket follows, as in every body. */
function read(text: string, at = 0): { value: number; at: number } {
  const scanner = new FloatScanner(Buffer.from(`${text}]`));
  scanner.at = at;
  return { value: scanner.readFloat32(), at: scanner.at };
}

/** A small linear congruential generator: the same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const random = seeded(7);
const bits = new DataView(new ArrayBuffer(8));

function anyFloat(): number {
  bits.setUint32(0, random(2 ** 32));
  const value = bits.getFloat32(0);
  return Number.isFinite(value) ? value : 0;
}

function anyDouble(): number {
  bits.setUint32(0, random(2 ** 32));
  bits.setUint32(4, random(2 ** 32));
  const value = bits.getFloat64(0);
  return Number.isFinite(value) ? value : 0;
}

/** The middle between two floats that follow each other, exact in 64 bits. */
function anyMiddle(): number {
  const low = anyFloat();
  bits.setFloat32(0, low);
  bits.setUint32(0, bits.getUint32(0) + 1);
  const high = bits.getFloat32(0);
  return Number.isFinite(high) ? low + (high - low) / 2 : low;
}

function digits(count: number): string {
  return Array.from({ length: count }, () => random(10)).join("");
}

function anyText(): string {
  const whole = random(2) === 0 ? "0" : `${1 + random(9)}${digits(random(25))}`;
  const fraction = random(3) === 0 ? "" : `.${digits(1 + random(45))}`;
  const exponent = random(2) === 0 ? "" : `e${random(2) === 0 ? "-" : "+"}${random(50)}`;
  return `${random(2) === 0 ? "-" : ""}${whole}${fraction}${exponent}`;
}

/** One in the last of its digits more or less. */
function beside(value: number): string {
  const text = value.toPrecision(17 + random(20));
  const at = text.search(/\d(?=e|$)/);
  const digit = text[at] === "9" ? "8" : String(Number(text[at]) + 1);
  return text.slice(0, at) + digit + text.slice(at + 1);
}

/** Each text again and again, with another number. */
const makers: Readonly<Record<string, () => string>> = {
  "floats as JSON has them": () => JSON.stringify(anyFloat()),
  "floats of a picture": () => JSON.stringify(Math.fround(random(2 ** 24) / 2 ** 24)),
  "floats of seven digits": () => anyFloat().toPrecision(7),
  "doubles as JSON has them": () => JSON.stringify(anyDouble()),
  "doubles of many digits": () => anyDouble().toPrecision(1 + random(60)),
  "small decimals": () => `${random(1_000)}.${digits(1 + random(6))}`,
  integers: () => `${1 + random(9)}${digits(random(22))}`,
  "any decimals": anyText,
  "middles of floats": () => anyMiddle().toPrecision(17 + random(70)),
  "what is beside the middles of floats": () => beside(anyMiddle()),
};

function check(text: string): void {
  const { value, at } = read(text);
  const expected = Math.fround(JSON.parse(text));
  assert.ok(Object.is(value, expected), `${text}: expected ${expected}, got ${value}`);
  assert.equal(at, text.length, text);
}

describe("FloatScanner", () => {
  for (const [name, make] of Object.entries(makers)) {
    it(`rounds ${name} as JSON.parse and Math.fround do`, () => {
      for (let i = 0; i < 20_000; i += 1) check(make());
    });
  }

  it("rounds hard numbers as JSON.parse and Math.fround do", () => {
    const zeros = "0".repeat(400);
    for (const text of [
      ...["0", "-0", "0.0", "-0.0e5", "1", "-1", "0.1", "1e0", "1E5", "1e+5", "1e-5", "12.5e3"],
      ...["16777216", "16777217", "16777218", "16777219", "33554434.999999999", "9007199254740993"],
      ...["3.4028234663852886e38", "3.4028235677973366e38", "3.4028235677973362e38", "3.5e38"],
      ...["1.1754943508222875e-38", "1e-45", "7.006492321624085e-46", "7.006492321624086e-46"],
      ...[
        "1.401298464324817e-45",
        "1e-46",
        "4.9e-324",
        "1e-400",
        "1e400",
        "-1e400",
        "0e999999999999",
      ],
      ...["1.00000005960464477539062500", "1.00000005960464477539062501"],
      ...["1.00000005960464477539062499999999999999999999999999", "8388608.5", "8388609.5"],
      ...[`1${zeros}`, `0.${zeros}1`, `1${zeros}e-400`, `0.${zeros}1e401`, `1${zeros}e-399`],
      ...["123456789012345678", "999999999999999999999", "0.000001234567890123456789"],
      ...["1e60", "1e-60", "1e61", "1e-61", `1.${"9".repeat(59)}`, `1.${"9".repeat(60)}`],
    ]) {
      check(text);
    }
  });

  for (const text of [
    ...["", "-", "+1", ".5", "01", "-01", "00", "1.", "1.e5", "1e", "1e+", "1e-", "-.5", "--1"],
    ...["NaN", "Infinity", "-Infinity", "null", "true", '"1"', "[1", "{", "e5", "- 1", "𝟏"],
  ]) {
    it(`takes ${JSON.stringify(text)} for no number`, () => {
      assert.ok(Number.isNaN(read(text).value));
    });
  }

  it("stops where a number ends, and reads on from there", () => {
    assert.deepEqual(read("[1.5,-2e1 ]", 1), { value: 1.5, at: 4 });
    assert.deepEqual(read("[1.5,-2e1 ]", 5), { value: -20, at: 9 });
    assert.deepEqual(read("0x10"), { value: 0, at: 1 });
    assert.deepEqual(read("1.5.5"), { value: 1.5, at: 3 });
  });
});
