import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { isName, isVersionName } from "../../src/protocol/model-name.ts";

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

describe("isVersionName", () => {
  for (const name of ["1", "2.0", "v1", "onnx", "1.onnx.2", "model.yaml.2", "model"]) {
    it(`takes ${name}`, () => assert.equal(isVersionName(name), true));
  }
  for (const name of [
    "",
    ".1",
    "a b",
    "x.onnx",
    "model.onnx",
    "X.ONNX",
    "model.yaml",
    "Model.YAML",
  ]) {
    it(`refuses ${JSON.stringify(name)}`, () => assert.equal(isVersionName(name), false));
  }
});
