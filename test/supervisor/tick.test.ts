import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostSlot } from "../../supervisor/host-slot.ts";
import { Tick } from "../../supervisor/tick.ts";
import { FakeClock } from "../fake-clock.ts";

function setUp() {
  const clock = new FakeClock();
  const looks: string[] = [];
  const slot = {
    watch: () => looks.push("watched"),
    forgive: () => looks.push("forgiven"),
  } as unknown as HostSlot["slot"];
  const memoryKills = { tick: () => undefined };
  const tick = new Tick({ clock, memoryKills, members: () => [{ slot }] });
  tick.plan();
  return { clock, looks, tick };
}

describe("a tick", () => {
  it("looks at every child four times a second", () => {
    const { clock, looks } = setUp();
    clock.advance(1_000);
    assert.deepEqual(looks, ["watched", "watched", "watched", "watched"]);
  });

  it("forgives them once where it is late itself", () => {
    const { clock, looks } = setUp();
    clock.advanceLate(250, 501);
    clock.advance(250);
    assert.deepEqual(looks, ["forgiven", "watched"]);
  });

  it("tells how late it was at most since somebody asked", () => {
    const { clock, tick } = setUp();
    clock.advanceLate(250, 30);
    clock.advanceLate(250, 20);
    assert.deepEqual([tick.takeLateMs(), tick.takeLateMs()], [30, 0]);
  });
});
