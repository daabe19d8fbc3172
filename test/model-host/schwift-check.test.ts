import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkSchwift } from "../../model-host/schwift-check.ts";
import type { SchwiftFacts, SchwiftTensor } from "../../src/protocol/model-settings.ts";

function value(name: string, dims: readonly (number | string)[]) {
  return { name, datatype: "FP32", dims, kind: "a tensor of float32" } as const;
}

const x = value("x", ["batch", 4]);
const y = value("y", ["batch", 3]);
const model = { inputs: [x], outputs: [y, value("z", [7])] };

function declared(changed: Partial<SchwiftTensor>): SchwiftTensor {
  return { datatype: null, shape: null, line: 7, ...changed };
}

function facts(given: Partial<SchwiftFacts>): SchwiftFacts {
  return { file: "m.yaml", input: null, output: null, ...given };
}

describe("checkSchwift", () => {
  const fitting: readonly (readonly [string, Partial<SchwiftFacts>])[] = [
    ["nothing", {}],
    ["a datatype", { input: declared({ datatype: "FP32" }) }],
    ["a shape without the batch", { input: declared({ shape: [4] }) }],
    ["a shape with the batch", { input: declared({ shape: [-1, 4] }) }],
    ["a batch of one", { input: declared({ shape: [1, 4] }) }],
    ["the first output", { output: declared({ shape: [3], datatype: "FP32" }) }],
  ];
  for (const [words, given] of fitting) {
    it(`takes ${words}`, () => checkSchwift(model, facts(given)));
  }

  const misfits: readonly (readonly [string, Partial<SchwiftFacts>, string])[] = [
    [
      "another datatype",
      { input: declared({ datatype: "INT64" }) },
      "m.yaml: input (line 7) is INT64, but the model's is FP32 [batch,4]",
    ],
    [
      "another shape",
      { output: declared({ shape: [2] }) },
      "m.yaml: output (line 7) is [2], but the model's is FP32 [batch,3]",
    ],
  ];
  for (const [words, given, message] of misfits) {
    it(`refuses ${words}`, () => {
      assert.throws(() => checkSchwift(model, facts(given)), { code: "invalid-model", message });
    });
  }

  it("refuses one input where the model has several", () => {
    const several = { ...model, inputs: [x, y] };
    const message = "m.yaml: input (line 7) is one, but the model has 'x', 'y'";
    assert.throws(() => checkSchwift(several, facts({ input: declared({}) })), { message });
  });
});
