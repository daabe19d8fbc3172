import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FieldReader, VarintReader } from "../../src/protocol/protobuf-fields.ts";

const varints: readonly (readonly [string, string, number, number])[] = [
  ["nothing", "00", 0, 0],
  ["a byte", "7f", 127, 127],
  ["two bytes", "ac02", 300, 300],
  ["32 bits", "ffffffff0f", 2 ** 32 - 1, 2 ** 32 - 1],
  ["33 bits", "8080808010", 2 ** 32, 2 ** 32],
  ["a safe integer", "ffffffffffffff0f", 2 ** 53 - 1, 2 ** 53 - 1],
  ["minus one", "ffffffffffffffffff01", -1, 2 ** 64],
  ["the least int64", "80808080808080808001", -(2 ** 63), 2 ** 63],
];

describe("VarintReader", () => {
  for (const [what, hex, signed, unsigned] of varints) {
    it(`reads ${what}`, () => {
      const reader = new VarintReader(Buffer.from(hex, "hex"));
      reader.readVarint();
      assert.deepEqual([reader.signed, reader.unsigned, reader.isAtEnd], [signed, unsigned, true]);
    });
  }
});

describe("FieldReader", () => {
  it("gives fields in their order, whatever their form", () => {
    const bytes = Buffer.from(
      "0805 1203616263 1d01020304 210102030405060708".replaceAll(" ", ""),
      "hex",
    );
    const reader = new FieldReader(bytes);
    const seen: unknown[] = [];
    while (reader.next()) {
      const { number, type, low, content } = reader;
      seen.push([number, type, type === 0 ? low : Buffer.from(content).toString("hex")]);
    }
    assert.deepEqual(seen, [
      [1, 0, 5],
      [2, 2, "616263"],
      [3, 5, "01020304"],
      [4, 1, "0102030405060708"],
    ]);
  });

  const malformed: readonly (readonly [string, string, RegExp])[] = [
    ["a field without a number", "00", /a field has no number/],
    ["a number past 29 bits", "80808080800101", /a field has no number/],
    ["more bytes than there are", "0a05", /field 1 has 5 bytes, but 0 are left/],
    ["a length of 2^64", "0affffffffffffffffff01", /but 0 are left/],
    ["a cut-off fixed64", "0901", /field 1 has 8 bytes, but 1 are left/],
    ["a cut-off varint", "0880", /ends within a number/],
    ["a varint of eleven bytes", "08ffffffffffffffffffff01", /more than 10 bytes/],
    ["a group", "0b", /wire type 3/],
  ];
  for (const [what, hex, words] of malformed) {
    it(`refuses ${what}`, () => {
      const reader = new FieldReader(Buffer.from(hex, "hex"));
      const read = () => {
        while (reader.next());
      };
      assert.throws(read, { code: "invalid-request", message: words });
    });
  }
});
