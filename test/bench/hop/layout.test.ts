import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newRing, placeOf, readTensor, writeTensor } from "../../../bench/hop/layout.ts";
import { fp32 } from "../../model-host/fake-engine.ts";

describe("the ring's memory", () => {
  it("keeps what goes in and what comes out of two runs apart, and gives memory that is not shared", () => {
    const ring = newRing(24);
    const tensors = [fp32([2, 3]), fp32([6], [9, 8, 7, 6, 5, 4]), fp32([1, 1]), fp32([3, 2])];
    const places = [0, 1].flatMap((run) => [placeOf(ring, run, "in"), placeOf(ring, run, "out")]);
    for (const [at, place] of places.entries()) {
      writeTensor(ring, place, tensors[at] ?? fp32([0]));
    }
    const read = places.map((place) => readTensor(ring, place));
    assert.deepEqual(read, tensors);
    assert.ok(
      read.every(({ data }) => ArrayBuffer.isView(data) && data.buffer instanceof ArrayBuffer),
    );
  });

  it("takes the place of the run before the last", () => {
    const ring = newRing(24);
    assert.equal(placeOf(ring, 2, "in"), placeOf(ring, 0, "in"));
  });
});
