import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { clientFrame, FrameReader, type ServerFrame } from "../../../bench/driver/frames.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");

/** A frame as a server writes it: not masked. */
function serverFrame(first: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.from(payload);
  const { length } = bytes;
  const long = Buffer.alloc(8);
  long.writeBigUInt64BE(BigInt(length));
  if (length < 126) return Buffer.concat([Buffer.of(first, length), bytes]);
  if (length < 65_536) return Buffer.concat([Buffer.of(first, 126), long.subarray(6), bytes]);
  return Buffer.concat([Buffer.of(first, 127), long, bytes]);
}

const text = (payload: string) => serverFrame(0x81, payload);
const wanted = { type: "message", isWanted: true };
const other = { type: "message", isWanted: false };
const close: ServerFrame = { type: "close" };
const ping = (payload: string): ServerFrame => ({ type: "ping", payload: Buffer.from(payload) });

function reader(): FrameReader {
  return new FrameReader();
}

/** Of messages, whether they begin with "done". */
function judged(frames: readonly ServerFrame[]) {
  return frames.map((frame) =>
    frame.type === "message" ? { type: "message", isWanted: frame.lead.startsWith("done") } : frame,
  );
}

describe("clientFrame", () => {
  it("is masked as in RFC 6455, section 5.7", () => {
    const frame = clientFrame("text", Buffer.from("Hello"), hex("37 fa 21 3d"));
    assert.deepEqual(frame, hex("81 85 37fa213d 7f9f4d5158"));
  });

  it("says what kind it is", () => {
    const frame = clientFrame("pong", Buffer.from("Hello"), hex("37 fa 21 3d"));
    assert.deepEqual(frame, hex("8a 85 37fa213d 7f9f4d5158"));
  });

  for (const [length, head] of [
    [0, "81 80"],
    [125, "81 fd"],
    [126, "81 fe 007e"],
    [65_535, "81 fe ffff"],
    [65_536, "81 ff 0000000000010000"],
  ] as const) {
    it(`writes a length of ${length}`, () => {
      const payload = Buffer.alloc(length, "a");
      const noMask = Buffer.alloc(4);
      const frame = clientFrame("text", payload, noMask);
      assert.ok(frame.equals(Buffer.concat([hex(head), noMask, payload])));
    });
  }

  it("takes a mask of its own where none is given", () => {
    const frame = clientFrame("text", Buffer.from("Hello"));
    const mask = frame.subarray(2, 6);
    const payload = frame.subarray(6).map((byte, at) => byte ^ (mask[at % 4] ?? 0));
    assert.equal(payload.toString(), "Hello");
  });
});

describe("FrameReader", () => {
  const long = (length: number) => `done${"x".repeat(length - 4)}`;

  for (const [name, bytes, expected] of [
    ["a message that begins as wanted", text("done, and more"), [wanted]],
    ["one that is what is wanted", text("done"), [wanted]],
    ["one that is too short", text("don"), [other]],
    ["one that is empty", text(""), [other]],
    ["one that differs", text("dona"), [other]],
    ["a length of seven bits", text(long(125)), [wanted]],
    ["the least length of 16 bits", text(long(126)), [wanted]],
    ["the greatest length of 16 bits", text(long(65_535)), [wanted]],
    ["a length of 64 bits", text(long(65_536)), [wanted]],
    [
      "one after the other",
      Buffer.concat([text("done"), text("fail"), text("done")]),
      [wanted, other, wanted],
    ],
    [
      "a message in three frames",
      Buffer.concat([serverFrame(0x01, "d"), serverFrame(0x00, "on"), serverFrame(0x80, "e!")]),
      [wanted],
    ],
    [
      "one whose second frame differs",
      Buffer.concat([serverFrame(0x01, "do"), serverFrame(0x80, "me")]),
      [other],
    ],
    ["a ping", serverFrame(0x89, "there?"), [ping("there?")]],
    ["an empty ping", serverFrame(0x89, ""), [ping("")]],
    [
      "a ping within a message",
      Buffer.concat([serverFrame(0x01, "do"), serverFrame(0x89, "ne"), serverFrame(0x80, "ne")]),
      [ping("ne"), wanted],
    ],
    ["a close with its reason", serverFrame(0x88, "\x03\xe9bye"), [close]],
    ["a close without one", serverFrame(0x88, ""), [close]],
    ["nothing in a pong", Buffer.concat([serverFrame(0x8a, "done"), text("done")]), [wanted]],
  ] as const) {
    it(`reads ${name}`, () => {
      assert.deepEqual(judged(reader().push(bytes)), expected);
    });

    it(`reads ${name}, wherever it is cut`, () => {
      // Of the longest only the ends: heads, and the last bytes.
      const cuts = Array.from({ length: bytes.length - 1 }, (_, at) => at + 1);
      for (const cut of cuts.filter((at) => at < 300 || at > bytes.length - 10)) {
        const frames = reader();
        const memory = Buffer.from(bytes.subarray(0, cut));
        const first = frames.push(memory);
        memory.fill("?"); // as a read buffer is, that is used again
        const all = [...first, ...frames.push(Buffer.from(bytes.subarray(cut)))];
        assert.deepEqual(judged(all), expected, `cut at ${cut}`);
      }
    });
  }

  it("gives a message with its last byte, when bytes come one by one", () => {
    const frames = reader();
    const bytes = text(long(200));
    const given = Array.from(bytes, (byte) => frames.push(Buffer.of(byte)).length);
    assert.deepEqual(
      [given.indexOf(1), given.lastIndexOf(1)],
      [bytes.length - 1, bytes.length - 1],
    );
  });

  it("keeps 48 bytes of a message, of whatever length and in whatever parts", () => {
    const frames = [serverFrame(0x01, "a".repeat(40)), serverFrame(0x80, "b".repeat(40))];
    const lead = `${"a".repeat(40)}${"b".repeat(8)}`;
    assert.deepEqual(reader().push(Buffer.concat(frames)), [{ type: "message", lead }]);
  });

  it("refuses a frame that is masked", () => {
    const masked = clientFrame("text", Buffer.from("done"));
    assert.throws(() => reader().push(masked), /a server must not mask it/);
  });

  it("refuses a frame of an extension", () => {
    assert.throws(() => reader().push(serverFrame(0xc1, "done")), /no extension was offered/);
  });
});
