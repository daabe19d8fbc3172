import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RefusedInputs } from "../../model-host/refused-inputs.ts";
import { poisonTtlMs } from "../../src/protocol/control.ts";
import { FakeClock } from "../fake-clock.ts";

describe("RefusedInputs", () => {
  it("holds what it began with and what came later", () => {
    const refused = new RefusedInputs(new FakeClock(), ["a"]);
    refused.add("b");
    assert.deepEqual([refused.has("a"), refused.has("b"), refused.has("c")], [true, true, false]);
  });

  it("forgets after a while, so that nothing is hashed any more", () => {
    const clock = new FakeClock();
    const refused = new RefusedInputs(clock, ["a"]);
    clock.advance(poisonTtlMs - 1);
    assert.equal(refused.has("a"), true);
    clock.advance(1);
    assert.equal(refused.has("a"), false);
    assert.equal(refused.isEmpty, true);
  });

  it("counts anew from the last time", () => {
    const clock = new FakeClock();
    const refused = new RefusedInputs(clock, ["a", "b"]);
    clock.advance(poisonTtlMs / 2);
    refused.add("a");
    clock.advance(poisonTtlMs / 2);
    assert.deepEqual([refused.has("a"), refused.has("b")], [true, false]);
  });
});
