import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryKillHistory } from "../../supervisor/memory-kills.ts";

describe("MemoryKillHistory", () => {
  it("remembers the count of a moment ago, and forgets that it was ever less", () => {
    const kernel = { kills: 3 };
    const history = new MemoryKillHistory(() => kernel.kills);
    kernel.kills = 4;
    const remembered = [history.before];
    for (let ticks = 0; ticks < 4; ticks += 1) {
      history.tick();
      remembered.push(history.before);
    }
    assert.deepEqual(remembered, [3, 3, 3, 3, 4]);
  });
});
