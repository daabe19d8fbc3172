import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readWav, type Wav } from "../../src/cli/wav.ts";

interface Format {
  readonly tag?: number;
  readonly channels?: number;
  readonly bits: number;
}

function wav({ tag = 1, channels = 1, bits }: Format, data: Buffer): Buffer {
  const format = Buffer.alloc(16);
  format.writeUInt16LE(tag, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(16_000, 4);
  format.writeUInt16LE(bits, 14);
  const chunk = (name: string, body: Buffer) => {
    const size = Buffer.alloc(4);
    size.writeUInt32LE(body.length);
    return Buffer.concat([Buffer.from(name), size, body, Buffer.alloc(body.length % 2)]);
  };
  const chunks = [chunk("LIST", Buffer.from("abc")), chunk("fmt ", format), chunk("data", data)];
  return Buffer.concat([Buffer.from("RIFF\0\0\0\0WAVE"), ...chunks]);
}

function samples(bytes: Uint8Array): readonly number[] {
  const read = readWav(bytes);
  assert.ok(typeof read !== "string", String(read));
  return [...(read as Wav).samples];
}

describe("readWav", () => {
  it("reads integers of each size as -1 to 1", () => {
    assert.deepEqual(samples(wav({ bits: 8 }, Buffer.from([0, 128]))), [-1, 0]);
    assert.deepEqual(samples(wav({ bits: 16 }, Buffer.from([0, 0x80, 0, 0x40]))), [-1, 0.5]);
    assert.deepEqual(samples(wav({ bits: 24 }, Buffer.from([0, 0, 0x80, 0, 0, 0x40]))), [-1, 0.5]);
    assert.deepEqual(samples(wav({ bits: 32 }, Buffer.from([0, 0, 0, 0x80]))), [-1]);
  });

  it("reads a recording to its end that was cut off before its head was written", () => {
    const bytes = wav({ bits: 16 }, Buffer.from([0, 0x80, 0, 0x40]));
    bytes.writeUInt32LE(0, bytes.length - 8);
    assert.deepEqual(samples(bytes), [-1, 0.5]);
  });

  it("reads floats", () => {
    const data = Buffer.alloc(4);
    data.writeFloatLE(0.25);
    assert.deepEqual(samples(wav({ tag: 3, bits: 32 }, data)), [0.25]);
  });

  it("makes one channel of several, and knows the rate", () => {
    const stereo = wav({ bits: 16, channels: 2 }, Buffer.from([0, 0x40, 0, 0]));
    assert.deepEqual(samples(stereo), [0.25]);
    assert.equal((readWav(stereo) as Wav).rate, 16_000);
  });

  it("reads a recording that does not know its length", () => {
    const bytes = wav({ bits: 16 }, Buffer.from([0, 0x40]));
    bytes.writeUInt32LE(0xffff_ffff, bytes.length - 6);
    assert.deepEqual(samples(bytes), [0.5]);
  });

  for (const [what, bytes, message] of [
    ["another file", Buffer.from("not a WAV at all"), "it is no WAV file"],
    [
      "a format that is not read here",
      wav({ tag: 2, bits: 4 }, Buffer.alloc(2)),
      "expected PCM of 8, 16, 24 or 32 bits, or floats, got format 2 of 4 bits",
    ],
    [
      "one without samples",
      wav({ bits: 16 }, Buffer.alloc(0)).subarray(0, 48),
      "it holds no samples",
    ],
  ] as const) {
    it(`says what is wrong with ${what}`, () => assert.equal(readWav(bytes), message));
  }
});
