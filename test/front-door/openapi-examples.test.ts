import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Ajv2020 } from "ajv/dist/2020.js";
import { predictExample, v2Example } from "../../src/front-door/openapi-examples.ts";
import {
  predictBodySchema,
  type TakenBy,
  v2BodySchema,
} from "../../src/front-door/openapi-inputs.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";

function taken(...inputs: readonly TensorSpec[]): TakenBy {
  const rest = { outputs: [], notServable: [], state: [], stream: null, externalFiles: [] };
  const batching = { type: "batched", maxBatchSize: 8 } as const;
  return { metadata: { inputs, batching, ...rest }, defaults: {} };
}

const x: TensorSpec = { name: "x", datatype: "FP32", shape: [-1, 2], batchAxis: 0 };
const text: TensorSpec = { name: "text", datatype: "BYTES", shape: [-1], batchAxis: 0 };
const flag: TensorSpec = { name: "flag", datatype: "BOOL", shape: [], batchAxis: null };
const half: TensorSpec = { ...x, datatype: "FP16" };
const image: TensorSpec = {
  name: "image",
  datatype: "UINT8",
  shape: [-1, 640, 640, 3],
  batchAxis: 0,
};

interface Example {
  readonly of: string;
  readonly inputs: readonly TensorSpec[];
  readonly predict: unknown;
  readonly v2: readonly unknown[] | undefined;
}

const examples: readonly Example[] = [
  {
    of: "one input",
    inputs: [x],
    predict: { features: [[0, 0]] },
    v2: [{ name: "x", datatype: "FP32", shape: [1, 2], data: [0, 0] }],
  },
  {
    of: "texts and a scalar",
    inputs: [text, flag],
    predict: { inputs: { text: [""], flag: false } },
    v2: [
      { name: "text", datatype: "BYTES", shape: [1], data: [""] },
      { name: "flag", datatype: "BOOL", shape: [], data: [false] },
    ],
  },
  {
    of: "what comes in binary by Open Inference V2",
    inputs: [half],
    predict: { features: [[0, 0]] },
    v2: undefined,
  },
  {
    of: "a large input, left empty,",
    inputs: [image, flag],
    predict: { inputs: { image: [], flag: false } },
    v2: [
      { name: "image", datatype: "UINT8", shape: [1, 640, 640, 3], data: [] },
      { name: "flag", datatype: "BOOL", shape: [], data: [] },
    ],
  },
];

describe("the example of a body", () => {
  const ajv = new Ajv2020({ strict: false });

  for (const { of, inputs, predict, v2 } of examples) {
    it(`of ${of} is one that its schema takes, in Troupe's own JSON`, () => {
      const example = predictExample(taken(...inputs));
      assert.deepEqual(example, predict);
      assert.ok(ajv.validate(predictBodySchema(taken(...inputs)), example));
    });

    it(`of ${of} is one that its schema takes, by Open Inference V2`, () => {
      const example = v2Example(taken(...inputs));
      assert.deepEqual(example, v2 && { inputs: v2 });
      assert.ok(example === undefined || ajv.validate(v2BodySchema(taken(...inputs)), example));
    });
  }
});
