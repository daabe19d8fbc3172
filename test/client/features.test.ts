import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Features, textOfFeatures } from "../../src/client/features.ts";

describe("textOfFeatures", () => {
  for (const [what, features, expected] of [
    ["writes lists as they are", [[1, 2], [3]], "[[1,2],[3]]"],
    ["writes lists of typed arrays, nested or not", [new Float32Array([0.5])], "[[0.5]]"],
    ["writes large integers as digits", new BigInt64Array([2n ** 60n]), '["1152921504606846976"]'],
    ["keeps texts and flags", ["a", true], '["a",true]'],
    ["keeps the sign of zero, nested or not", [[-0, 0], [1]], "[[-0.0,0],[1]]"],
    ["keeps it in typed arrays", [new Float32Array([-0, 0.5])], "[[-0.0,0.5]]"],
    ["keeps it beside texts and large integers", ["-0", -0, 1n], '["-0",-0.0,"1"]'],
  ] as const) {
    it(what, () => assert.equal(textOfFeatures(features as Features), expected));
  }
});
