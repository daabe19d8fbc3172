import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findWrongAnswer, scoresOf } from "../../bench/smoothing.ts";

const values = Array.from({ length: 20 }, (_, at) => Math.sin(at));

function done(score: number): string {
  return JSON.stringify({ type: "done", id: 1, predictions: [[score]], request_id: "a" });
}

describe("scoresOf", () => {
  it("follows the formula from value to value", () => {
    // After ten values, -1 and 1 in turn, the mean is 0 and the variance 1.
    const turns = Array.from({ length: 10 }, (_, at) => (at % 2 === 0 ? -1 : 1));
    const scores = scoresOf([...turns, 3]);
    assert.deepEqual(scores.slice(0, 10), new Array(10).fill(0));
    assert.ok(Math.abs((scores[10] ?? 0) - 3) < 1e-6, `${scores[10]}`);
  });
});

describe("findWrongAnswer", () => {
  const right = scoresOf(values);

  it("finds none in answers of single precision", () => {
    const answers = right.map((score) => done(Math.fround(score)));
    assert.equal(findWrongAnswer(values, answers), undefined);
  });

  it("tells a score that differs", () => {
    const answers = right.map((score, at) => done(at === 15 ? score + 0.001 : score));
    assert.match(findWrongAnswer(values, answers) ?? "", /^value 15, of score .*: {"type":"done"/);
  });

  it("tells answers without a past, which all have a score of 0", () => {
    const answers = values.map(() => done(0));
    assert.match(findWrongAnswer(values, answers) ?? "", /^value 10,/);
  });

  for (const answer of [
    '{"type":"failed","id":1,"error":"x","code":"overloaded"}',
    '{"type":"chunk","id":1,"predictions":[[0]]}',
    '{"type":"done","id":1,"predictions":[]}',
    '{"type":"done","id":1}',
  ]) {
    it(`takes ${answer} for a wrong answer`, () => {
      assert.match(findWrongAnswer([1], [answer]) ?? "", /^value 0,/);
    });
  }
});
