import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { growthOf } from "../../../bench/hostile/attack.ts";

describe("growthOf", () => {
  for (const [rssMb, growth] of [
    [[500, 520], 20],
    [[500, 600, 620, 640, 610], 10],
    [[500, 590, 700, 710, 720], 110],
    [[500, 480], -20],
  ] as const) {
    it(`is ${growth} MiB of ${rssMb.join(", ")}`, () => assert.equal(growthOf({ rssMb }), growth));
  }
});
