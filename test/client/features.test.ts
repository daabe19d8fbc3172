import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Features, plainFeatures } from "../../src/client/features.ts";

describe("plainFeatures", () => {
  for (const [what, features, expected] of [
    ["leaves lists as they are", [[1, 2], [3]], [[1, 2], [3]]],
    ["makes lists of typed arrays, nested or not", [new Float32Array([0.5])], [[0.5]]],
    ["writes large integers as digits", new BigInt64Array([2n ** 60n]), ["1152921504606846976"]],
    ["keeps texts and flags", ["a", true], ["a", true]],
  ] as const) {
    it(what, () => assert.deepEqual(plainFeatures(features as Features), expected));
  }
});
