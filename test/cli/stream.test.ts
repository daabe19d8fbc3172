import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { UsageError } from "../../src/cli/exit-codes.ts";
import { requestOf } from "../../src/cli/stream.ts";

describe("a line of a stream", () => {
  for (const [line, isSignal, request] of [
    ["[1,2]", false, { features: [1, 2] }],
    ["[1,2]", true, { samples: [1, 2] }],
    ["0.5", true, { samples: [0.5] }],
    ['{"inputs":{"x":[[1]]}}', true, { inputs: { x: [[1]] } }],
  ] as const) {
    it(`is ${JSON.stringify(request)} where it is ${line}`, () => {
      assert.deepEqual(requestOf(line, isSignal, 1), request);
    });
  }

  it("is refused by its number where it is neither list nor object", () => {
    const refusal = new UsageError("line 7 must be a list or an object in JSON");
    assert.throws(() => requestOf("nope", false, 7), refusal);
    assert.throws(() => requestOf('"text"', false, 7), refusal);
  });
});
