import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import { allocate } from "../../src/tensors/datatypes.ts";
import { readRun, type Target } from "../../src/tensors/json-elements.ts";

function target(datatype: Datatype, count: number): Target {
  return { datatype, data: allocate(datatype, count), at: 0 };
}

describe("readRun", () => {
  it("fills the target run by run", () => {
    const floats = target("FP32", 3);
    assert.deepEqual([readRun([1, 0.1], floats), readRun([-0], floats)], [-1, -1]);
    assert.deepEqual(floats, { datatype: "FP32", data: Float32Array.of(1, 0.1, -0), at: 3 });
  });

  for (const [datatype, good] of [
    ["BOOL", [true, false]],
    ["INT8", [-128, 127, 1.0, -0]],
    ["UINT8", [0, 255]],
    ["INT16", [-32768, 32767]],
    ["UINT16", [0, 65535]],
    ["INT32", [-(2 ** 31), 2 ** 31 - 1]],
    ["UINT32", [0, 2 ** 32 - 1]],
    ["INT64", [2 ** 53 - 1, -(2 ** 53 - 1), "9223372036854775807", "-9223372036854775808", "007"]],
    ["UINT64", [0, "18446744073709551615", "-0"]],
    ["FP32", [3.4028234663852886e38, -3.4028234663852886e38, 1e-50, 3.4028235677973362e38]],
    ["FP64", [Number.MAX_VALUE, 5e-324]],
    ["BYTES", ["", "ä€😀\x01", "a,b"]],
  ] as const) {
    it(`takes ${JSON.stringify(good)} for ${datatype}`, () => {
      assert.equal(readRun(good, target(datatype, good.length)), -1);
    });
  }

  for (const [datatype, bad] of [
    ["BOOL", [0, 1, "true", null, []]],
    ["INT8", [-129, 128, 0.5, "1", null, true, Number.NaN, Number.POSITIVE_INFINITY, [1], {}]],
    ["UINT8", [-1, 256, 1e300]],
    ["INT16", [-32769, 32768]],
    ["UINT16", [-1, 65536]],
    ["INT32", [-(2 ** 31) - 1, 2 ** 31]],
    ["UINT32", [-1, 2 ** 32]],
    ["INT64", [2 ** 53, -(2 ** 53), 0.5, 1e300, true, null, [1]]],
    ["INT64", ["", "-", "+1", " 1", "1.0", "1e3", "0x10", "1n", "9223372036854775808"]],
    ["INT64", ["-9223372036854775809", "1".repeat(21), "1".repeat(1e6), "١"]],
    ["UINT64", [-1, "-1", "18446744073709551616"]],
    ["FP16", [65_520, -65_520, Number.NaN, "1", null, true, [1]]],
    ["BF16", [3.4e38 + 2e36, Number.POSITIVE_INFINITY, "1", null]],
    ["FP32", [3.402823567797337e38, 1e39, -1e39, Number.POSITIVE_INFINITY, Number.NaN, "1", null]],
    ["FP64", [Number.POSITIVE_INFINITY, Number.NaN, "1", null, true, [1]]],
    ["BYTES", [1, null, true, ["a"], "\ud800", "a\udc00", "a\0b"]],
  ] as const) {
    it(`refuses ${JSON.stringify(bad).slice(0, 80)} for ${datatype}`, () => {
      for (const value of bad) {
        assert.equal(readRun([value], target(datatype, 1)), 0, `${typeof value} ${value}`);
      }
    });
  }

  it("gives the index of the first element that does not fit", () => {
    assert.equal(readRun([1, 2, "3", null], target("INT32", 4)), 2);
  });
});
