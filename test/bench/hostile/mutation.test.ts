import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mutate } from "../../../bench/hostile/mutation.ts";
import { seededRandom } from "../../../models/random.ts";

const sound = Buffer.from('{"inputs":[{"name":"x","shape":[1,2]}]}\x01\x00\x00\x00');
const others = [sound, Buffer.from("another")];

function mutants(seed: number, count: number): readonly string[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, () => mutate(random, sound, others).toString("hex"));
}

describe("mutate", () => {
  it("makes other bytes each time, and leaves what it is given as it is", () => {
    const before = sound.toString("hex");
    const made = mutants(1, 500);
    assert.ok(made.every((bytes) => bytes !== before));
    assert.ok(new Set(made).size > 400);
    assert.equal(sound.toString("hex"), before);
  });

  it("makes the same of a seed", () => assert.deepEqual(mutants(2, 100), mutants(2, 100)));

  it("harms no bytes too few for it", () => {
    const random = seededRandom(3);
    for (let round = 0; round < 500; round += 1) {
      assert.ok(mutate(random, Buffer.of(1), [Buffer.alloc(0)]).compare(Buffer.of(1)) !== 0);
    }
  });
});
