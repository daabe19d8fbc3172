import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { RefusalLane, refusalsALook } from "../../src/front-door/refusal-lane.ts";

/** A lane whose looks at the sockets come when the test says so. */
function setUp() {
  const planned: (() => void)[] = [];
  const written: number[] = [];
  let added = 0;
  const lane = new RefusalLane((act) => planned.push(act));
  const add = (count: number) => {
    for (let at = 0; at < count; at += 1) {
      const number = added;
      lane.add(() => written.push(number));
      added += 1;
    }
  };
  const look = () => {
    for (const act of planned.splice(0)) act();
    return written.length;
  };
  return { planned, written, lane, add, look };
}

function numbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, at) => at);
}

describe("RefusalLane", () => {
  it("writes nothing before the sockets have been looked at", () => {
    const { written, add } = setUp();
    add(3);
    assert.deepEqual(written, []);
  });

  const floods: readonly (readonly [count: number, writtenAtLooks: readonly number[]])[] = [
    [1, [1]],
    [refusalsALook, [16]],
    [refusalsALook + 1, [16, 17]],
    [50, [16, 32, 48, 50]],
  ];
  for (const [count, expected] of floods) {
    it(`writes ${count} in ${expected.length} looks, in order, and waits for none after that`, () => {
      const { planned, written, add, look } = setUp();
      add(count);
      assert.deepEqual(
        expected.map(() => look()),
        expected,
      );
      assert.deepEqual(written, numbers(count));
      assert.deepEqual(planned, []);
    });
  }

  it("lets none that comes later pass those that wait", () => {
    const { written, add, look } = setUp();
    add(refusalsALook + 2);
    look();
    add(refusalsALook);
    assert.deepEqual([look(), look()], [2 * refusalsALook, 2 * refusalsALook + 2]);
    assert.deepEqual(written, numbers(2 * refusalsALook + 2));
  });

  it("goes on where a refusal asks for another one", () => {
    const { lane, look } = setUp();
    const written: string[] = [];
    lane.add(() => {
      written.push("first");
      lane.add(() => written.push("second"));
    });
    look();
    look();
    assert.deepEqual(written, ["first", "second"]);
  });
});
