import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseTritonConfig } from "../../src/config/triton-config.ts";
import { tritonKeys } from "../../src/config/triton-keys.ts";
import { examplesIn, readme, tableOf } from "./readme.ts";

describe("the README's config.pbtxt", () => {
  it("gives the warnings that are shown", () => {
    const [example, ...others] = examplesIn(readme, "pbtxt");
    assert.ok(example !== undefined && others.length === 0);
    const { config, warnings } = parseTritonConfig(example.call.text, "iris");
    assert.deepEqual(warnings, example.answer.text.trim().split("\n"));
    assert.deepEqual([config.batching.maxBatchSize, config.replicas], [16, 2]);
  });
});

describe("the README's table of config.pbtxt", () => {
  it("has every key of Triton's, once", () => {
    const rows = tableOf(readme, ["key of config.pbtxt", "here"]);
    const listed = rows.flatMap(([keys = ""]) => keys.split(", "));
    assert.deepEqual(listed.toSorted(), Object.keys(tritonKeys("m")).toSorted());
  });
});
