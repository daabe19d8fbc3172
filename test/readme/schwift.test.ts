import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseSchwiftConfig } from "../../src/config/schwift-config.ts";
import { SchwiftDraft, schwiftKeys } from "../../src/config/schwift-keys.ts";
import { examplesIn, readme, tableOf } from "./readme.ts";

describe("the README's YAML of SchwiftServe's", () => {
  it("gives the warnings that are shown", () => {
    const examples = examplesIn(readme, "yaml").filter(({ call }) => /^model:/.test(call.text));
    assert.equal(examples.length, 1);
    const { call, answer } = examples[0] as (typeof examples)[number];
    const { warnings, config } = parseSchwiftConfig(call.text, "flowers.yaml") ?? {};
    assert.deepEqual(warnings, answer.text.trim().split("\n"));
    assert.equal(config?.batching.maxQueueDelayMs, 5);
  });

  it("has every key, once", () => {
    const rows = tableOf(readme, ["key of model", "here"]);
    const listed = rows.flatMap(([keys = ""]) => keys.split(", "));
    const known = Object.keys(schwiftKeys(new SchwiftDraft()));
    assert.deepEqual(listed.toSorted(), known.toSorted());
  });
});
