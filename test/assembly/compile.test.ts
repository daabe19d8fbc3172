import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { compile, moduleText } from "../../assembly/compile.ts";

const root = join(import.meta.dirname, "..", "..");

describe("the WebAssembly that is checked in", () => {
  it("is what its source compiles to, byte for byte", async () => {
    const checkedIn = readFileSync(join(root, "src", "tensors", "number-list-wasm.ts"), "utf8");
    assert.equal(checkedIn, moduleText(await compile("number-list.ts")));
  });
});

describe("compile", () => {
  it("says why it cannot", async () => {
    await assert.rejects(compile("nothing.ts"), /^Error: Cannot compile nothing.ts: .*not found/s);
  });
});
