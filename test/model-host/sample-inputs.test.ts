import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type SampleSizes, sampleRows } from "../../model-host/sample-inputs.ts";
import { type Datatype, datatypes } from "../../src/protocol/model-metadata.ts";
import { value } from "./fake-engine.ts";

function sample(
  dims: readonly (number | string)[],
  datatype: Datatype = "FP32",
  sizes: Partial<SampleSizes> = {},
  seed = 1,
) {
  const model = { inputs: [value("x", dims, datatype)], outputs: [] };
  const asked = { axes: [0], rows: 1, freeSize: 3, integersBelow: 2, ...sizes };
  const [input] = sampleRows(model, asked, seed);
  assert.ok(input !== undefined);
  return input;
}

describe("sampleRows", () => {
  const shapes: readonly (readonly [
    readonly (number | string)[],
    Partial<SampleSizes>,
    number[],
  ])[] = [
    [["n", 4], {}, [1, 4]],
    [["n", 4], { rows: 5 }, [5, 4]],
    [["n", "m"], {}, [1, 3]],
    [["n", "past + now"], {}, [1, 6]],
    [["a", "n", 2], { axes: [1] }, [3, 1, 2]],
    [["n", "m"], { axes: null }, [3, 3]],
    [[], { axes: [null] }, []],
  ];
  for (const [dims, sizes, shape] of shapes) {
    it(`makes [${dims}] with ${JSON.stringify(sizes)} of shape [${shape}]`, () => {
      const input = sample(dims, "FP32", sizes);
      assert.deepEqual([input.name, input.shape], ["x", shape]);
      assert.equal(
        input.data.length,
        shape.reduce((product, size) => product * size, 1),
      );
    });
  }

  for (const datatype of datatypes.filter((one) => one !== "BF16")) {
    it(`makes the same ${datatype} for the same seed, and another row for another`, () => {
      const make = (seed: number) => sample(["n", 64], datatype, {}, seed).data;
      assert.deepEqual(make(1), make(1));
      assert.notDeepEqual(make(1), make(2));
    });
  }

  for (const integersBelow of [2, 8]) {
    for (const datatype of ["UINT8", "INT8", "UINT16", "INT32", "INT64", "UINT64"] as const) {
      it(`draws all of ${datatype} below ${integersBelow}, and no other`, () => {
        const { data } = sample(["n", 1_000], datatype, { integersBelow });
        const drawn = new Set(Array.from(data as ArrayLike<unknown>, Number));
        const expected = Array.from({ length: integersBelow }, (_, at) => at);
        assert.deepEqual([...drawn].sort(), expected);
      });
    }
  }

  it("draws booleans from two, however many integers there are", () => {
    const { data } = sample(["n", 1_000], "BOOL", { integersBelow: 8 });
    assert.deepEqual(new Set(data as Uint8Array), new Set([0, 1]));
  });

  it("draws numbers from 0 to 1", () => {
    const data = sample(["n", 1_000], "FP32").data as Float32Array;
    assert.ok(data.every((number) => number >= 0 && number < 1.01));
    assert.ok(Math.max(...data) > 0.9 && Math.min(...data) < 0.1);
  });

  it("gives an input of rank 0 the same value in every row, as such inputs batch only when equal", () => {
    const make = (seed: number) => sample([], "FP32", { axes: [null] }, seed).data;
    assert.deepEqual(make(1), make(2));
  });
});
