import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import { readTensor } from "../../src/tensors/json-reader.ts";

function read(datatype: Datatype, value: unknown, shape?: readonly number[]): unknown {
  return readTensor({ name: "x", datatype }, value, shape);
}

describe("readTensor", () => {
  it("takes the nesting for the shape", () => {
    assert.deepEqual(
      read("FP32", [
        [[1], [2]],
        [[3], [4]],
        [[5], [6]],
      ]),
      {
        datatype: "FP32",
        shape: [3, 2, 1],
        data: Float32Array.of(1, 2, 3, 4, 5, 6),
      },
    );
    assert.deepEqual(read("INT64", 16000), {
      datatype: "INT64",
      shape: [],
      data: BigInt64Array.of(16000n),
    });
    assert.deepEqual(read("BYTES", [[], []]), { datatype: "BYTES", shape: [2, 0], data: [] });
  });

  it("compares only the number of elements with a given shape", () => {
    const tensor = { datatype: "INT32", shape: [2, 2], data: Int32Array.of(1, 2, 3, 4) };
    assert.deepEqual(read("INT32", [1, 2, 3, 4], [2, 2]), tensor);
    assert.deepEqual(read("INT32", [[[1, 2, 3, 4]]], [2, 2]), tensor);
  });

  it("reads the two ends of INT64 exactly", () => {
    assert.deepEqual(read("INT64", ["9223372036854775807", "-9223372036854775808", 42]), {
      datatype: "INT64",
      shape: [3],
      data: BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 42n),
    });
  });

  const integers = "an integer from -9223372036854775808 to 9223372036854775807 (INT64)";
  const digits = integers.replace(
    "an integer",
    "a string of digits, as for every integer beyond 2^53 - 1,",
  );
  for (const [datatype, value, message] of [
    ["FP32", [1, "a"], 'expected a finite number in the range of FP32 at [1], got "a"'],
    [
      "FP32",
      [
        [1, 2],
        [3, null],
      ],
      "expected a finite number in the range of FP32 at [1,1], got null",
    ],
    [
      "FP32",
      [[[1], [[2]]]],
      "expected a finite number in the range of FP32 at [0,1,0], got a list of 1",
    ],
    ["FP32", [1e39], "expected a finite number in the range of FP32 at [0], got 1e+39"],
    [
      "FP64",
      JSON.parse("[1e999]"),
      "expected a finite number in the range of FP64 at [0], got a number beyond the range of 64-bit floats",
    ],
    ["FP32", undefined, "expected a finite number in the range of FP32 at [], got nothing"],
    ["BOOL", [1], "expected true or false at [0], got 1"],
    ["UINT8", [0, 256], "expected an integer from 0 to 255 (UINT8) at [1], got 256"],
    ["INT32", [1.5], "expected an integer from -2147483648 to 2147483647 (INT32) at [0], got 1.5"],
    ["INT64", [2 ** 53], `expected ${digits} at [0], got 9007199254740992`],
    ["INT64", ["9223372036854775808"], `expected ${integers} at [0], got "9223372036854775808"`],
    ["BYTES", ["a", 1], "expected a string of whole characters without NUL (BYTES) at [1], got 1"],
    ["FP32", [[1], [2, 3]], "expected a list of 1 at [1], as before it, got a list of 2"],
  ] as [Datatype, unknown, string][]) {
    it(`says of ${datatype} ${JSON.stringify(value)}: ${message.slice(0, 60)}`, () => {
      assert.throws(() => read(datatype, value), {
        code: "invalid-request",
        message: `Cannot read input 'x': ${message}`,
      });
    });
  }

  it("refuses too few and too many elements for a shape", () => {
    assert.throws(() => read("FP32", [1, 2, 3], [2, 2]), {
      code: "invalid-request",
      message:
        "Failed to parse 'data' field: shape does not match true shape: input 'x' of shape [2,2] has 4 elements, got 3",
    });
    assert.throws(() => read("FP32", [1, 2, 3, 4, 5], [2, 2]), {
      code: "invalid-request",
      message:
        "Unable to parse 'data': Shape does not match true shape of 'data' field: input 'x' of shape [2,2] has 4 elements, got 5",
    });
  });

  it("allocates nothing for lists that only claim to be large", () => {
    const wide = Array(100_000).fill(0);
    const claim = [wide, ...Array(99_999).fill([])];
    assert.throws(() => read("FP32", claim), { code: "invalid-request" });
    assert.throws(() => read("FP32", claim, [100_000, 10_000]), { code: "invalid-request" });
    assert.throws(() => read("FP32", [1], [2 ** 31]), { code: "invalid-request" });
  });

  for (const datatype of ["FP16", "BF16"] as const) {
    it(`refuses ${datatype} with Triton's text`, () => {
      assert.throws(() => read(datatype, [1]), {
        code: "invalid-request",
        message: `receiving ${datatype} data via JSON is not supported. Please use the binary data format for input x`,
      });
    });
  }
});
