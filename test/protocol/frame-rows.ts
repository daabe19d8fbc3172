/* What the tests of both kinds of frames share: rows of frames and their bytes, and bytes that nobody has written. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import { FrameWriter } from "../../src/protocol/frame-stream.ts";

export interface FrameRow<Frame> {
  readonly name: string;
  readonly frame: Frame;
  readonly write: (writer: FrameWriter) => void;
  /** Length and type, then the fields one by one. */
  readonly hex: string;
}

export function written(write: (writer: FrameWriter) => void): Buffer {
  const writer = new FrameWriter();
  write(writer);
  return Buffer.concat(writer.take());
}

/** What the reader hands on: the frame without its length. */
export function content(bytes: Buffer): Buffer {
  return bytes.subarray(4);
}

export interface Parser<Frame> {
  /** Whose frames these are. */
  readonly of: "door" | "host";
  readonly parse: (bytes: Buffer) => Frame | undefined;
  readonly rows: readonly FrameRow<Frame>[];
  readonly seed: number;
}

export function describeHostileBytes<Frame extends { readonly type: string }>({
  of,
  parse,
  rows,
  seed,
}: Parser<Frame>): void {
  const random = seededRandom(seed);
  const randomByte = () => Math.floor(between(random, 0, 256));

  describe("hostile bytes", () => {
    it(`cut short anywhere are no frame of a ${of}, or one with a shorter tail`, () => {
      for (const { frame, write } of rows) {
        const whole = content(written(write));
        for (let length = 0; length < whole.length; length += 1) {
          const parsed = parse(whole.subarray(0, length));
          assert.ok(parsed === undefined || parsed.type === frame.type);
        }
      }
    });

    it(`of no meaning at all are read as no frame of a ${of}, or as one of its kinds`, () => {
      const kinds = new Set<string>(rows.map(({ frame }) => frame.type));
      for (let round = 0; round < 20_000; round += 1) {
        const length = Math.floor(between(random, 0, 64));
        const bytes = Buffer.from(Array.from({ length }, randomByte));
        if (round % 2 === 0 && bytes.length > 0) bytes[0] = (round / 2) % 22;
        const parsed = parse(bytes);
        assert.ok(parsed === undefined || kinds.has(parsed.type));
      }
    });

    it(`in any one place of a frame of a ${of} are survived`, () => {
      for (const { write } of rows) {
        const whole = content(written(write));
        for (let at = 0; at < whole.length; at += 1) {
          const bytes = Buffer.from(whole);
          bytes[at] = randomByte();
          assert.doesNotThrow(() => parse(bytes));
        }
      }
    });
  });
}
