import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isName } from "../../src/protocol/model-name.ts";

describe("isName", () => {
  for (const name of [
    "a",
    "iris",
    "Iris_2.0-b",
    "A-1_b.c",
    "-",
    "-x",
    "1",
    "a..b",
    "a".repeat(64),
  ]) {
    it(`takes ${name}`, () => assert.equal(isName(name), true));
  }
  for (const name of [
    "",
    ".",
    "..",
    ".a",
    ".iris",
    "a b",
    "a/b",
    "é",
    "ä",
    "a\n",
    "a\0",
    "a".repeat(65),
  ]) {
    it(`refuses ${JSON.stringify(name)}`, () => assert.equal(isName(name), false));
  }
});
