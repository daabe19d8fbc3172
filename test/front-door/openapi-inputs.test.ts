import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { predictBodySchema, v2BodySchema } from "../../src/front-door/openapi-inputs.ts";
import type { Batching, ModelMetadata, TensorSpec } from "../../src/protocol/model-metadata.ts";

const batched: Batching = { type: "batched", maxBatchSize: 8 };
const alone: Batching = { type: "unbatched", reason: "test" };

function metadata(inputs: readonly TensorSpec[], batching = batched): ModelMetadata {
  const rest = { outputs: [], notServable: [], state: [], stream: null, externalFiles: [] };
  return { inputs, batching, ...rest };
}

const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 2], batchAxis: 0 };
const rate: TensorSpec = { name: "rate", datatype: "INT64", shape: [], batchAxis: null };
const fixed: TensorSpec = { name: "x", datatype: "INT8", shape: [2, 2], batchAxis: null };

const half: TensorSpec = { ...x, datatype: "FP16" };
const long: TensorSpec = { ...x, datatype: "UINT64" };
const large = metadata([{ ...x, shape: [-1, 640, 640] }]);
const bytes: TensorSpec = { ...x, datatype: "UINT8" };

const one = metadata([x]);
const two = metadata([x, rate]);
const still = metadata([fixed], alone);

describe("the schema of a body for predict", () => {
  const accepts = (of: ModelMetadata, body: unknown, defaults = {}) =>
    new Ajv2020({ strict: false }).validate(predictBodySchema({ metadata: of, defaults }), body);

  const good: readonly (readonly [ModelMetadata, unknown])[] = [
    [one, { features: [1, 2] }],
    [one, { features: [[1, 2]] }],
    [
      one,
      {
        features: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    [one, { inputs: { x: [[1, 2]] } }],
    [one, { inputs: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [1, 2] }] }],
    [two, { inputs: { x: [1, 2], rate: "16000" } }],
    [
      still,
      {
        features: [
          [1, 2],
          [3, 4],
        ],
      },
    ],
    [still, { features: [1, 2, 3, 4] }],
    [metadata([bytes]), { features: [0, 255] }],
    [metadata([half]), { features: [[-65_504, 0.1]] }],
    [metadata([long]), { features: ["18446744073709551615", 2 ** 53 - 1] }],
    [large, { features: [] }],
  ];
  for (const [of, body] of good) {
    it(`takes ${JSON.stringify(body)}`, () => assert.ok(accepts(of, body)));
  }

  const bad: readonly (readonly [ModelMetadata, unknown])[] = [
    [one, {}],
    [one, { features: [1, 2, 3] }],
    [one, { features: [["1", 2]] }],
    [one, { features: [1, 2], inputs: { x: [1, 2] } }],
    [two, { features: [1, 2] }],
    [two, { inputs: { x: [1, 2] } }],
    [still, { features: [1, 2, 3] }],
    [still, { features: [1, 2, 3, 128] }],
    [metadata([bytes]), { features: [0, 256] }],
    [metadata([half]), { features: [1, 65_520] }],
    [metadata([half]), { inputs: [{ name: "x", datatype: "FP16", shape: [1, 2], data: [1, 2] }] }],
    [metadata([long]), { features: ["-1", 2] }],
    [metadata([long]), { features: [2 ** 53, 2] }],
    [one, { features: [] }],
    [one, { features: [1e39, 2] }],
    [one, { features: [1, 2], inputs: null }],
    [one, { features: [1, 2], samples: [] }],
    [one, { inputs: { x: [1, 2], y: [1] } }],
  ];
  for (const [of, body] of bad) {
    it(`refuses ${JSON.stringify(body)}`, () => assert.ok(!accepts(of, body)));
  }

  it("lets what has a default be left out", () => {
    assert.ok(accepts(two, { features: [1, 2] }, { rate: 16_000 }));
  });
});

describe("the schema of a body for Open Inference V2", () => {
  const accepts = (of: ModelMetadata, tensors: readonly unknown[]) =>
    new Ajv2020({ strict: false }).validate(v2BodySchema({ metadata: of, defaults: {} }), {
      inputs: tensors,
    });
  const sent = { name: "x", datatype: "FP32", shape: [3, 2], data: [1, 2, 3, 4, 5, 6] };
  const { data: _, ...bare } = sent;

  const rows: readonly (readonly [string, boolean, readonly unknown[]])[] = [
    ["any number of rows", true, [sent]],
    ["binary tensors", true, [{ ...bare, parameters: { binary_data_size: 24 } }]],
    ["no data", false, [bare]],
    ["another name", false, [{ ...sent, name: "y" }]],
    ["another datatype", false, [{ ...sent, datatype: "FP64" }]],
    ["another size", false, [{ ...sent, shape: [2, 3] }]],
    ["another rank", false, [{ ...sent, shape: [6] }]],
    ["no tensor", false, []],
    ["two of one name", false, [sent, sent]],
  ];
  for (const [what, isTaken, tensors] of rows) {
    it(`${isTaken ? "takes" : "refuses"} ${what}`, () => {
      assert.equal(accepts(one, tensors), isTaken);
    });
  }

  it("takes an input that may be left out, once", () => {
    const schema = v2BodySchema({ metadata: two, defaults: { rate: 16_000 } });
    const given = { name: "rate", datatype: "INT64", shape: [], data: [8_000] };
    for (const [inputs, isTaken] of [
      [[sent], true],
      [[sent, given], true],
      [[given, given], false],
      [[sent, sent], false],
    ] as const) {
      assert.equal(new Ajv2020({ strict: false }).validate(schema, { inputs }), isTaken);
    }
  });

  it("takes FP16 in binary only", () => {
    const of = metadata([half]);
    const halves = { ...bare, datatype: "FP16" };
    assert.ok(accepts(of, [{ ...halves, parameters: { binary_data_size: 12 } }]));
    assert.ok(!accepts(of, [{ ...halves, data: [1, 2, 3, 4, 5, 6] }]));
  });
});
