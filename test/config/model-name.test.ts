import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isName } from "../../src/config/model-name.ts";

describe("isName", () => {
  for (const name of ["a", "iris", "Iris_2.0-b", "-x", "1", "a".repeat(64)]) {
    it(`takes ${name}`, () => assert.equal(isName(name), true));
  }
  for (const name of ["", ".iris", "..", "a b", "a/b", "é", "a\n", "a".repeat(65)]) {
    it(`refuses ${JSON.stringify(name)}`, () => assert.equal(isName(name), false));
  }
});
