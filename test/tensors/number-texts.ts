// Numbers as JSON has them, easy and hard to round: the same in every run.

/** A small linear congruential generator. */
export function seeded(seed: number): (below: number) => number {
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

/** As many digits before the point and behind it as there are, with both signs and without a point too. */
function anyLayout(): string {
  const count = random(40);
  const whole = count === 0 ? "0" : `${1 + random(9)}${digits(count - 1)}`;
  const fraction = random(40);
  return `${random(2) === 0 ? "-" : ""}${whole}${fraction === 0 ? "" : `.${digits(fraction)}`}`;
}

/** Each makes another number whenever it is called. */
export const textMakers: Readonly<Record<string, () => string>> = {
  "floats as JSON has them": () => JSON.stringify(anyFloat()),
  "floats of a picture": () => JSON.stringify(Math.fround(random(2 ** 24) / 2 ** 24)),
  "floats of seven digits": () => anyFloat().toPrecision(7),
  "floats that are no normal ones": () => JSON.stringify(random(2 ** 23) * 2 ** -149),
  "doubles as JSON has them": () => JSON.stringify(anyDouble()),
  "doubles of many digits": () => anyDouble().toPrecision(1 + random(60)),
  "small decimals": () => `${random(1_000)}.${digits(1 + random(6))}`,
  integers: () => `${1 + random(9)}${digits(random(22))}`,
  "any layouts": anyLayout,
  "any decimals": anyText,
  "middles of floats": () => anyMiddle().toPrecision(17 + random(70)),
  "what is beside the middles of floats": () => beside(anyMiddle()),
};

const zeros = "0".repeat(400);

export const hardTexts: readonly string[] = [
  ...["0", "-0", "0.0", "-0.0e5", "1", "-1", "0.1", "1e0", "1E5", "1e+5", "1e-5", "12.5e3"],
  ...["16777216", "16777217", "16777218", "16777219", "33554434.999999999", "9007199254740993"],
  ...["3.4028234663852886e38", "3.4028235677973366e38", "3.4028235677973362e38", "3.5e38"],
  ...["1.1754943508222875e-38", "1e-45", "7.006492321624085e-46", "7.006492321624086e-46"],
  ...["1.401298464324817e-45", "1e-46", "4.9e-324", "1e-400", "1e400", "-1e400"],
  ...["0e999999999999", "1.00000005960464477539062500", "1.00000005960464477539062501"],
  ...["1.00000005960464477539062499999999999999999999999999", "8388608.5", "8388609.5"],
  ...[`1${zeros}`, `0.${zeros}1`, `1${zeros}e-400`, `0.${zeros}1e401`, `1${zeros}e-399`],
  ...["123456789012345678", "999999999999999999999", "0.000001234567890123456789"],
  ...["1e60", "1e-60", "1e61", "1e-61", `1.${"9".repeat(59)}`, `1.${"9".repeat(60)}`],
  ...["999999999999999999", "9999999999999999.99", "0.00000000000000000000000000001", "1e-0000005"],
  ...["123456789012345", "1234567890123456", "-12345678901234", "-123456789012345", "1e099"],
];

export const notNumbers: readonly string[] = [
  ...["", "-", "+1", ".5", "01", "-01", "00", "1.", "1.e5", "1e", "1e+", "1e-", "-.5", "--1"],
  ...["NaN", "Infinity", "-Infinity", "null", "true", '"1"', "[1", "{", "e5", "- 1", "𝟏", "0x10"],
  ...["1.5.5", "1/2", "1-2", "1+2", "1e5.5", "1e5e5", "1.-5", "1 2", "1ä", "00.5", "-00"],
  ...["0123456789.012345678", "0.1234567890.123456789", "0.12345678901234-5", "0.123456789012345/"],
  ...["12345678901234567.", "1234567890123456.", "-.1234567890123456", "1.23456789012345678e"],
];
