import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { labelFault } from "../../src/protocol/label-fit.ts";
import type { TensorSpec } from "../../src/protocol/model-metadata.ts";

function output(name: string, ...shape: readonly number[]): TensorSpec {
  return { name, datatype: "FP32", shape, batchAxis: 0 };
}

describe("labelFault", () => {
  const words = "labels names 2 classes, but no output has as many scores";
  const rows: readonly (readonly [string, number, readonly TensorSpec[], string | null])[] = [
    ["no labels", 0, [output("y", -1, 3)], null],
    ["as many scores", 2, [output("y", -1, 2)], null],
    ["as many scores in another output", 2, [output("x", 3), output("y", -1, 2)], null],
    ["who knows how many", 2, [output("y", -1, -1)], null],
    ["other scores", 2, [output("y", -1, 3)], `${words}: 'y' has 3`],
    ["others in each", 2, [output("x", 1, 4), output("y", 1, 3)], `${words}: 'x' has 4, 'y' has 3`],
    ["a class beside them", 2, [output("c", -1), output("y", -1, 3)], `${words}: 'y' has 3`],
    ["a single value", 2, [output("y")], `${words}: none`],
  ];
  for (const [what, count, outputs, fault] of rows) {
    it(`is ${fault === null ? "nothing" : "told"} for ${what}`, () => {
      const labels = Array.from({ length: count }, (_, at) => `label ${at}`);
      assert.equal(labelFault(labels, { outputs }), fault);
    });
  }
});
