import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { poisonTtlMs } from "../../src/protocol/control.ts";
import { PoisonList } from "../../supervisor/poison-list.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  return { clock, list: new PoisonList(clock) };
}

describe("PoisonList", () => {
  it("is empty at first", () => assert.deepEqual(setUp().list.fingerprints, []));

  it("needs two strikes, and says which was the second", () => {
    const { list } = setUp();
    const strikes = [list.strike("a"), list.strike("b"), list.strike("a"), list.strike("a")];
    assert.deepEqual([strikes, list.fingerprints], [[false, false, true, false], ["a"]]);
  });

  it("convicts at once", () => {
    const { list } = setUp();
    assert.deepEqual([list.convict("a"), list.fingerprints], [true, ["a"]]);
  });

  it("convicts one that has a strike already, once", () => {
    const { list } = setUp();
    list.strike("a");
    assert.deepEqual([list.convict("a"), list.convict("a")], [true, false]);
  });

  it("forgets after its time, counted from the last strike", () => {
    const { clock, list } = setUp();
    list.convict("a");
    clock.advance(poisonTtlMs / 2);
    list.strike("a");
    clock.advance(poisonTtlMs / 2);
    const before = list.fingerprints;
    clock.advance(poisonTtlMs / 2);
    assert.deepEqual([before, list.fingerprints], [["a"], []]);
  });

  it("tells anew of poison that it has forgotten", () => {
    const { clock, list } = setUp();
    list.convict("a");
    clock.advance(poisonTtlMs);
    assert.deepEqual([list.convict("a"), list.fingerprints], [true, ["a"]]);
  });

  it("does not count a strike that is forgotten", () => {
    const { clock, list } = setUp();
    list.strike("a");
    clock.advance(poisonTtlMs);
    assert.deepEqual([list.strike("a"), list.fingerprints], [false, []]);
  });

  it("keeps the last thousand, and of those the ones that struck again", () => {
    const { list } = setUp();
    for (let at = 0; at < 1_000; at += 1) list.convict(`${at}`);
    list.strike("0");
    list.convict("new");
    const { fingerprints } = list;
    assert.equal(fingerprints.length, 1_000);
    assert.deepEqual([fingerprints.at(0), fingerprints.slice(-2)], ["2", ["0", "new"]]);
  });
});
