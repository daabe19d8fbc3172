import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findDifference } from "../../bench/answers.ts";

function answer(score: number, label = "setosa") {
  const predictions = [[score, 1 - score]];
  return { model: "iris", predictions, labels: [{ label, score }], request_id: `${score}` };
}

describe("findDifference", () => {
  it("lets numbers differ within a millionth, and the request's id at will", () => {
    assert.equal(findDifference(answer(0.75), answer(0.7500009)), undefined);
  });

  it("lets ids differ that one server makes up and another does not", () => {
    assert.equal(findDifference({ id: "1", model_name: "mlp" }, { model_name: "mlp" }), undefined);
  });

  it("names the number that differs by more", () => {
    const difference = findDifference(answer(0.75), answer(0.7500011));
    assert.equal(difference, "answer.predictions.0.0: 0.75 and 0.7500011");
  });

  it("names the text that differs", () => {
    const difference = findDifference(answer(0.75), answer(0.75, "virginica"));
    assert.equal(difference, 'answer.labels.0.label: "setosa" and "virginica"');
  });

  for (const [left, right] of [
    [{ a: 1 }, {}],
    [{}, { a: 1 }],
    [{ a: 1 }, { a: null }],
    [{ a: [1] }, { a: [1, 2] }],
    [{ a: 1 }, { a: "1" }],
    [{ a: Number.NaN }, { a: 1 }],
  ]) {
    it(`tells ${JSON.stringify(left)} from ${JSON.stringify(right)}`, () => {
      assert.notEqual(findDifference(left, right), undefined);
    });
  }
});
