import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { MemoryWatch } from "../../supervisor/memory-watch.ts";
import { makeReady, planFor, settled, startLife } from "./life-parts.ts";

const mebibyte = 2 ** 20;

/** Version 1, which has so much memory when it is ready. */
function begin(memoryMb: number | null, firstMb = 10) {
  const heard: string[] = [];
  const plan = planFor({ limits: { memoryMb }, bakeMs: 5_000 }, "1");
  const parts = startLife(plan, ["1", "2"], (group, host, life) => watch.look(group, host, life));
  const watch = new MemoryWatch(parts.clock, {
    onReplace: (_, reason) => heard.push(`replace for ${reason}`),
    onReplaced: (_, problem) => heard.push(problem ?? "replaced"),
    onKill: () => heard.push("kill"),
  });
  /** Each process has so much, at so many looks. */
  const beat = (rssMb: number, times = 1, pids = parts.forks.children.map(({ pid }) => pid)) => {
    for (const pid of pids) parts.rss.set(pid, rssMb * mebibyte);
    for (let count = 0; count < times; count += 1) {
      parts.clock.advance(1_000);
      // Its own word that all is well, which nobody listens to where the kernel says otherwise.
      const figures = { rssBytes: 1, cpuSeconds: 0, eventLoopDelayMs: 0 };
      for (const { slot } of parts.registry.hosts) slot.noteBeat(figures, false);
      for (const { slot } of parts.registry.hosts) slot.watch(parts.clock.now());
    }
  };
  const loadAt = (pid: number, rssMb: number) => {
    parts.rss.set(pid, rssMb * mebibyte);
    makeReady(parts.forks.children[pid - 1]);
  };
  loadAt(1, firstMb);
  return { ...parts, heard, beat, loadAt };
}

type Parts = ReturnType<typeof begin>;

/** Version 1 serves with 10 MiB, and version 2 has begun to start. */
function upgrading(memoryMb: number) {
  const parts = begin(memoryMb);
  const problems: string[] = [];
  const moved = parts.life.move(planFor({ limits: { memoryMb }, bakeMs: 5_000 }, "2"), {
    onRolledBack: (reason) => problems.push(reason),
  });
  // Whoever looks at it looks later.
  moved.catch(() => undefined);
  return { ...parts, moved, problems };
}

describe("MemoryWatch", () => {
  it("leaves alone what stays under its limit, and what has none", () => {
    const [limited, unlimited] = [begin(500), begin(null)];
    limited.beat(499, 5);
    unlimited.beat(99_999, 5);
    assert.deepEqual([limited.heard, unlimited.heard], [[], []]);
  });

  it("replaces a host that stays over its limit, once", async () => {
    const { forks, heard, beat, loadAt, view } = begin(500);
    beat(501, 4);
    assert.deepEqual([heard, forks.children.length], [["replace for memory"], 2]);
    assert.equal(view()[0], "1 ready 1");
    loadAt(2, 10);
    await settled();
    forks.children[0]?.exits(0);
    await settled();
    assert.deepEqual([heard.at(-1), view()[0]], ["replaced", "1 ready 2"]);
  });

  it("replaces a host whose engine moved by one that begins where it was: else it would move again", () => {
    const slowIn = (replace: (parts: Parts) => unknown) => {
      const parts = begin(500);
      const { forks } = parts;
      const reason = "its runs are long";
      forks.child.says({ type: "slow", reason });
      forks.child.says({ type: "engine", thread: "own", reason });
      replace(parts);
      const fresh = forks.children[1];
      fresh?.says({ type: "booted" });
      return (fresh?.sent ?? []).flatMap((one) => (one.type === "load" ? [one.spec.slow] : []));
    };
    const outgrown = slowIn(({ beat }) => beat(501, 2));
    // As where somebody asks for new hosts, maybe because of what these have found.
    const asked = slowIn(({ life: { groups } }) => {
      const [group] = groups;
      const [host] = group?.hosts ?? [];
      if (host !== undefined) void group?.replace(host);
    });
    assert.deepEqual([outgrown, asked], [["its runs are long"], [null]]);
  });

  it("replaces hosts of a model that grows too fast at most every half minute", async () => {
    const { forks, beat, loadAt, clock } = begin(50);
    beat(60, 4);
    loadAt(2, 10);
    await settled();
    beat(60, 10);
    assert.equal(forks.children.length, 2);
    clock.advance(30_000);
    beat(60, 2);
    assert.equal(forks.children.length, 3);
  });

  it("ends a host that is far over its limit", async () => {
    const { forks, heard, beat } = begin(500);
    beat(800);
    assert.deepEqual([heard, forks.child.kills], [["kill"], 1]);
    forks.child.exits(null, "SIGKILL");
    await settled();
    assert.equal(forks.children.length, 2);
  });

  for (const [name, firstMb] of [
    ["over its limit", 60],
    ["far over its limit", 90],
  ] as const) {
    it(`gives a model up whose first host is ${name} before it was asked anything`, async () => {
      const { forks, beat, clock, life, view } = begin(50, firstMb);
      beat(firstMb, 2);
      assert.deepEqual([forks.child.kills, view()[0]], [1, "1 unavailable"]);
      const phase = life.groups[0]?.hosts[0]?.slot.phase;
      assert.match(
        phase?.name === "given-up" ? phase.reason : "",
        new RegExp(`^the model needs too much: its memory is ${firstMb} MiB, over .*limit of 50$`),
      );
      forks.child.exits(null, "SIGKILL");
      await settled();
      clock.advance(120_000);
      assert.equal(forks.children.length, 1);
    });
  }

  it("does not give up what has fitted before", async () => {
    const { forks, beat, loadAt, view } = begin(50);
    beat(60, 2);
    loadAt(2, 60);
    await settled();
    beat(60, 3);
    assert.deepEqual([forks.children[1]?.kills, view()[0]], [0, "1 ready 2"]);
  });
});

describe("MemoryWatch, in a rollout", () => {
  const words = "its memory is 60 MiB, over the limit of 50";

  it("has it rolled back where the new host is over its limit while traffic is there", async () => {
    const { beat, loadAt, moved, problems, view, heard, life } = upgrading(50);
    loadAt(2, 60);
    await moved;
    beat(60, 2, [2]);
    assert.deepEqual([problems, heard], [[words], []]);
    assert.deepEqual(view(), ["1 ready 1", "2 unavailable"]);
    assert.equal(life.failures.get("2"), `rolled back: ${words}`);
  });

  it("has it rolled back where the new host grows over its limit while it bakes", async () => {
    const { beat, loadAt, moved, problems } = upgrading(50);
    loadAt(2, 10);
    await moved;
    beat(60, 2, [2]);
    assert.deepEqual(problems, [words]);
  });

  it("has it fail where the new host is far over its limit while it loads", async () => {
    const { beat, forks, moved, heard, view } = upgrading(50);
    beat(90, 1, [2]);
    await assert.rejects(moved, {
      code: "invalid-model",
      message: "Cannot serve model: its memory is 90 MiB, over 1.5 times the limit of 50",
    });
    assert.deepEqual([heard, forks.children[1]?.kills, forks.children.length], [["kill"], 1, 2]);
    assert.equal(view()[0], "1 ready 1");
  });

  it("goes on replacing hosts when it has baked", async () => {
    const { beat, loadAt, moved, clock, heard } = upgrading(50);
    loadAt(2, 10);
    await moved;
    clock.advance(5_000);
    beat(60, 2, [2]);
    assert.deepEqual(heard, ["replace for memory"]);
  });
});

describe("a model whose limit is lowered", () => {
  it("keeps the old one where its hosts use more than the new one", async () => {
    const { life, forks } = begin(500, 143);
    await assert.rejects(life.move(planFor({ limits: { memoryMb: 64 }, bakeMs: 5_000 }, "1")), {
      code: "invalid-model",
      message:
        "Cannot serve model: limits.memory_mb must be above what its hosts use now (143 MiB), got 64",
    });
    assert.deepEqual([life.config?.limits.memoryMb, forks.child.kills], [500, 0]);
    await life.move(planFor({ limits: { memoryMb: 144 }, bakeMs: 5_000 }, "1"));
    assert.equal(life.config?.limits.memoryMb, 144);
  });
});
