import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import { allocate } from "../../src/tensors/datatypes.ts";
import { product } from "../../src/tensors/shapes.ts";
import { concatenate, type Part, slice, stack } from "../../src/tensors/stacking.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function floats(shape: readonly number[], first = 0): Tensor {
  const data = Float32Array.from({ length: product(shape) }, (_, i) => first + i);
  return { datatype: "FP32", shape, data };
}

function whole(tensor: Tensor, axis: number): Part {
  return { tensor, fromRow: 0, rows: tensor.shape[axis] as number };
}

/** A small linear congruential generator: the same numbers in every run. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

/** Element by element through coordinates, as slow and as plain as can be. */
function naiveStack(parts: readonly Part[], axis: number): Tensor {
  const first = parts[0]?.tensor as Tensor;
  const sources = parts.flatMap(({ tensor, fromRow, rows }) =>
    Array.from({ length: rows }, (_, i) => ({ tensor, row: fromRow + i })),
  );
  const shape = first.shape.map((dim, at) => (at === axis ? sources.length : dim));
  const data = allocate(first.datatype, product(shape)) as unknown[];
  for (let index = 0; index < product(shape); index += 1) {
    const place = shape.map((dim, at) => Math.floor(index / product(shape, at + 1)) % dim);
    const { tensor, row } = sources[place[axis] as number] as (typeof sources)[number];
    const from = tensor.shape.reduce(
      (offset, dim, at) => offset * dim + (at === axis ? row : (place[at] as number)),
      0,
    );
    data[index] = tensor.data[from];
  }
  return { datatype: first.datatype, shape, data: data as unknown as Tensor["data"] };
}

describe("stack", () => {
  it("puts rows under each other along axis 0", () => {
    assert.deepEqual(
      stack([whole(floats([1, 2]), 0), { tensor: floats([3, 2], 10), fromRow: 1, rows: 2 }], 0),
      { datatype: "FP32", shape: [3, 2], data: Float32Array.of(0, 1, 12, 13, 14, 15) },
    );
  });

  it("puts them beside each other along a later axis", () => {
    assert.deepEqual(stack([whole(floats([2, 1, 2]), 1), whole(floats([2, 1, 2], 10), 1)], 1), {
      datatype: "FP32",
      shape: [2, 2, 2],
      data: Float32Array.of(0, 1, 10, 11, 2, 3, 12, 13),
    });
  });

  it("gives a single whole tensor back as it is", () => {
    const tensor = floats([3, 2]);
    assert.equal(stack([whole(tensor, 0)], 0), tensor);
    assert.equal(stack([whole(tensor, 1)], 1), tensor);
  });

  it("refuses no parts", () => {
    assert.throws(() => stack([], 0), RangeError);
  });
});

describe("slice", () => {
  it("is a view where the rows lie in one piece", () => {
    const tensor = floats([4, 2]);
    const part = slice(tensor, 0, 1, 2);
    assert.deepEqual(part, { datatype: "FP32", shape: [2, 2], data: Float32Array.of(2, 3, 4, 5) });
    assert.equal((part.data as Float32Array).buffer, (tensor.data as Float32Array).buffer);
    const inner = slice(floats([1, 4]), 1, 3, 1);
    assert.deepEqual(inner, { datatype: "FP32", shape: [1, 1], data: Float32Array.of(3) });
  });

  it("is a copy where they do not", () => {
    const tensor = floats([2, 3]);
    const part = slice(tensor, 1, 1, 2);
    assert.deepEqual(part, { datatype: "FP32", shape: [2, 2], data: Float32Array.of(1, 2, 4, 5) });
    assert.notEqual((part.data as Float32Array).buffer, (tensor.data as Float32Array).buffer);
  });

  it("cuts strings, too", () => {
    const tensor: Tensor = { datatype: "BYTES", shape: [2, 2], data: ["a", "b", "c", "d"] };
    assert.deepEqual(
      [slice(tensor, 0, 1, 1), slice(tensor, 1, 0, 1)],
      [
        { datatype: "BYTES", shape: [1, 2], data: ["c", "d"] },
        { datatype: "BYTES", shape: [2, 1], data: ["a", "c"] },
      ],
    );
  });
});

describe("concatenate", () => {
  it("joins whole tensors of different sizes along the axis", () => {
    assert.deepEqual(concatenate([floats([2, 1]), floats([2, 2], 10)], 1), {
      datatype: "FP32",
      shape: [2, 3],
      data: Float32Array.of(0, 10, 11, 1, 12, 13),
    });
  });
});

function randomTensor(random: (below: number) => number, shape: readonly number[], at: number) {
  const datatype = datatypes[at % datatypes.length] as (typeof datatypes)[number];
  const data = allocate(datatype, product(shape)) as unknown[];
  for (let i = 0; i < data.length; i += 1) {
    if (datatype === "BYTES") data[i] = `s${random(100)}`;
    else if (datatype === "INT64" || datatype === "UINT64") data[i] = BigInt(random(100));
    else data[i] = random(100);
  }
  return { datatype, shape, data: data as unknown as Tensor["data"] };
}

describe("stack and slice", () => {
  it("agree with a naive stack on 600 random tensors, axes and parts", () => {
    const random = seeded(7);
    for (let round = 0; round < 600; round += 1) {
      const rank = 1 + random(4);
      const axis = random(rank);
      // Now and then a long last dim, so that both ways of copying are used.
      const dims = Array.from({ length: rank }, (_, at) =>
        at === rank - 1 && random(4) === 0 ? 49 + random(30) : 1 + random(4),
      );
      const parts = Array.from({ length: 1 + random(4) }, () => {
        const size = 1 + random(5);
        const fromRow = random(size);
        const shape = dims.map((dim, at) => (at === axis ? size : dim));
        return {
          tensor: randomTensor(random, shape, round),
          fromRow,
          rows: 1 + random(size - fromRow),
        };
      });
      const stacked = stack(parts, axis);
      assert.deepEqual(stacked, naiveStack(parts, axis));
      let row = 0;
      for (const { tensor, fromRow, rows } of parts) {
        assert.deepEqual(slice(stacked, axis, row, rows), slice(tensor, axis, fromRow, rows));
        row += rows;
      }
    }
  });
});
