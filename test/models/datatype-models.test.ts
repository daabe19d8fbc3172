import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  allDatatypesModel,
  echoedDatatypes,
  severalOutputsModel,
  stringsAndIntegersModel,
  zipMapModel,
} from "../../models/datatype-models.ts";
import { openModel, runModel, tensor } from "./runtime.ts";

describe("stringsAndIntegersModel", () => {
  it("passes strings on and gives integers that no double holds", async () => {
    const answer = await runModel(stringsAndIntegersModel(), {
      text: tensor("string", ["eins", "zwölf"], [2]),
      number: tensor("int64", BigInt64Array.of(1n, 2n, -3n, 0n), [2, 2]),
    });
    assert.deepEqual(answer, {
      text_out: { dims: [2], values: ["eins", "zwölf"] },
      sum: { dims: [2, 1], values: [3n, -3n] },
      big: {
        dims: [2, 2],
        values: [9007199254740993n, 18014398509481986n, -27021597764222979n, 0n],
      },
    });
  });
});

describe("severalOutputsModel", () => {
  it("gives five outputs of five datatypes", async () => {
    const x = tensor("float32", Float32Array.of(0.5, -2.25, 1.5), [1, 3]);
    assert.deepEqual(await runModel(severalOutputsModel(), { x }), {
      doubled: { dims: [1, 3], values: [1, -4.5, 3] },
      exact: { dims: [1, 3], values: [0.5, -2.25, 1.5] },
      positive: { dims: [1, 3], values: [1, 0, 1] },
      rounded: { dims: [1, 3], values: [0, -2, 2] },
      largest: { dims: [1], values: [2n] },
    });
  });
});

describe("allDatatypesModel", () => {
  const halves = Uint16Array.of(0x3c00, 0xc000);
  const tensors: Record<(typeof echoedDatatypes)[number], ReturnType<typeof tensor>> = {
    BOOL: tensor("bool", [true, false], [1, 2]),
    UINT8: tensor("uint8", Uint8Array.of(0, 255), [1, 2]),
    UINT16: tensor("uint16", Uint16Array.of(0, 65535), [1, 2]),
    UINT32: tensor("uint32", Uint32Array.of(0, 4294967295), [1, 2]),
    UINT64: tensor("uint64", BigUint64Array.of(0n, 2n ** 64n - 1n), [1, 2]),
    INT8: tensor("int8", Int8Array.of(-128, 127), [1, 2]),
    INT16: tensor("int16", Int16Array.of(-32768, 32767), [1, 2]),
    INT32: tensor("int32", Int32Array.of(-2147483648, 2147483647), [1, 2]),
    INT64: tensor("int64", BigInt64Array.of(-(2n ** 63n), 2n ** 63n - 1n), [1, 2]),
    FP16: tensor("float16", halves, [1, 2]),
    FP32: tensor("float32", Float32Array.of(0.5, -1e30), [1, 2]),
    FP64: tensor("float64", Float64Array.of(0.1, -1e300), [1, 2]),
    STRING: tensor("string", ["", "zwölf"], [1, 2]),
  };
  const feeds = Object.fromEntries(
    Object.entries(tensors).map(([datatype, value]) => [`in_${datatype}`, value]),
  );
  for (const datatype of echoedDatatypes) {
    it(`gives back ${datatype}`, async () => {
      const answer = await runModel(allDatatypesModel(), feeds);
      const values = Array.from(tensors[datatype].data as ArrayLike<unknown>);
      assert.deepEqual(answer[`out_${datatype}`], { dims: [1, 2], values });
    });
  }
});

describe("zipMapModel", () => {
  const x = tensor("float32", Float32Array.of(0, 3, 1, 9, 5, 4, 3, 9), [2, 4]);

  it("says that its second output is no tensor", async () => {
    const session = await openModel(zipMapModel());
    const outputs = session.outputMetadata.map(({ name, isTensor }) => ({ name, isTensor }));
    assert.deepEqual(outputs, [
      { name: "output_label", isTensor: true },
      { name: "output_probability", isTensor: false },
    ]);
  });

  it("answers when only the label is fetched", async () => {
    const session = await openModel(zipMapModel());
    const outputs = await session.run({ X: x }, ["output_label"]);
    assert.deepEqual(Object.keys(outputs), ["output_label"]);
    assert.deepEqual(outputs["output_label"]?.data, BigInt64Array.of(1n, 0n));
  });

  it("fails when the map is fetched too", async () => {
    await assert.rejects(runModel(zipMapModel(), { X: x }), /Non tensor type/);
  });
});
