import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  bytesField,
  floatField,
  integerField,
  messageField,
  textField,
  varint,
} from "../../models/protobuf.ts";

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

describe("protobuf", () => {
  const varints: [number | bigint, string][] = [
    [0, "00"],
    [127, "7f"],
    [128, "8001"],
    [300, "ac02"],
    [-1, "ffffffffffffffffff01"],
    [2n ** 63n - 1n, "ffffffffffffffff7f"],
  ];
  for (const [value, bytes] of varints) {
    it(`writes ${value} as the varint ${bytes}`, () => {
      assert.equal(hex(varint(value)), bytes);
    });
  }

  const fields: [string, Uint8Array, string][] = [
    ["an integer", integerField(1, 150), "089601"],
    ["text in UTF-8", textField(2, "é"), "1202c3a9"],
    ["bytes", bytesField(9, Uint8Array.of(1, 2)), "4a020102"],
    ["a float, little-endian", floatField(2, 1), "150000803f"],
    ["a field whose number needs two bytes", integerField(20, 1), "a00101"],
    ["a message of several fields", messageField(3, [varint(8), varint(1)]), "1a020801"],
  ];
  for (const [what, field, bytes] of fields) {
    it(`writes ${what}`, () => {
      assert.equal(hex(field), bytes);
    });
  }
});
