import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryWatch } from "../../supervisor/memory-watch.ts";
import { makeReady, planFor, settled, startLife } from "./life-parts.ts";

const mebibyte = 2 ** 20;

function begin(memoryMb: number | null) {
  const parts = startLife(planFor({ limits: { memoryMb } }, "1"), ["1"]);
  makeReady(parts.forks.child);
  const heard: string[] = [];
  const watch = new MemoryWatch(parts.clock, {
    onReplace: (_, reason) => heard.push(`replace for ${reason}`),
    onReplaced: (_, problem) => heard.push(problem ?? "replaced"),
    onKill: () => heard.push("kill"),
  });
  const [group] = parts.life.groups;
  assert.ok(group !== undefined);
  /** The host that serves says what it holds, as often as asked. */
  const beat = (rssMb: number, times = 1) => {
    for (let count = 0; count < times; count += 1) {
      const [host] = group.hosts;
      assert.ok(host !== undefined);
      parts.clock.advance(250);
      host.slot.noteBeat({ rssBytes: rssMb * mebibyte, cpuSeconds: 0, eventLoopDelayMs: 0 });
      watch.note(group, host);
    }
  };
  return { ...parts, heard, beat };
}

describe("MemoryWatch", () => {
  it("leaves alone what stays under its limit, and what has none", () => {
    const [limited, unlimited] = [begin(500), begin(null)];
    limited.beat(499, 5);
    unlimited.beat(99_999, 5);
    assert.deepEqual([limited.heard, unlimited.heard], [[], []]);
  });

  it("replaces a host that stays over its limit, once", async () => {
    const { forks, heard, beat, view } = begin(500);
    beat(501, 4);
    assert.deepEqual([heard, forks.children.length], [["replace for memory"], 2]);
    assert.deepEqual(view(), ["1 ready 1"]);
    makeReady(forks.children[1]);
    await settled();
    forks.children[0]?.exits(0);
    await settled();
    assert.deepEqual([heard.at(-1), view()], ["replaced", ["1 ready 2"]]);
  });

  it("does not replace hosts for ever where the limit is too low for any", async () => {
    const { forks, beat, clock } = begin(50);
    beat(60, 4);
    makeReady(forks.children[1]);
    await settled();
    beat(60, 10);
    assert.equal(forks.children.length, 2);
    clock.advance(30_000);
    beat(60, 2);
    assert.equal(forks.children.length, 3);
  });

  it("ends a host that is far over its limit", () => {
    const { forks, heard, beat } = begin(500);
    beat(800);
    assert.deepEqual([heard, forks.child.kills], [["kill"], 1]);
  });
});
