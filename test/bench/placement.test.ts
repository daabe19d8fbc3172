import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { parseCoreList, place } from "../../bench/placement.ts";

describe("parseCoreList", () => {
  for (const [text, cores] of [
    ["0\n", [0]],
    ["0-3", [0, 1, 2, 3]],
    ["1,4-5,9", [1, 4, 5, 9]],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepEqual(parseCoreList(text), cores);
    });
  }
});

describe("place", () => {
  it("gives the driver the last core, which a listener with one client does not share", () => {
    const placement = { driver: [2], contestant: [0, 1, 2], listenerOfOne: [0, 1] };
    assert.deepEqual(place([0, 1, 2]), placement);
  });

  it("has nothing to decide on one core", () => {
    assert.equal(place([0]), undefined);
  });
});
