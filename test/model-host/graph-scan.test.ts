import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { scanOperators } from "../../model-host/graph-scan.ts";
import { loopModel } from "../../models/loop-models.ts";
import { brokenModel, echoModel, gatherModel, nanModel } from "../../models/odd-models.ts";

function operatorsOf(model: Uint8Array): string[] | undefined {
  const operators = scanOperators(Buffer.from(model));
  return operators && [...operators].toSorted();
}

describe("scanOperators", () => {
  it("names the operators of the main graph", () => {
    assert.deepEqual(operatorsOf(gatherModel()), ["Gather"]);
    assert.equal(operatorsOf(loopModel())?.includes("Loop"), true);
    assert.equal(operatorsOf(nanModel())?.includes("Log"), true);
  });

  it("does not read what is no model", () => {
    assert.equal(operatorsOf(brokenModel())?.length ?? 0, 0);
  });

  it("never throws on a model cut short at any byte", () => {
    const model = echoModel();
    for (let length = 0; length < model.length; length += 1) {
      const operators = scanOperators(Buffer.from(model.subarray(0, length)));
      assert.ok(operators === undefined || operators.size <= 2);
    }
  });

  it("knows nothing of a model with functions", () => {
    const withFunction = Buffer.concat([echoModel(), Buffer.from([0xca, 0x01, 0x00])]);
    assert.equal(scanOperators(withFunction), undefined);
  });
});
