import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mostRefusalsALook, RefusalLane } from "../../src/front-door/refusal-lane.ts";

/** A lane whose looks at the sockets come when the test says so. */
function setUp() {
  const planned: (() => void)[] = [];
  const written: number[] = [];
  const lane = new RefusalLane((act) => planned.push(act));
  const add = (count: number) => {
    const first = written.length + waiting();
    for (let at = 0; at < count; at += 1) lane.add(() => written.push(first + at));
    added += count;
  };
  let added = 0;
  const waiting = () => added - written.length;
  const look = () => planned.splice(0).forEach((act) => void act());
  return { planned, written, lane, add, look };
}

describe("RefusalLane", () => {
  it("writes a few at once", () => {
    const { written, add } = setUp();
    add(mostRefusalsALook);
    assert.equal(written.length, mostRefusalsALook);
  });

  const floods: readonly (readonly [count: number, looks: number])[] = [
    [mostRefusalsALook, 0],
    [mostRefusalsALook + 1, 1],
    [3 * mostRefusalsALook, 2],
    [1_000, 62],
  ];
  for (const [count, looks] of floods) {
    it(`looks at its sockets ${looks} times while it writes ${count}, in order`, () => {
      const { written, add, look } = setUp();
      add(count);
      for (let at = 0; at < looks; at += 1) {
        assert.ok(written.length < count, `${written.length} were written after ${at} looks`);
        look();
      }
      assert.deepEqual(written, Array.from(written.keys()));
      assert.equal(written.length, count);
    });
  }

  it("lets none that comes between two looks pass those that wait", () => {
    const { written, add, look } = setUp();
    add(mostRefusalsALook + 2);
    add(mostRefusalsALook);
    look();
    look();
    assert.deepEqual(
      written,
      Array.from({ length: 2 * mostRefusalsALook + 2 }, (_, at) => at),
    );
  });

  it("counts those together that are written between two looks", () => {
    const { written, add, look } = setUp();
    add(mostRefusalsALook + 1);
    look();
    add(mostRefusalsALook);
    assert.equal(written.length, 2 * mostRefusalsALook);
  });

  it("waits for no look when nothing is left", () => {
    const { planned, add, look } = setUp();
    add(1);
    look();
    assert.deepEqual(planned, []);
  });

  it("goes on where a refusal asks for another one", () => {
    const { lane, look } = setUp();
    const written: string[] = [];
    lane.add(() => {
      written.push("first");
      lane.add(() => written.push("second"));
    });
    look();
    assert.deepEqual(written, ["first", "second"]);
  });
});
