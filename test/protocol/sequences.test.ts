import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import { FrameWriter } from "../../src/protocol/frame-stream.ts";
import {
  claimBytes,
  endReasons,
  parseClaim,
  putClaim,
  type SequenceClaim,
} from "../../src/protocol/sequences.ts";

function claim(fields: Partial<SequenceClaim> = {}): SequenceClaim {
  return { key: "k", start: false, end: false, shared: false, ...fields };
}

function bytesOf(value: SequenceClaim): Buffer {
  const writer = new FrameWriter();
  putClaim(writer, value);
  return Buffer.concat(writer.take());
}

const printable = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at)).join("");

const rows: readonly (readonly [SequenceClaim, string])[] = [
  [claim(), "00 01 6b"],
  [claim({ start: true }), "01 01 6b"],
  [claim({ end: true }), "02 01 6b"],
  [claim({ shared: true }), "04 01 6b"],
  [claim({ start: true, end: true }), "03 01 6b"],
  [claim({ start: true, shared: true }), "05 01 6b"],
  [claim({ end: true, shared: true }), "06 01 6b"],
  [claim({ start: true, end: true, shared: true }), "07 01 6b"],
  [claim({ key: "s-1" }), "00 03 732d31"],
  [claim({ key: printable }), `00 5f ${Buffer.from(printable).toString("hex")}`],
  [claim({ key: "x".repeat(255) }), `00 ff ${"78".repeat(255)}`],
];

function inShort({ key, ...flags }: SequenceClaim): string {
  return `${JSON.stringify(flags)} and a key of ${key.length}`;
}

describe("putClaim", () => {
  for (const [value, hex] of rows) {
    it(`writes ${inShort(value)} byte for byte`, () =>
      assert.equal(bytesOf(value).toString("hex"), hex.replaceAll(" ", "")));

    it(`takes as many bytes as claimBytes says for ${inShort(value)}`, () =>
      assert.equal(bytesOf(value).length, claimBytes(value)));
  }
});

describe("parseClaim", () => {
  for (const [value] of rows) {
    it(`reads what was written: ${inShort(value)}`, () =>
      assert.deepEqual(parseClaim(bytesOf(value), 0), value));
  }

  it("reads from where it is told to, and no further", () => {
    const value = claim({ key: "s-1", end: true });
    const bytes = Buffer.concat([Buffer.from("abc"), bytesOf(value), Buffer.from("{}")]);
    assert.deepEqual(parseClaim(bytes, 3), value);
  });

  it("does not mind flags that it does not know", () =>
    assert.deepEqual(parseClaim(Buffer.from("f9016b", "hex"), 0), claim({ start: true })));

  const refused: readonly (readonly [string, string, number])[] = [
    ["nothing", "", 0],
    ["flags alone", "07", 0],
    ["no key", "0700", 0],
    ["no key, and something after it", "07006b6b", 0],
    ["a key that is not there", "0701", 0],
    ["a key that is cut short", "07036b6b", 0],
    ["a key of 255 that is cut short", `07ff${"6b".repeat(254)}`, 0],
    ["a place at the end", "00016b", 3],
    ["a place behind the end", "00016b", 300],
  ];
  for (const [name, hex, at] of refused) {
    it(`refuses ${name}`, () => assert.equal(parseClaim(Buffer.from(hex, "hex"), at), undefined));
  }

  it("refuses what is cut short anywhere", () => {
    for (const [value] of rows) {
      const bytes = bytesOf(value);
      for (let length = 0; length < bytes.length; length += 1) {
        assert.equal(parseClaim(bytes.subarray(0, length), 0), undefined);
      }
    }
  });

  it("reads of random bytes no more than there is", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 10_000; round += 1) {
      const length = Math.floor(between(random, 0, 24));
      const bytes = Buffer.from(Array.from({ length }, () => Math.floor(between(random, 0, 256))));
      if (round % 2 === 0 && length > 1) bytes[1] = round % 24;
      const at = Math.floor(between(random, 0, 4));
      const parsed = parseClaim(bytes, at);
      if (parsed === undefined) continue;
      const { key } = parsed;
      assert.ok(key.length > 0 && at + claimBytes(parsed) <= length);
      assert.deepEqual(Buffer.from(key, "latin1"), bytes.subarray(at + 2, at + 2 + key.length));
    }
  });
});

describe("endReasons", () => {
  it("are in an order that only grows, as frames number them", () =>
    assert.deepEqual(endReasons, ["idle", "expired", "cancelled", "failed", "draining"]));
});
