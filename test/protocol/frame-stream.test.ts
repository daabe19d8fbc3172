import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, type Random, seededRandom } from "../../models/random.ts";
import { FrameReader, FrameWriter } from "../../src/protocol/frame-stream.ts";

const maxFrameBytes = 100_000;

function frame(length: number, fill: number): Buffer {
  return Buffer.alloc(length, fill);
}

function streamOf(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((one) => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(one.length);
      return [head, one];
    }),
  );
}

function read(chunks: readonly Buffer[]): { sound: boolean; frames: Buffer[] } {
  const reader = new FrameReader(maxFrameBytes);
  const frames: Buffer[] = [];
  const sound = chunks.every((chunk) =>
    reader.push(chunk, (one) => {
      frames.push(Buffer.from(one));
      return true;
    }),
  );
  return { sound, frames };
}

function cutAtRandom(stream: Buffer, random: Random, meanBytes: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    const to = at + 1 + Math.floor(between(random, 0, 2 * meanBytes));
    chunks.push(stream.subarray(at, to));
    at = to;
  }
  return chunks;
}

describe("FrameReader", () => {
  const frames = [1, 2, 3, 5, 300, 70_000, 1, 4, 65_536, 7].map((length, at) => frame(length, at));
  const stream = streamOf(frames);

  it("reads a stream that comes in one piece", () =>
    assert.deepEqual(read([stream]), { sound: true, frames }));

  it("reads a stream that comes byte by byte", () => {
    const chunks = Array.from(stream, (_, at) => stream.subarray(at, at + 1));
    assert.deepEqual(read(chunks), { sound: true, frames });
  });

  it("reads the same frames however the stream is cut", () => {
    const random = seededRandom(3);
    for (let round = 0; round < 200; round += 1) {
      const meanBytes = [2, 20, 1_000, 40_000][round % 4] ?? 1;
      assert.deepEqual(read(cutAtRandom(stream, random, meanBytes)), { sound: true, frames });
    }
  });

  it("copies nothing of a frame that came whole", () => {
    const chunk = streamOf([frame(8, 1)]);
    new FrameReader(maxFrameBytes).push(chunk, (one) => {
      assert.equal(one.buffer, chunk.buffer);
      return true;
    });
  });

  it("survives that a chunk is overwritten when the next has come", () => {
    const reader = new FrameReader(maxFrameBytes);
    const first = Buffer.from(stream.subarray(0, 315));
    const seen: Buffer[] = [];
    const keep = (one: Buffer) => seen.push(Buffer.from(one)) > 0;
    reader.push(first, keep);
    first.fill(99);
    reader.push(stream.subarray(315), keep);
    assert.deepEqual(seen, frames);
  });

  it("hands on nothing before a frame is whole", () =>
    assert.deepEqual(read([stream.subarray(0, 4)]), { sound: true, frames: [] }));

  const lengths: readonly (readonly [string, number, boolean])[] = [
    ["refuses a frame of no bytes", 0, false],
    ["takes a frame at the limit", maxFrameBytes, true],
    ["refuses a frame past the limit", maxFrameBytes + 1, false],
    ["refuses the largest length there is", 0xffff_ffff, false],
  ];
  for (const [name, length, sound] of lengths) {
    it(`${name}, before its bytes come`, () => {
      const head = Buffer.alloc(4);
      head.writeUInt32LE(length);
      assert.deepEqual(read([head]), { sound, frames: [] });
    });
  }

  it("keeps the frames before a bad one", () => {
    const bad = Buffer.concat([streamOf([frame(2, 1)]), Buffer.alloc(4)]);
    assert.deepEqual(read([bad]), { sound: false, frames: [frame(2, 1)] });
  });

  for (const cut of [stream.length, 9]) {
    it(`goes no further when a frame is refused, cut at ${cut}`, () => {
      const reader = new FrameReader(maxFrameBytes);
      const lengthsSeen: number[] = [];
      const refuseSecond = (one: Buffer) => lengthsSeen.push(one.length) < 2;
      const sound = [stream.subarray(0, cut), stream.subarray(cut)].every((chunk) =>
        reader.push(chunk, refuseSecond),
      );
      assert.deepEqual([sound, lengthsSeen], [false, [1, 2]]);
    });
  }
});

describe("FrameWriter", () => {
  it("is empty before it is written to and after it is taken from", () => {
    const writer = new FrameWriter();
    const before = writer.isEmpty;
    writer.u8(1);
    const between = writer.isEmpty;
    writer.take();
    assert.deepEqual([before, between, writer.isEmpty], [true, false, true]);
  });

  it("writes numbers little-endian, one after the other", () => {
    const writer = new FrameWriter();
    writer.begin(7, 21);
    writer.u8(1);
    writer.u16(2);
    writer.u32(3);
    writer.f32(0.5);
    writer.f64(-2);
    writer.ascii("ab");
    const hex = Buffer.concat(writer.take()).toString("hex");
    assert.equal(hex, "16000000070102000300000000 00003f00000000000000c06162".replaceAll(" ", ""));
  });

  it("gathers small frames in one piece", () => {
    const writer = new FrameWriter();
    for (let at = 0; at < 100; at += 1) {
      writer.begin(1, 8);
      writer.bytes(frame(8, at));
    }
    assert.equal(writer.take().length, 1);
  });

  it("hands large bodies on by reference, in their place", () => {
    const writer = new FrameWriter();
    const large = frame(8_193, 1);
    writer.u8(1);
    writer.bytes(large);
    writer.u8(2);
    const [before, body, after] = writer.take();
    assert.equal(body, large);
    assert.deepEqual([before, after], [Buffer.of(1), Buffer.of(2)]);
  });

  it("copies bodies up to 8 KiB, so that they may change afterwards", () => {
    const writer = new FrameWriter();
    const small = frame(8_192, 1);
    writer.bytes(small);
    small.fill(2);
    assert.deepEqual(writer.take(), [frame(8_192, 1)]);
  });

  it("never overwrites what was taken", () => {
    const writer = new FrameWriter();
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < 200; at += 1) {
      writer.bytes(frame(1_000, at));
      pieces.push(...writer.take());
    }
    const expected = Buffer.concat(Array.from({ length: 200 }, (_, at) => frame(1_000, at)));
    assert.deepEqual(Buffer.concat(pieces), expected);
  });

  it("writes what a reader reads, in order, for any mix of sizes", () => {
    const random = seededRandom(5);
    const writer = new FrameWriter();
    const frames: Buffer[] = [];
    const pieces: Uint8Array[] = [];
    for (let at = 0; at < 500; at += 1) {
      const body = frame(Math.floor(between(random, 0, 1) ** 4 * 90_000), at % 256);
      writer.begin(at % 256, body.length);
      writer.bytes(body);
      frames.push(Buffer.concat([Buffer.of(at % 256), body]));
      if (at % 7 === 0) pieces.push(...writer.take());
    }
    pieces.push(...writer.take());
    assert.deepEqual(read([Buffer.concat(pieces)]), { sound: true, frames });
  });
});
