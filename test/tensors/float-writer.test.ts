import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FloatWriter, longestNumber } from "../../src/tensors/float-writer.ts";

const bytes = Buffer.alloc(4 * (longestNumber + 1));

function write(...values: readonly number[]): string {
  const writer = new FloatWriter(bytes);
  for (const value of values) {
    writer.write(value);
    writer.put(0x2c);
  }
  return bytes.toString("latin1", 0, writer.at);
}

/** A small linear congruential generator: the same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const random = seeded(3);
const bits = new DataView(new ArrayBuffer(8));

function anyFloat(): number {
  bits.setUint32(0, random(2 ** 32));
  const value = bits.getFloat32(0);
  return Number.isFinite(value) ? value : 1;
}

function anyDouble(): number {
  bits.setUint32(0, random(2 ** 32));
  bits.setUint32(4, random(2 ** 32));
  const value = bits.getFloat64(0);
  return Number.isFinite(value) ? value : 1;
}

/** From 0 to 1, of 53 bits. */
function fraction(): number {
  return (random(2 ** 21) * 2 ** 32 + random(2 ** 32)) / 2 ** 53;
}

const makers: Readonly<Record<string, () => number>> = {
  "floats of all sizes": anyFloat,
  "doubles of all sizes": anyDouble,
  "floats below 1": () => Math.fround(fraction()),
  "doubles below 1": fraction,
  "floats on both sides of 0": () => Math.fround(20 * fraction() - 10),
  "doubles on both sides of 0": () => 2e9 * fraction() - 1e9,
  "small floats": () => Math.fround(Math.exp(-80 * fraction())),
  "small doubles": () => Math.exp(-85 * fraction()),
  "large floats": () => Math.fround(1e9 * fraction()),
  "short decimals": () => random(100_000) / 10 ** random(12),
  "decimals of 15 digits": () => (random(1e6) * 1e9 + random(1e9)) / 10 ** random(24),
  "decimals of 16 digits": () => (random(1e7) * 1e9 + random(1e9)) / 10 ** random(24),
  integers: () => random(2 ** 32) - 2 ** 31,
  "multiples of a power of two": () => random(2 ** 20) * 2 ** -random(60),
  "neighbours of short decimals": () => {
    bits.setFloat64(0, random(1_000) / 10 ** random(20) + 1e-20);
    bits.setUint32(4, bits.getUint32(4) ^ (1 + random(3)));
    return bits.getFloat64(0);
  },
};

describe("FloatWriter", () => {
  for (const [name, make] of Object.entries(makers)) {
    it(`writes ${name} as String does`, () => {
      for (let i = 0; i < 20_000; i += 1) {
        const value = make();
        const text = write(value);
        if (text !== `${value},`) assert.fail(`${value} is written as ${text}`);
      }
    });
  }

  it("writes powers of ten and of two, and what is beside them, as String does", () => {
    const powers = Array.from({ length: 80 }, (_, i) => [Number(`1e${i - 50}`), 2 ** (i - 50)]);
    const near = (value: number) => [value, value * (1 - 2 ** -53), value * (1 + 2 ** -52)];
    const values = powers.flat().flatMap(near);
    const floats = values.map(Math.fround);
    for (const value of [...values, ...floats, 5e-324, Number.MAX_VALUE, 0]) {
      assert.equal(write(value), `${value},`);
      assert.equal(write(-value), `${-value},`);
    }
  });

  it("writes one behind the other, within the bytes that it was given for each", () => {
    const longest = -0.0000012345678901234567;
    assert.equal(write(1.5, -2, longest, 1e-7), `1.5,-2,${longest},1e-7,`);
    assert.equal(`${longest}`.length, longestNumber);
    assert.equal(write(longest, longest, longest, longest), `${longest},`.repeat(4));
    for (const value of [-1.2345678901234567e-308, -1.2345678901234567e-37, -123456.78901234567]) {
      assert.equal(write(value), `${value},`);
    }
  });
});
