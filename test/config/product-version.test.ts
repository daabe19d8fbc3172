import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readProductVersion } from "../../src/config/product-version.ts";

describe("readProductVersion", () => {
  it("finds the version in package.json", () => {
    assert.match(readProductVersion(), /^\d+\.\d+\.\d+/);
  });
});
