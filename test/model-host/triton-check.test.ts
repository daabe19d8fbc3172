import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { checkDeclared } from "../../model-host/triton-check.ts";
import type { Datatype } from "../../src/protocol/model-metadata.ts";
import type { TritonFacts, TritonTensor } from "../../src/protocol/model-settings.ts";

function value(name: string, dims: readonly (number | string)[]) {
  return { name, datatype: "FP32", dims, kind: "a tensor of float32" } as const;
}

const model = { inputs: [value("x", ["batch", 4, "length"])], outputs: [value("y", ["batch", 3])] };

function tensor(name: string, dims: readonly number[], datatype: Datatype = "FP32"): TritonTensor {
  return { name, datatype, dims, line: 7 };
}

function facts(given: Partial<TritonFacts>): TritonFacts {
  return {
    file: "m/config.pbtxt",
    batched: true,
    inputs: null,
    outputs: [],
    modelFile: null,
    ...given,
  };
}

const fitting: readonly (readonly [string, Partial<TritonFacts>])[] = [
  ["that declares nothing", {}],
  ["that declares all", { inputs: [tensor("x", [4, -1])], outputs: [tensor("y", [3])] }],
  ["that fixes a free size", { inputs: [tensor("x", [4, 9])] }],
  [
    "without a batch",
    { batched: false, inputs: [tensor("x", [-1, 4, -1])], outputs: [tensor("y", [2, 3])] },
  ],
];

const misfits: readonly (readonly [string, Partial<TritonFacts>, RegExp])[] = [
  [
    "another size",
    { inputs: [tensor("x", [5, -1])] },
    /m\/config\.pbtxt: input 'x' \(line 7\) is FP32 \[-1,5,-1\], with the batch in front, but the model's is FP32 \[batch,4,length\]$/,
  ],
  ["a size that is not free", { inputs: [tensor("x", [-1, -1])] }, /\[-1,-1,-1\]/],
  ["another rank", { outputs: [tensor("y", [3, 1])] }, /output 'y'/],
  ["no batch", { batched: false, outputs: [tensor("y", [3])] }, /is FP32 \[3\], but/],
  ["another datatype", { outputs: [tensor("y", [3], "FP64")] }, /is FP64 \[-1,3\]/],
  ["an unknown name", { outputs: [tensor("z", [3])] }, /the model has no such output, but 'y'$/],
  ["an input too few", { inputs: [] }, /: m\/config\.pbtxt does not list input 'x'$/],
];

describe("checkDeclared", () => {
  for (const [what, given] of fitting) {
    it(`takes a file ${what}`, () => checkDeclared(model, facts(given)));
  }

  for (const [what, given, words] of misfits) {
    it(`refuses ${what}`, () => {
      assert.throws(() => checkDeclared(model, facts(given)), words);
    });
  }

  it("refuses a batch that the model fixes", () => {
    const fixed = { ...model, outputs: [value("y", [1, 3])] };
    assert.throws(() => checkDeclared(fixed, facts({ outputs: [tensor("y", [3])] })), /\[1,3\]/);
  });
});
