import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Permits } from "../../src/front-door/permits.ts";

function counts(permits: Permits): readonly number[] {
  return [permits.requests, permits.bytes];
}

describe("Permits", () => {
  it("count requests and bytes until they are given back", () => {
    const permits = new Permits();
    const [one, two] = [permits.take(10), permits.take(5)];
    const before = counts(permits);
    one.release();
    const between = counts(permits);
    two.release();
    assert.deepEqual(
      [before, between, counts(permits)],
      [
        [2, 15],
        [1, 5],
        [0, 0],
      ],
    );
  });

  it("take back each once", () => {
    const permits = new Permits();
    permits.take(1);
    const permit = permits.take(10);
    permit.release();
    permit.release();
    permit.grow(99);
    assert.deepEqual(counts(permits), [1, 1]);
  });

  it("follow a body that grows", () => {
    const permits = new Permits();
    const permit = permits.take(0);
    const held = [10, 30].map((bytes) => {
      permit.grow(bytes);
      return permits.bytes;
    });
    permit.release();
    assert.deepEqual(
      [held, counts(permits)],
      [
        [10, 30],
        [0, 0],
      ],
    );
  });

  it("keep what a body has declared, while only a part of it has come", () => {
    const permits = new Permits();
    const permit = permits.take(100);
    permit.grow(10);
    assert.deepEqual(counts(permits), [1, 100]);
  });
});
