import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Sequence } from "../../model-host/sequence.ts";
import { fp32 } from "./fake-engine.ts";
import { FakeDoor } from "./fake-work.ts";

function newSequence(): Sequence {
  return new Sequence("k", new FakeDoor(), { isShared: false, signal: null, now: 0 });
}

describe("a sequence", () => {
  it("remembers nothing before its first frame has run", () =>
    assert.equal(newSequence().state, null));

  it("remembers what came out last", () => {
    const sequence = newSequence();
    sequence.remember([fp32([1], [1])]);
    sequence.remember([fp32([1], [2])]);
    assert.deepEqual(sequence.state, [fp32([1], [2])]);
  });

  it("remembers nothing new when it is over", () => {
    const sequence = newSequence();
    sequence.remember([fp32([1], [1])]);
    sequence.isOver = true;
    sequence.remember([fp32([1], [2])]);
    assert.deepEqual(sequence.state, [fp32([1], [1])]);
  });
});
