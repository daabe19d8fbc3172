import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isJsonObject } from "../../src/tensors/json-object.ts";
import { readTensor } from "../../src/tensors/json-reader.ts";
import { nestingOf } from "../../src/tensors/nesting.ts";
import { NumberList } from "../../src/tensors/number-list.ts";

const text = Buffer.from('x[["16777217"],[2]]x'.replaceAll('"', ""));
const list = new NumberList([2, 1], Float32Array.of(16_777_216, 2), text.subarray(1, -1));

describe("NumberList", () => {
  it("gives the lists that it was read from", () => {
    assert.deepEqual(list.toLists(), [[16_777_217], [2]]);
  });

  it("is nested, and no object", () => {
    assert.deepEqual(nestingOf("x", list), [2, 1]);
    assert.equal(isJsonObject(list), false);
  });

  it("is a tensor of floats as it is, and one of other numbers without a loss", () => {
    const floats = readTensor({ name: "x", datatype: "FP32" }, list);
    assert.deepEqual(floats, { datatype: "FP32", shape: [2, 1], data: list.values });
    assert.equal(floats.data, list.values);
    const longs = readTensor({ name: "x", datatype: "INT64" }, list, [1, 2]);
    assert.deepEqual(longs, {
      datatype: "INT64",
      shape: [1, 2],
      data: BigInt64Array.of(16_777_217n, 2n),
    });
    const doubles = readTensor({ name: "x", datatype: "FP64" }, list);
    assert.deepEqual(doubles.data, Float64Array.of(16_777_217, 2));
  });

  it("is refused as lists are", () => {
    assert.throws(() => readTensor({ name: "x", datatype: "UINT8" }, list), {
      message:
        "Cannot read input 'x': expected an integer from 0 to 255 (UINT8) at [0,0], got 16777217",
    });
    assert.throws(() => readTensor({ name: "x", datatype: "FP32" }, list, [3]), {
      message:
        "Failed to parse 'data' field: shape does not match true shape: input 'x' of shape [3] has 3 elements, got 2",
    });
  });
});
