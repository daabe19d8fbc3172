import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { lengthBytes, lengthPrefix, saidJsonBytes } from "../../src/protocol/binary-body.ts";

describe("the length of a body's JSON", () => {
  it("is written little-endian, and read again", () => {
    for (const [jsonBytes, hex] of [
      [0, "00000000"],
      [258, "02010000"],
      [2 ** 32 - 1, "ffffffff"],
    ] as const) {
      const prefix = lengthPrefix(jsonBytes);
      assert.equal(prefix.toString("hex"), hex);
      assert.equal(prefix.length, lengthBytes);
      assert.equal(saidJsonBytes(Buffer.concat([Buffer.of(9), prefix]).subarray(1)), jsonBytes);
    }
  });

  it("is not said by a body that is too short for it", () => {
    for (const length of [0, 3]) assert.equal(saidJsonBytes(new Uint8Array(length)), undefined);
  });
});
