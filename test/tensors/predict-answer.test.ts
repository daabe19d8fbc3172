import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import type { Answer, OutputForm, ServedModel } from "../../src/tensors/codec.ts";
import { encodePrediction, encodePredictionEnd } from "../../src/tensors/predict-answer.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

function model(
  outputs: Record<string, Datatype>,
  labels: string[] = [],
  stateOutputs: readonly number[] = [],
): ServedModel {
  const specs = Object.entries(outputs).map(
    ([name, datatype]) => ({ name, datatype, shape: [-1], batchAxis: 0 }) as const,
  );
  const batching = { type: "batched", maxBatchSize: 8 } as const;
  const state = stateOutputs.map((output) => ({ input: 0, output, found: false }));
  const metadata = {
    inputs: [],
    outputs: specs,
    batching,
    notServable: [],
    externalFiles: [],
    state,
    stream: null,
  };
  return { name: 'm"', version: "2", metadata, labels, standIns: [] };
}

function answer(outputs: readonly Tensor[], more: Partial<Answer> = {}, wanted?: number[]): Answer {
  const request = {
    inputs: [],
    rows: 1,
    outputs: wanted ?? outputs.map((_, i) => i),
    id: undefined,
    bringsState: false,
    isSignal: false,
  };
  return { request, requestId: "r-1", outputs, ...more };
}

function floats(shape: readonly number[], ...values: number[]): Tensor {
  return { datatype: "FP32", shape, data: Float32Array.from(values) };
}

function encode(given: Answer, served: ServedModel): string {
  return Buffer.from(encodePrediction(given, served).json).toString();
}

const head = '{"model":"m\\"","version":"2"';

describe("encodePrediction", () => {
  it("writes the only output nested, and no more than there is", () => {
    assert.equal(
      encode(answer([floats([2, 2], 1, 2, 3, 4)]), model({ y: "FP32" })),
      `${head},"predictions":[[1,2],[3,4]],"request_id":"r-1"}`,
    );
  });

  it("writes all outputs by name where the model has several", () => {
    const served = model({ a: "INT64", 'b"': "FP32" });
    const a: Tensor = { datatype: "INT64", shape: [2], data: BigInt64Array.of(1n, 2n) };
    const b = floats([2, 1], 0.5, -0.25);
    const outputA = '"a":{"datatype":"INT64","shape":[2],"data":[1,2]}';
    const outputB = '"b\\"":{"datatype":"FP32","shape":[2,1],"data":[[0.5],[-0.25]]}';
    assert.equal(
      encode(answer([a, b]), served),
      `${head},"predictions":[1,2],"outputs":{${outputA},${outputB}},"request_id":"r-1"}`,
    );
    assert.equal(
      encode(answer([b], {}, [1]), served),
      `${head},"predictions":[[0.5],[-0.25]],"outputs":{${outputB}},"request_id":"r-1"}`,
    );
  });

  it("names the best class of each row, the first of equals", () => {
    const served = model({ label: "INT64", scores: "FP32" }, ["à", "b", "c"]);
    const label: Tensor = { datatype: "INT64", shape: [4], data: BigInt64Array.of(0n, 2n, 0n, 0n) };
    const { NaN: nan, NEGATIVE_INFINITY: least } = Number;
    const scores = floats([4, 3], 0.5, 0.5, 0.25, -3, -2, -1, nan, least, nan, nan, nan, nan);
    const text = encode(answer([label, scores]), served);
    assert.deepEqual(JSON.parse(text).labels, [
      { label: "à", score: 0.5 },
      { label: "c", score: -1 },
      { label: "b", score: null },
      { label: null, score: null },
    ]);
  });

  it("names no class without an output of one score a label", () => {
    const served = model({ y: "FP32" }, ["a", "b", "c"]);
    assert.deepEqual(Object.keys(JSON.parse(encode(answer([floats([1, 2], 1, 2)]), served))), [
      "model",
      "version",
      "predictions",
      "request_id",
    ]);
  });

  it("writes FP16 and BF16 as numbers", () => {
    const served = model({ h: "FP16", b: "BF16" }, ["no", "yes"]);
    const h: Tensor = { datatype: "FP16", shape: [1, 2], data: Uint16Array.of(0x3800, 0x3c00) };
    const b: Tensor = { datatype: "BF16", shape: [1], data: Uint16Array.of(0xc000) };
    assert.deepEqual(JSON.parse(encode(answer([h, b]), served)), {
      model: 'm"',
      version: "2",
      predictions: [[0.5, 1]],
      outputs: {
        h: { datatype: "FP16", shape: [1, 2], data: [[0.5, 1]] },
        b: { datatype: "BF16", shape: [1], data: [-2] },
      },
      labels: [{ label: "yes", score: 1 }],
      request_id: "r-1",
    });
  });

  it("warns of what was replaced, once for each output", () => {
    const text = encode(
      answer([floats([2], Number.NaN, 1), floats([1], Number.POSITIVE_INFINITY)]),
      model({ y: "FP32", z: "FP32" }),
    );
    assert.deepEqual(JSON.parse(text).warnings, [
      "output 'y': 1 value that is not finite was replaced by null",
      "output 'z': 1 value that is not finite was replaced by null",
    ]);
  });

  it("says which row a slice begins with", () => {
    assert.equal(
      encode(answer([floats([1], 1)], { firstRow: 64 }), model({ y: "FP32" })),
      `${head},"first_row":64,"predictions":[1],"request_id":"r-1"}`,
    );
  });

  for (const [position, more] of [
    [0, {}],
    [512, {}],
    [512, { firstRow: 3 }],
  ] as const) {
    it(`says that a window begins with sample ${position}, with ${JSON.stringify(more)}`, () => {
      assert.equal(
        encode(answer([floats([1, 1], 1)], { position, ...more }), model({ y: "FP32" })),
        `${head},"position":${position},"predictions":[[1]],"request_id":"r-1"}`,
      );
    });
  }

  it("writes no outputs by name where all but one are state, and left out", () => {
    const served = model({ h: "FP32", y: "FP32", c: "FP32" }, [], [0, 2]);
    assert.equal(
      encode(answer([floats([1], 5)], {}, [1]), served),
      `${head},"predictions":[5],"request_id":"r-1"}`,
    );
  });

  it("writes them with the state where that is asked for", () => {
    const served = model({ h: "FP32", y: "FP32" }, [], [0]);
    const h = '"h":{"datatype":"FP32","shape":[1],"data":[7]}';
    const y = '"y":{"datatype":"FP32","shape":[1],"data":[5]}';
    assert.equal(
      encode(answer([floats([1], 7), floats([1], 5)], {}, [0, 1]), served),
      `${head},"predictions":[7],"outputs":{${h},${y}},"request_id":"r-1"}`,
    );
  });

  it("writes them where several are no state, though one is asked for", () => {
    const served = model({ h: "FP32", y: "FP32", z: "FP32" }, [], [0]);
    const z = '"z":{"datatype":"FP32","shape":[1],"data":[5]}';
    assert.equal(
      encode(answer([floats([1], 5)], {}, [2]), served),
      `${head},"predictions":[5],"outputs":{${z}},"request_id":"r-1"}`,
    );
  });

  it("has no prediction where every output is state", () =>
    assert.equal(
      encode(answer([], {}, []), model({ h: "FP32" }, [], [0])),
      `${head},"predictions":null,"request_id":"r-1"}`,
    ));

  it("writes a scalar, and strings in UTF-8", () => {
    assert.equal(JSON.parse(encode(answer([floats([], 7)]), model({ y: "FP32" }))).predictions, 7);
    const strings: Tensor = { datatype: "BYTES", shape: [2], data: ["ä😀", '"'] };
    const text = encode(answer([strings], { requestId: "ü" }), model({ s: "BYTES" }));
    const { predictions, request_id } = JSON.parse(text);
    assert.deepEqual([predictions, request_id], [["ä😀", '"'], "ü"]);
  });
});

describe("encodePrediction of outputs in other forms", () => {
  const binary: OutputForm = { isBinary: true, classes: null };
  const plain: OutputForm = { isBinary: false, classes: null };

  function encodeForms(
    outputs: readonly Tensor[],
    forms: readonly OutputForm[],
    served: ServedModel,
    more: Partial<Answer> = {},
  ) {
    const { request, ...rest } = answer(outputs, more);
    const { json, tensors } = encodePrediction({ ...rest, request: { ...request, forms } }, served);
    return { text: Buffer.from(json).toString(), tensors };
  }

  it("lists them, so that their order is that of the bytes whatever their names", () => {
    const served = model({ 7: "FP32", 3: "FP32" }, ["a", "b"]);
    const outputs = [floats([1, 2], 1, 2), floats([1], 4)];
    const { text, tensors } = encodeForms(outputs, [binary, binary], served, { firstRow: 8 });
    const names = served.metadata.outputs.map(({ name }) => name);
    const sizes = [8, 4];
    const listed = outputs.map(({ shape }, i) => {
      const head = `{"name":"${names[i]}","datatype":"FP32","shape":[${shape}]`;
      return `${head},"parameters":{"binary_data_size":${sizes[i]}}}`;
    });
    assert.equal(text, `${head},"first_row":8,"outputs":[${listed}],"request_id":"r-1"}`);
    assert.deepEqual(
      tensors.map(({ length }) => length),
      sizes,
    );
  });

  it("writes halves in JSON as the numbers that they are", () => {
    const half: Tensor = { datatype: "FP16", shape: [1], data: Uint16Array.of(0x3c00) };
    const { text, tensors } = encodeForms(
      [half, half],
      [plain, binary],
      model({ x: "FP16", y: "FP16" }),
    );
    assert.deepEqual(JSON.parse(text).outputs, [
      { name: "x", datatype: "FP32", shape: [1], data: [1] },
      { name: "y", datatype: "FP16", shape: [1], parameters: { binary_data_size: 2 } },
    ]);
    assert.deepEqual(tensors, [Uint8Array.of(0, 0x3c)]);
  });

  it("warns of what JSON has no words for, and of nothing else", () => {
    const odd = floats([1], Number.NaN);
    const { text } = encodeForms([odd, odd], [plain, binary], model({ x: "FP32", y: "FP32" }));
    assert.deepEqual(JSON.parse(text).warnings, [
      "output 'x': 1 value that is not finite was replaced by null",
    ]);
  });

  it("takes each row of a classification for itself", () => {
    const best: OutputForm = { isBinary: false, classes: 1 };
    const { text } = encodeForms(
      [floats([2, 2], 1, 2, 4, 3)],
      [best],
      model({ y: "FP32" }, ["a", "b"]),
    );
    assert.deepEqual(JSON.parse(text).outputs, [
      { name: "y", datatype: "BYTES", shape: [2, 1], data: ["2.000000:1:b", "4.000000:0:a"] },
    ]);
  });
});

describe("encodePredictionEnd", () => {
  it("says how many rows were sent", () => {
    assert.equal(
      Buffer.from(encodePredictionEnd("r-1", 130, model({ y: "FP32" }))).toString(),
      `${head},"rows":130,"request_id":"r-1"}`,
    );
  });
});
