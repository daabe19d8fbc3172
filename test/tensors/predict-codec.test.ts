import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batching, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const batched: Batching = { type: "batched", maxBatchSize: 2 };
const oneByOne: Batching = { type: "one-by-one", reason: "fixed" };
const unbatched: Batching = { type: "unbatched", reason: "trial" };

function spec(name: string, shape: readonly number[], more: Partial<TensorSpec> = {}): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis: 0, ...more };
}

function model(batching: Batching, inputs: TensorSpec[], outputs = [spec("y", [-1, 3])]) {
  const metadata = { inputs, outputs, batching, notServable: [] };
  return { name: "m", version: "1", metadata, labels: [] } satisfies ServedModel;
}

function floats(shape: readonly number[], ...values: number[]): Tensor {
  return { datatype: "FP32", shape, data: Float32Array.from(values) };
}

function decode(served: ServedModel, body: unknown): ReturnType<typeof predictCodec.decode> {
  return predictCodec.decode(Buffer.from(JSON.stringify(body)), served);
}

const iris = model(batched, [spec("x", [-1, 4])]);
const silero = model(batched, [
  spec("input", [-1, 2]),
  spec("state", [2, -1, 2], { batchAxis: 1 }),
  spec("sr", [], { datatype: "INT64", batchAxis: null }),
]);

describe("predictCodec.decode", () => {
  it("reads one row, or rows, of features", () => {
    assert.deepEqual(decode(iris, { features: [5, 3, 1, 0] }), {
      inputs: [floats([1, 4], 5, 3, 1, 0)],
      rows: 1,
      outputs: [0],
      id: undefined,
    });
    const rows = [
      [1, 2, 3, 4],
      [5, 6, 7, 8],
      [9, 10, 11, 12],
    ];
    assert.deepEqual(decode(iris, { features: rows }), {
      inputs: [floats([3, 4], 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)],
      rows: 3,
      outputs: [0],
      id: undefined,
    });
  });

  it("reads flat rows for an input of more dims", () => {
    const { inputs, rows } = decode(model(batched, [spec("x", [-1, 1, 2, 2])]), {
      features: [
        [1, 2, 3, 4],
        [5, 6, 7, 8],
      ],
    });
    assert.deepEqual([inputs, rows], [[floats([2, 1, 2, 2], 1, 2, 3, 4, 5, 6, 7, 8)], 2]);
  });

  it("reads values of an input of rank 1 as rows", () => {
    const { inputs, rows } = decode(model(batched, [spec("x", [-1])]), { features: [1, 2, 3] });
    assert.deepEqual([inputs, rows], [[floats([3], 1, 2, 3)], 3]);
  });

  it("reads several rows for a model of one", () => {
    const { inputs, rows } = decode(model(oneByOne, [spec("x", [1, 2])]), {
      features: [
        [1, 2],
        [3, 4],
        [5, 6],
      ],
    });
    assert.deepEqual([inputs, rows], [[floats([3, 2], 1, 2, 3, 4, 5, 6)], 3]);
  });

  it("reads the whole tensor for an unbatched model, and infers one dim", () => {
    const served = model(unbatched, [spec("x", [2, -1], { batchAxis: null })]);
    const expected = [floats([2, 3], 1, 2, 3, 4, 5, 6)];
    assert.deepEqual(decode(served, { features: [1, 2, 3, 4, 5, 6] }).inputs, expected);
    const nested = [
      [1, 2, 3],
      [4, 5, 6],
    ];
    const { inputs, rows } = decode(served, { features: nested });
    assert.deepEqual([inputs, rows], [expected, 1]);
  });

  it("reads inputs by name, each along its own axis, scalars as they are", () => {
    const sr = { datatype: "INT64", shape: [], data: BigInt64Array.of(16000n) };
    const one = {
      sr: 16000,
      state: [
        [1, 2],
        [3, 4],
      ],
      input: [5, 6],
    };
    assert.deepEqual(decode(silero, { inputs: one }), {
      inputs: [floats([1, 2], 5, 6), floats([2, 1, 2], 1, 2, 3, 4), sr],
      rows: 1,
      outputs: [0],
      id: undefined,
    });
    const two = {
      input: [
        [1, 2],
        [3, 4],
      ],
      state: [
        [
          [1, 2],
          [3, 4],
        ],
        [
          [5, 6],
          [7, 8],
        ],
      ],
      sr: "16000",
    };
    assert.deepEqual(decode(silero, { inputs: two }).rows, 2);
  });

  it("reads the Open Inference list, with its choice of outputs", () => {
    const served = model(batched, [spec("x", [-1, 2])], [spec("y", [-1]), spec("z", [-1])]);
    const inputs = [{ name: "x", datatype: "FP32", shape: [2, 2], data: [1, 2, 3, 4] }];
    assert.deepEqual(decode(served, { id: 7, inputs, outputs: [{ name: "z" }] }), {
      inputs: [floats([2, 2], 1, 2, 3, 4)],
      rows: 2,
      outputs: [1],
      id: undefined,
    });
    const fixed = model(oneByOne, [spec("x", [1, 2])]);
    assert.equal(decode(fixed, { inputs }).rows, 2);
  });

  it("leaves the other keys of a frame alone", () => {
    const frame = {
      type: "infer",
      id: 1,
      model: "m",
      features: [1, 2, 3, 4],
      timeout_ms: "soon",
      parameters: { a: [1] },
      stream: true,
    };
    assert.deepEqual(decode(iris, frame), decode(iris, { features: [1, 2, 3, 4] }));
  });

  it("reads empty lists for dims that may be zero", () => {
    const served = model(batched, [spec("past", [-1, 2, -1, 8])]);
    assert.deepEqual(decode(served, { features: [[[], []]] }).inputs, [floats([1, 2, 0, 8])]);
  });

  const names = "for model 'm'. Got input(s)";
  for (const [served, body, message] of [
    [iris, [], "Cannot read body: expected an object, got a list of 0"],
    [iris, null, "Cannot read body: expected an object, got null"],
    [iris, {}, "Cannot read body: expected either 'features' or 'inputs', got neither"],
    [
      iris,
      { features: [1], inputs: {} },
      "Cannot read body: expected either 'features' or 'inputs', got both",
    ],
    [
      silero,
      { features: [1, 2] },
      "Cannot read 'features': model 'm' has 3 inputs, expected 'inputs' with ['input','state','sr']",
    ],
    [
      iris,
      { features: null },
      "Cannot read input 'x': expected nested lists for shape [-1,4], got null",
    ],
    [
      iris,
      { features: [1, 2, 3] },
      "unexpected shape for input 'x' for model 'm'. Expected [-1,4], got [1,3]",
    ],
    [
      iris,
      { features: [] },
      "Cannot read input 'x' for model 'm': expected at least one row along axis 0, got shape [0,4]",
    ],
    [
      iris,
      {
        features: [
          [1, 2, 3, 4],
          [1, 2, 3],
        ],
      },
      "Cannot read input 'x': expected a list of 4 at [1], as before it, got a list of 3",
    ],
    [
      iris,
      { features: [1, 2, "3", 4] },
      "Cannot read input 'x': expected a finite number in the range of FP32 at [2], got \"3\"",
    ],
    [
      iris,
      { inputs: 5 },
      "Cannot read 'inputs': expected an object of inputs by name, or a list, got 5",
    ],
    [iris, { inputs: { z: [1] } }, `unexpected inference input 'z' ${names} ['z'], expected ['x']`],
    [
      silero,
      { inputs: { input: [1, 2] } },
      `expected 3 inputs but got 1 inputs ${names} ['input'], but missing required input(s) ['state','sr']. Please provide all required input(s).`,
    ],
    [
      silero,
      {
        inputs: {
          input: [
            [1, 2],
            [3, 4],
          ],
          state: [
            [1, 2],
            [3, 4],
          ],
          sr: 1,
        },
      },
      "input 'state' batch size does not match other inputs for 'm': expected 2, got 1",
    ],
    [
      model(batched, [spec("h", [-1, 2], { datatype: "FP16" })]),
      { features: [1, 2] },
      "receiving FP16 data via JSON is not supported. Please use the binary data format for input h",
    ],
  ] as [ServedModel, unknown, string][]) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(() => decode(served, body), { code: "invalid-request", message });
    });
  }

  it("reads own properties only", () => {
    const bodies = [
      '{"__proto__":{"features":[1,2,3,4]}}',
      '{"inputs":{"__proto__":{"x":[1,2,3,4]}}}',
      '{"inputs":{"constructor":[1,2,3,4]}}',
    ];
    for (const body of bodies) {
      assert.throws(() => predictCodec.decode(Buffer.from(body), iris), {
        code: "invalid-request",
      });
    }
    const odd = model(batched, [spec("__proto__", [-1, 2]), spec("constructor", [-1, 2])]);
    const body = '{"inputs":{"constructor":[3,4],"__proto__":[1,2]}}';
    assert.deepEqual(predictCodec.decode(Buffer.from(body), odd).inputs, [
      floats([1, 2], 1, 2),
      floats([1, 2], 3, 4),
    ]);
  });
});
