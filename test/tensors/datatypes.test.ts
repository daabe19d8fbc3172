import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { datatypes } from "../../src/protocol/model-metadata.ts";
import { allocate, datatypeTraits, isDatatype } from "../../src/tensors/datatypes.ts";

describe("datatypes", () => {
  it("have the protocol's sizes", () => {
    assert.deepEqual(
      datatypes.map((datatype) => [datatype, datatypeTraits[datatype].bytes]),
      [
        ["BOOL", 1],
        ["UINT8", 1],
        ["UINT16", 2],
        ["UINT32", 4],
        ["UINT64", 8],
        ["INT8", 1],
        ["INT16", 2],
        ["INT32", 4],
        ["INT64", 8],
        ["FP16", 2],
        ["BF16", 2],
        ["FP32", 4],
        ["FP64", 8],
        ["BYTES", null],
      ],
    );
  });

  it("allocate arrays of their own class, size and count", () => {
    for (const datatype of datatypes) {
      const { array } = datatypeTraits[datatype];
      const data = allocate(datatype, 3);
      assert.equal(data.length, 3);
      assert.equal(data.constructor, array ?? Array);
    }
  });

  for (const datatype of datatypes) {
    const traits = datatypeTraits[datatype];
    if (traits.kind !== "integer" && traits.kind !== "long") continue;
    it(`keep both ends of the range of ${datatype}, and no more`, () => {
      const ends = [traits.range.min, traits.range.max];
      const data = allocate(datatype, 2) as unknown as (number | bigint)[];
      ends.forEach((end, i) => {
        data[i] = end;
      });
      assert.deepEqual([data[0], data[1]], ends);
      const one = traits.kind === "long" ? 1n : 1;
      data[0] = ((traits.range.max as number) + (one as number)) as number;
      assert.equal(data[0], traits.range.min);
    });
  }

  it("are known by their exact names", () => {
    assert.deepEqual(["FP32", "fp32", "STRING", 1, null].map(isDatatype), [
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});
