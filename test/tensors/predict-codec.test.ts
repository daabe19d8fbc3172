import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Batching, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";
import type { ServedModel } from "../../src/tensors/codec.ts";
import { predictCodec } from "../../src/tensors/predict-codec.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const batched: Batching = { type: "batched", maxBatchSize: 2 };
const oneByOne: Batching = { type: "one-by-one", reason: "fixed" };
const unbatched: Batching = { type: "unbatched", reason: "trial" };

function spec(name: string, shape: readonly number[], more: Partial<TensorSpec> = {}): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis: 0, ...more };
}

interface Memory extends Partial<Pick<ModelMetadata, "state" | "stream">> {
  /** What stands for the inputs that may be left out. */
  readonly standIns?: ServedModel["standIns"];
}

function model(
  batching: Batching,
  inputs: TensorSpec[],
  outputs = [spec("y", [-1, 3])],
  { state = [], stream = null, standIns = inputs.map(() => null) }: Memory = {},
): ServedModel {
  const metadata = { inputs, outputs, batching, notServable: [], externalFiles: [], state, stream };
  return { name: "m", version: "1", metadata, labels: [], standIns };
}

/** What most requests have in common. */
const plain = { id: undefined, bringsState: false, isSignal: false };

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
      ...plain,
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
      ...plain,
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
      ...plain,
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
      ...plain,
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
      { features: [1, 65_520] },
      "Cannot read input 'h': expected a finite number in the range of FP16 at [1], got 65520",
    ],
    [
      model(batched, [spec("h", [-1, 2], { datatype: "FP16" })]),
      { inputs: [{ name: "h", datatype: "FP16", shape: [1, 2], data: [1, 2] }] },
      "receiving FP16 data via JSON is not supported. Please use the binary data format for input h",
    ],
  ] as readonly (readonly [ServedModel, unknown, string])[]) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(() => decode(served, body), { code: "invalid-request", message });
    });
  }

  it("reads numbers as FP16 and BF16, to the nearest there is", () => {
    for (const [datatype, bits] of [
      ["FP16", [0x3c00, 0x2e66]],
      ["BF16", [0x3f80, 0x3dcd]],
    ] as const) {
      const served = model(batched, [spec("h", [-1, 2], { datatype })]);
      const { inputs } = decode(served, { features: [[1, 0.1]] });
      assert.deepEqual(inputs, [{ datatype, shape: [1, 2], data: Uint16Array.from(bits) }]);
    }
  });

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

const silence = floats([2, 1, 2], 0.5, 0.5, -1, -1);
const rate: Tensor = { datatype: "INT64", shape: [], data: BigInt64Array.of(16000n) };
const remembering = model(
  batched,
  [
    spec("input", [-1, 2]),
    spec("state", [2, -1, 2], { batchAxis: 1 }),
    spec("sr", [], { datatype: "INT64", batchAxis: null }),
  ],
  [spec("y", [-1, 1]), spec("stateN", [2, -1, 2], { batchAxis: 1 })],
  { state: [{ input: 1, output: 1, found: false }], standIns: [null, silence, rate] },
);
const lstm = model(
  batched,
  [spec("x", [-1, 1]), spec("h", [-1, 1]), spec("c", [-1, 1]), spec("w", [-1, 1])],
  [spec("hn", [-1, 1]), spec("y", [-1, 1]), spec("cn", [-1, 1])],
  {
    state: [
      { input: 1, output: 0, found: true },
      { input: 2, output: 2, found: true },
    ],
    standIns: [null, floats([1, 1], 0), floats([1, 1], 1), null],
  },
);

describe("predictCodec.decode where inputs may be left out", () => {
  const state = [
    [7, 7],
    [8, 8],
  ];
  const brought = floats([2, 1, 2], 7, 7, 8, 8);
  const slow: Tensor = { datatype: "INT64", shape: [], data: BigInt64Array.of(8000n) };
  const x = floats([1, 2], 1, 2);
  const one = { rows: 1, outputs: [0], ...plain };
  const both = { rows: 1, outputs: [0, 1], ...plain, bringsState: true };
  const list = { name: "input", datatype: "FP32", shape: [1, 2], data: [1, 2] };
  const listedState = { name: "state", datatype: "FP32", shape: [2, 1, 2], data: [7, 7, 8, 8] };
  for (const [name, body, expected] of [
    [
      "features for the only one that is needed",
      { features: [1, 2] },
      { inputs: [x, silence, rate], ...one },
    ],
    [
      "the needed one by name",
      { inputs: { input: [1, 2] } },
      { inputs: [x, silence, rate], ...one },
    ],
    [
      "a value instead of a default",
      { inputs: { input: [1, 2], sr: 8000 } },
      { inputs: [x, silence, slow], ...one },
    ],
    [
      "a state that is brought, which is answered with",
      { inputs: { state, input: [1, 2] } },
      { inputs: [x, brought, rate], ...both },
    ],
    [
      "all of them",
      { inputs: { input: [1, 2], state, sr: 8000 } },
      { inputs: [x, brought, slow], ...both },
    ],
    ["the Open Inference list without", { inputs: [list] }, { inputs: [x, silence, rate], ...one }],
    [
      "the Open Inference list with a state",
      { inputs: [listedState, list] },
      { inputs: [x, brought, rate], ...both },
    ],
    [
      "the Open Inference list that asks for the state only",
      { inputs: [list], outputs: [{ name: "stateN" }] },
      { inputs: [x, silence, rate], ...one, outputs: [1] },
    ],
  ] as const) {
    it(`reads ${name}`, () => assert.deepEqual(decode(remembering, body), expected));
  }

  it("has for them the very stand-ins, of one row, however many rows come", () => {
    const rows = [
      [1, 2],
      [3, 4],
      [5, 6],
    ];
    for (const body of [{ features: rows }, { inputs: { input: rows } }]) {
      const decoded = decode(remembering, body);
      const inputs = [floats([3, 2], 1, 2, 3, 4, 5, 6), silence, rate];
      assert.deepEqual(decoded, { inputs, ...one, rows: 3 });
      assert.equal(decoded.inputs[1], silence);
      assert.equal(decoded.inputs[2], rate);
    }
  });

  it("answers with what is no state, wherever it stands", () =>
    assert.deepEqual(decode(lstm, { inputs: { x: [1], w: [2] } }), {
      inputs: [floats([1, 1], 1), floats([1, 1], 0), floats([1, 1], 1), floats([1, 1], 2)],
      ...one,
      outputs: [1],
    }));

  it("takes several states where all are brought", () => {
    const { bringsState, outputs } = decode(lstm, {
      inputs: { x: [1], c: [2], h: [3], w: [4] },
    });
    assert.deepEqual([bringsState, outputs], [true, [0, 1, 2]]);
  });

  it("reads a request that leaves out all there is", () => {
    const served = model(batched, [spec("h", [-1, 1]), spec("sr", [], { batchAxis: null })], [], {
      standIns: [floats([1, 1], 1), floats([], 2)],
    });
    const inputs = [floats([1, 1], 1), floats([], 2)];
    assert.deepEqual(decode(served, { inputs: {} }), { inputs, rows: 1, outputs: [], ...plain });
  });

  it("reads features for an only input, though it may be left out", () => {
    const served = model(unbatched, [spec("n", [], { batchAxis: null })], [spec("y", [])], {
      standIns: [floats([], 1)],
    });
    assert.deepEqual(decode(served, { features: 5 }), { inputs: [floats([], 5)], ...one });
    assert.deepEqual(decode(served, { inputs: {} }), { inputs: [floats([], 1)], ...one });
  });

  const got = "for model 'm'. Got input(s)";
  const please = "Please provide all required input(s).";
  for (const [served, body, message] of [
    [
      lstm,
      { features: [1] },
      "Cannot read 'features': model 'm' has 4 inputs, expected 'inputs' with ['x','h','c','w']",
    ],
    [
      lstm,
      { inputs: { x: [1], w: [1], h: [1] } },
      `expected 4 inputs but got 3 inputs ${got} ['x','w','h'], but missing required input(s) ['c']. ${please}`,
    ],
    [
      lstm,
      { inputs: { x: [1], w: [1], c: [1] } },
      `expected 4 inputs but got 3 inputs ${got} ['x','w','c'], but missing required input(s) ['h']. ${please}`,
    ],
    [
      lstm,
      { inputs: { x: [1], h: [1], c: [1] } },
      `expected 4 inputs but got 3 inputs ${got} ['x','h','c'], but missing required input(s) ['w']. ${please}`,
    ],
    [
      remembering,
      { inputs: { sr: 8000 } },
      `expected 2 inputs but got 1 inputs ${got} ['sr'], but missing required input(s) ['input']. ${please}`,
    ],
    [
      remembering,
      { inputs: {} },
      `expected 1 inputs but got 0 inputs ${got} [], but missing required input(s) ['input']. ${please}`,
    ],
    [
      remembering,
      { inputs: { input: [1, 2], stat: state } },
      `expected 1 inputs but got 2 inputs ${got} ['input','stat'], but ['stat'] are not among ['input']`,
    ],
    [
      remembering,
      { inputs: { x: [1, 2] } },
      `unexpected inference input 'x' ${got} ['x'], expected ['input']`,
    ],
    [
      remembering,
      {
        inputs: {
          input: [
            [1, 2],
            [3, 4],
          ],
          state,
        },
      },
      "input 'state' batch size does not match other inputs for 'm': expected 2, got 1",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(body)}`, () => {
      assert.throws(() => decode(served, body), { code: "invalid-request", message });
    });
  }
});

const listener = model(
  batched,
  [spec("sr", [], { datatype: "INT64", batchAxis: null }), spec("x", [-1, 4]), spec("h", [-1, 1])],
  [spec("y", [-1, 1]), spec("hn", [-1, 1])],
  {
    state: [{ input: 2, output: 1, found: false }],
    stream: { input: 1, window: 4, hop: 3, pad: "zeros" },
    standIns: [rate, null, floats([1, 1], 0)],
  },
);
const conditioned = model(batched, [spec("x", [-1, 1, 4]), spec("speaker", [-1, 2])], undefined, {
  stream: { input: 0, window: 4, hop: 4, pad: "none" },
});

function base64(data: Int16Array | Int32Array | Float32Array): string {
  return Buffer.from(data.buffer).toString("base64");
}

describe("predictCodec.decode of samples", () => {
  const signal = { rows: 1, outputs: [0], id: undefined, bringsState: false, isSignal: true };
  const h = floats([1, 1], 0);
  for (const [name, body, x] of [
    ["a list", { samples: [0.5, -1, 2] }, floats([3], 0.5, -1, 2)],
    ["no samples", { samples: [] }, floats([0])],
    ["no samples in base64", { samples: "", encoding: "float32" }, floats([0])],
    [
      "16 bits of full scale",
      { samples: base64(Int16Array.of(16384, -32768, 0)), encoding: "int16" },
      floats([3], 0.5, -1, 0),
    ],
    [
      "32 bits of full scale",
      { samples: base64(Int32Array.of(2 ** 29, -(2 ** 31))), encoding: "int32" },
      floats([2], 0.25, -1),
    ],
    [
      "floats",
      { samples: base64(Float32Array.of(0.1, -3)), encoding: "float32" },
      floats([2], 0.1, -3),
    ],
    [
      "the other keys of a frame beside them",
      { type: "infer", id: 1, sequence: "s", samples: [1], timeout_ms: 5 },
      floats([1], 1),
    ],
  ] as const) {
    it(`reads ${name}`, () =>
      assert.deepEqual(decode(listener, body), { inputs: [rate, x, h], ...signal }));
  }

  it("reads other inputs beside them", () => {
    const slow: Tensor = { datatype: "INT64", shape: [], data: BigInt64Array.of(8000n) };
    assert.deepEqual(decode(listener, { samples: [1], inputs: { sr: 8000 } }), {
      inputs: [slow, floats([1], 1), h],
      ...signal,
    });
    assert.deepEqual(decode(conditioned, { inputs: { speaker: [1, 2] }, samples: [3] }), {
      inputs: [floats([1], 3), floats([1, 2], 1, 2)],
      ...signal,
    });
  });

  it("reads whole numbers for an input of whole numbers as they are", () => {
    const counts = [spec("x", [-1, 4], { datatype: "INT16" })];
    const served = model(batched, counts, undefined, {
      stream: { input: 0, window: 4, hop: 4, pad: "none" },
    });
    const x: Tensor = { datatype: "INT16", shape: [2], data: Int16Array.of(-32768, 7) };
    const bodies = [
      { samples: [-32768, 7] },
      { samples: base64(Int16Array.of(-32768, 7)), encoding: "int16" },
    ];
    for (const body of bodies) assert.deepEqual(decode(served, body).inputs, [x]);
    assert.throws(() => decode(served, { samples: [7, 32768] }), {
      code: "invalid-request",
      message: /^Cannot read input 'samples': .* at \[1\], got 32768$/,
    });
  });

  const flat = "Cannot read 'samples': expected a flat list of numbers, or base64, got";
  const formats = "Cannot read 'encoding': expected one of int16, int32, float32, got";
  const beside = "Cannot read 'inputs': expected, beside 'samples', some of ['sr'], got";
  const whole = base64(Int16Array.of(1, 2));
  for (const [served, body, message] of [
    [
      iris,
      { samples: [1] },
      "Cannot read samples: model 'm' takes tensors, its model.yaml has no 'stream'",
    ],
    [
      remembering,
      { samples: whole, encoding: "int16" },
      "Cannot read samples: model 'm' takes tensors, its model.yaml has no 'stream'",
    ],
    [
      listener,
      { samples: [1], features: [1] },
      "Cannot read body: expected either 'features' or 'samples', got both",
    ],
    [listener, { samples: null }, `${flat} null`],
    [listener, { samples: 1 }, `${flat} 1`],
    [listener, { samples: { length: 1 } }, `${flat} an object`],
    [listener, { samples: [[1], [2]] }, `${flat} a list of 2`],
    [
      listener,
      { samples: [1, "2"] },
      "Cannot read input 'samples': expected a finite number in the range of FP32 at [1], got \"2\"",
    ],
    [
      listener,
      { samples: [1, [2]] },
      "Cannot read input 'samples': expected a finite number in the range of FP32 at [1], got a list of 1",
    ],
    [
      listener,
      { samples: [1e39] },
      "Cannot read input 'samples': expected a finite number in the range of FP32 at [0], got 1e+39",
    ],
    [listener, { samples: whole }, `${formats} nothing`],
    [listener, { samples: whole, encoding: "int8" }, `${formats} "int8"`],
    [listener, { samples: whole, encoding: 16 }, `${formats} 16`],
    [
      listener,
      { samples: "a-b_", encoding: "int16" },
      "Cannot read 'samples': expected base64, got \"a-b_\"",
    ],
    [
      listener,
      { samples: whole, encoding: "float32", inputs: [] },
      "Cannot read 'inputs': expected an object, got a list of 0",
    ],
    [
      listener,
      { samples: "AAAA", encoding: "int16" },
      "Cannot read samples: expected a multiple of 2 bytes (int16), got 3 bytes",
    ],
    [
      listener,
      { samples: base64(Float32Array.of(0, Number.NaN)), encoding: "float32" },
      "Cannot read samples: expected a finite number at [1], got NaN",
    ],
    [listener, { samples: [1], inputs: { x: [1, 2, 3, 4] } }, `${beside} 'x'`],
    [listener, { samples: [1], inputs: { rate: 8000 } }, `${beside} 'rate'`],
    [
      listener,
      { samples: [1], inputs: { h: [1] } },
      "Cannot read samples: the state is the server's, got ['h'] in 'inputs'",
    ],
    [
      listener,
      { samples: [1], inputs: { sr: "fast" } },
      /^Cannot read input 'sr': .*, got "fast"$/,
    ],
    [
      conditioned,
      { samples: [1] },
      "Cannot read samples: expected the other inputs of model 'm' in 'inputs' too, missing ['speaker']",
    ],
    [
      conditioned,
      { samples: [1], inputs: { speaker: [1, 2, 3] } },
      "unexpected shape for input 'speaker' for model 'm'. Expected [-1,2], got [1,3]",
    ],
  ] as const) {
    it(`refuses ${JSON.stringify(body)} with ${String(message).slice(0, 60)}`, () => {
      assert.throws(() => decode(served, body), { code: "invalid-request", message });
    });
  }

  it("reads own properties only", () => {
    const body = '{"samples":[1],"inputs":{"__proto__":{"sr":8000}}}';
    assert.throws(() => predictCodec.decode(Buffer.from(body), listener), {
      code: "invalid-request",
      message: `${beside} '__proto__'`,
    });
  });
});
