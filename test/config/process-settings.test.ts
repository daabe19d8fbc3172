import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { flagsOf } from "../../src/config/process-settings.ts";

describe("flagsOf", () => {
  it("means the same with `serve` and without it", () => {
    assert.deepEqual(flagsOf(["serve", "--port", "1"]), ["--port", "1"]);
    assert.deepEqual(flagsOf(["--port", "1"]), ["--port", "1"]);
    assert.deepEqual([flagsOf(["serve"]), flagsOf([])], [[], []]);
  });

  it("leaves a later `serve` to be refused", () => {
    assert.deepEqual(flagsOf(["--watch", "serve"]), ["--watch", "serve"]);
  });
});
