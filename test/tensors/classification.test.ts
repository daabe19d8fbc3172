import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import { classify, isClassifiable } from "../../src/tensors/classification.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function scores(shape: readonly number[], ...values: number[]): Tensor {
  return { datatype: "FP32", shape, data: Float32Array.from(values) };
}

const labels = ["cat", "dog", "bird"];

describe("classify", () => {
  it("gives the best classes of each row, best first, with their labels", () => {
    const tensor = scores([2, 3], 0.25, 3.5, -1, 7, 1, 2);
    assert.deepEqual(classify(tensor, { most: 2, axis: 0, labels }), {
      datatype: "BYTES",
      shape: [2, 2],
      data: ["3.500000:1:dog", "0.250000:0:cat", "7.000000:0:cat", "2.000000:2:bird"],
    });
  });

  it("takes all of a tensor without rows for one", () => {
    assert.deepEqual(classify(scores([2, 2], 1, 4, 3, 2), { most: 1, axis: null, labels: [] }), {
      datatype: "BYTES",
      shape: [1],
      data: ["4.000000:1"],
    });
  });

  it("finds rows along any axis", () => {
    const { shape, data } = classify(scores([2, 2], 1, 2, 3, 0), { most: 1, axis: 1, labels: [] });
    assert.deepEqual(
      [shape, data],
      [
        [2, 1],
        ["3.000000:1", "2.000000:0"],
      ],
    );
  });

  it("gives no more classes than there are", () => {
    assert.deepEqual(
      classify(scores([1, 2], 1, 2), { most: 9, axis: 0, labels: [] }).shape,
      [1, 2],
    );
  });

  it("gives no labels where there are not as many as classes", () => {
    const { data } = classify(scores([1, 2], 1, 2), { most: 1, axis: 0, labels });
    assert.deepEqual(data, ["2.000000:1"]);
  });

  it("gives the first of equals first, and NaN last", () => {
    const tensor = scores([1, 4], Number.NaN, 1, Number.NEGATIVE_INFINITY, 1);
    const { data } = classify(tensor, { most: 4, axis: 0, labels: [] });
    assert.deepEqual(data, ["1.000000:1", "1.000000:3", "-inf:2", "nan:0"]);
  });

  it("writes scores as std::to_string does", () => {
    const tensor = scores([1, 4], 2 ** 80, -0, 1e-9, Number.POSITIVE_INFINITY);
    const { data } = classify(tensor, { most: 4, axis: 0, labels: [] });
    assert.deepEqual(data, [
      "inf:3",
      "1208925819614629174706176.000000:0",
      "0.000000:2",
      "-0.000000:1",
    ]);
  });

  it("rounds what lies in the middle to the even digit, as C does", () => {
    const tensor = scores([1, 4], 1 / 128, 3 / 128, -1 / 128, 2 ** 15 + 5 / 128);
    const { data } = classify(tensor, { most: 4, axis: 0, labels: [] });
    assert.deepEqual(data, ["32768.039062:3", "0.023438:1", "0.007812:0", "-0.007812:2"]);
  });

  it("gives as many classes as can be sorted", () => {
    const classes = 2 ** 20;
    const data = Float32Array.from({ length: classes }, (_, i) => i);
    const tensor: Tensor = { datatype: "FP32", shape: [1, classes], data };
    const best = classify(tensor, { most: classes, axis: 0, labels: [] });
    assert.deepEqual([best.shape, best.data.at(-1)], [[1, classes], "0.000000:0"]);
  });

  for (const [tensor, expected] of [
    [{ datatype: "INT8", data: Int8Array.of(-3, 5) }, "5:1"],
    [{ datatype: "UINT64", data: BigUint64Array.of(2n ** 64n - 1n, 0n) }, "18446744073709551615:0"],
    [{ datatype: "FP16", data: Uint16Array.of(0x3c00, 0x4000) }, "2.000000:1"],
    [{ datatype: "BF16", data: Uint16Array.of(0x3f80, 0xc000) }, "1.000000:0"],
    [{ datatype: "FP64", data: Float64Array.of(0.1, 0.3) }, "0.300000:1"],
  ] as const) {
    it(`takes ${tensor.datatype}`, () => {
      const { data } = classify({ ...tensor, shape: [1, 2] }, { most: 1, axis: 0, labels: [] });
      assert.deepEqual(data, [expected]);
    });
  }

  it("of no rows is nothing", () => {
    assert.deepEqual(classify(scores([0, 3]), { most: 2, axis: 0, labels }).shape, [0, 0]);
  });

  it("refuses more scores than can be sorted in time", () => {
    const shape = [1, 2 ** 20 + 1];
    const tensor: Tensor = { datatype: "FP32", shape, data: new Float32Array(2 ** 20 + 1) };
    assert.throws(() => classify(tensor, { most: 1, axis: 0, labels }), {
      code: "payload-too-large",
    });
  });
});

describe("isClassifiable", () => {
  it("is true of numbers", () => {
    const refused = datatypes.filter((datatype) => !isClassifiable(datatype));
    assert.deepEqual(refused, ["BOOL", "BYTES"]);
  });
});
