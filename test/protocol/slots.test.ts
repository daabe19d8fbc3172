import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { between, seededRandom } from "../../models/random.ts";
import { Slots } from "../../src/protocol/slots.ts";

describe("Slots", () => {
  it("gives the smallest numbers first, and those that are free again", () => {
    const slots = new Slots<string>();
    const given = [slots.add("a"), slots.add("b"), slots.add("c")];
    slots.remove(1);
    assert.deepEqual([given, slots.add("d"), slots.add("e")], [[0, 1, 2], 1, 3]);
  });

  const unknown = [-1, 0.5, 7, 0xffff_ffff, Number.NaN];
  for (const id of unknown) {
    it(`has nothing under ${id}, and does not mind removing it`, () => {
      const slots = new Slots<string>();
      slots.add("a");
      slots.remove(id);
      assert.deepEqual([slots.get(id), slots.size], [undefined, 1]);
    });
  }

  it("frees a number once, however often it is removed", () => {
    const slots = new Slots<string>();
    slots.add("a");
    slots.remove(0);
    slots.remove(0);
    assert.deepEqual([slots.add("b"), slots.add("c"), slots.size], [0, 1, 2]);
  });

  it("gives back all that it holds, and is empty then", () => {
    const slots = new Slots<string>();
    for (const item of ["a", "b", "c"]) slots.add(item);
    slots.remove(1);
    assert.deepEqual([slots.drain(), slots.size, slots.add("d")], [["a", "c"], 0, 0]);
  });

  it("puts others in the place of some, under the same numbers", () => {
    const slots = new Slots<string>();
    for (const item of ["a", "b", "c", "d"]) slots.add(item);
    slots.remove(1);
    const replaced = slots.replace((item) => (item === "c" ? undefined : `no ${item}`));
    const items = [0, 1, 2, 3].map((id) => slots.get(id));
    assert.deepEqual(
      [replaced, items],
      [
        ["a", "d"],
        ["no a", undefined, "c", "no d"],
      ],
    );
    assert.deepEqual([slots.size, slots.add("e")], [3, 1]);
  });

  it("agrees with a Map under churn, and grows no larger than it was ever full", () => {
    const random = seededRandom(4);
    const slots = new Slots<number>();
    const map = new Map<number, number>();
    let most = 0;
    for (let step = 0; step < 10_000; step += 1) {
      if (map.size > 0 && random() < 0.5) {
        const id = [...map.keys()][Math.floor(between(random, 0, map.size))] as number;
        assert.equal(slots.get(id), map.get(id));
        slots.remove(id);
        map.delete(id);
      } else {
        const id = slots.add(step);
        assert.equal(map.has(id), false);
        map.set(id, step);
        most = Math.max(most, map.size);
        assert.ok(id < most);
      }
      assert.equal(slots.size, map.size);
    }
  });
});
