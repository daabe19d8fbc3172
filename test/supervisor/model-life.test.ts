import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { HostCommand } from "../../src/protocol/control.ts";
import type { ModelConfig } from "../../src/protocol/model-settings.ts";
import type { FakeChild } from "./fake-forks.ts";
import { makeReady, planFor, settled, startLife } from "./life-parts.ts";
import { metadata } from "./metadata.ts";

const small: Partial<ModelConfig> = { batching: { maxBatchSize: 2, maxQueueDelayMs: 0 } };

function drains(child: FakeChild<HostCommand> | undefined): boolean {
  return child?.sent.some(({ type }) => type === "drain") ?? false;
}

/** Version 1 serves, and version 2 has begun to start. */
function upgrading(bakeMs = 500) {
  const parts = startLife(planFor({ bakeMs }, "1"));
  makeReady(parts.forks.child);
  const problems: string[] = [];
  const moved = parts.life.move(planFor({ bakeMs }, "2"), {
    onRolledBack: (reason) => problems.push(reason),
  });
  return { ...parts, moved, problems };
}

describe("a model that moves to another version", () => {
  it("starts the new one beside the old, and hides it until it is ready", () => {
    const { forks, view } = upgrading();
    assert.equal(forks.children.length, 2);
    assert.deepEqual(view(), ["1 ready 1", "2 loading"]);
  });

  it("moves traffic at once, and drains the old one when the new one has baked", async () => {
    const { clock, forks, view, moved, rollouts, life } = upgrading();
    makeReady(forks.children[1]);
    await moved;
    assert.deepEqual(view(), ["1 ready 1", "2 ready 2"]);
    assert.equal(drains(forks.children[0]), false);
    clock.advance(500);
    assert.deepEqual([view(), drains(forks.children[0])], [["1 draining", "2 ready 2"], true]);
    forks.children[0]?.exits(0);
    await life.quiet();
    assert.deepEqual(view(), ["1 unloaded", "2 ready 2"]);
    assert.deepEqual(rollouts, ["2 starting", "2 committing", "2 baking", "2 done"]);
  });

  it("lists of two hosts of one version first the one that serves, and says what each does", async () => {
    const { clock, forks, registry, life } = startLife(planFor({ bakeMs: 500 }, "1"));
    makeReady(forks.child);
    const hosts = () =>
      registry.models[0]?.versions[0]?.hosts.map(({ host, stage }) => `${host.slot.pid} ${stage}`);
    const moved = life.move(planFor({ ...small, bakeMs: 500 }, "1"));
    assert.deepEqual(hosts(), ["1 serving", "2 new"]);
    makeReady(forks.children[1]);
    await moved;
    assert.deepEqual(hosts(), ["2 serving", "1 standby"]);
    clock.advance(500);
    assert.deepEqual(hosts(), ["2 serving", "1 leaving"]);
    const replaced = life.groups.find(({ stage }) => stage === "serving");
    const [host] = replaced?.hosts ?? [];
    assert.ok(replaced !== undefined && host !== undefined);
    const done = replaced.replace(host);
    assert.deepEqual(hosts(), ["2 serving", "3 new", "1 leaving"]);
    makeReady(forks.children[2]);
    await settled();
    assert.deepEqual(hosts(), ["3 serving", "1 leaving", "2 leaving"]);
    for (const child of forks.children.slice(0, 2)) child.exits(0);
    await done;
  });

  it("tells the steps of its rollout, and none of a host that only starts again", async () => {
    const { forks, moved, steps } = upgrading();
    const [old, fresh] = forks.children;
    fresh?.says({ type: "booted" });
    fresh?.says({ type: "step", step: "warmup" });
    fresh?.says({ type: "ready", metadata });
    await moved;
    assert.deepEqual(steps, ["2 warmup"]);
    old?.exits(null, "SIGKILL");
    await settled();
    forks.children[2]?.says({ type: "booted" });
    forks.children[2]?.says({ type: "step", step: "warmup" });
    assert.deepEqual([forks.children.length, steps], [3, ["2 warmup"]]);
  });

  it("comes back when the new one dies while it bakes", async () => {
    const { clock, forks, view, moved, problems, life } = upgrading();
    makeReady(forks.children[1]);
    await moved;
    forks.children[1]?.exits(null, "SIGSEGV");
    assert.deepEqual(view(), ["1 ready 1", "2 unavailable"]);
    await life.quiet();
    clock.advance(1_000);
    assert.deepEqual(view(), ["1 ready 1", "2 unavailable"]);
    assert.equal(life.failures.get("2"), "rolled back: its host ended (SIGSEGV)");
    assert.deepEqual([problems, forks.children.length], [["its host ended (SIGSEGV)"], 2]);
    assert.equal(drains(forks.children[0]), false);
  });

  it("comes back when the new one's breaker opens while it bakes", async () => {
    const { forks, moved, problems, life } = upgrading();
    makeReady(forks.children[1]);
    await moved;
    const group = life.groups.find(({ version }) => version === "2");
    assert.ok(group !== undefined);
    life.noteBreaker(group);
    assert.deepEqual(problems, ["its circuit breaker opened"]);
  });

  it("stays where it is when the new one is refused", async () => {
    const { forks, view, moved, problems, life } = upgrading();
    forks.children[1]?.says({ type: "booted" });
    forks.children[1]?.says({ type: "refused", reason: "golden[0]: no" });
    await assert.rejects(moved, {
      code: "invalid-model",
      message: "Cannot serve model: golden[0]: no",
    });
    await life.quiet();
    assert.deepEqual([view(), problems], [["1 ready 1", "2 unavailable"], []]);
  });

  it("gives the new one a second start, as a trial may end it, but no third", async () => {
    const { forks, moved } = upgrading();
    forks.children[1]?.exits(null, "SIGABRT");
    await settled();
    forks.children[2]?.exits(null, "SIGABRT");
    await assert.rejects(moved, { message: "Cannot serve model: its host ended (SIGABRT)" });
    await settled();
    assert.equal(forks.children.length, 3);
  });

  it("gives each replica of the new one that second start", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const moved = life.move(planFor({ replicas: 2 }, "2"));
    forks.children[1]?.exits(null, "SIGABRT");
    forks.children[2]?.exits(null, "SIGABRT");
    await settled();
    makeReady(forks.children[3]);
    makeReady(forks.children[4]);
    await moved;
    assert.deepEqual(view(), ["1 ready 1", "2 ready 4 5"]);
  });

  it("does not move before what must be written is written, and not at all if it cannot be", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"));
    makeReady(forks.child);
    const moved = life.move(planFor({}, "2"), { commit: () => Promise.reject(new Error("disk")) });
    makeReady(forks.children[1]);
    await assert.rejects(moved, { code: "internal" });
    await settled();
    forks.children[1]?.exits(0);
    await life.quiet();
    assert.deepEqual(view(), ["1 ready 1", "2 unavailable"]);
  });

  it("ends its bake when it is changed again", async () => {
    const { forks, moved, life } = upgrading();
    makeReady(forks.children[1]);
    await moved;
    life.supersede();
    assert.deepEqual([life.rollout?.name, drains(forks.children[0])], ["done", true]);
  });
});

describe("a model whose configuration changes", () => {
  it("gets new processes where hosts must know of it, under the same version", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const moved = life.move(planFor(small, "1"));
    assert.deepEqual(view(), ["1 ready 1"]);
    makeReady(forks.children[1]);
    await moved;
    assert.deepEqual(view(), ["1 ready 2"]);
  });

  it("gets none where they need not", async () => {
    const { forks, life } = startLife(planFor({}, "1"));
    makeReady(forks.child);
    await life.move(planFor({ description: "new", limits: { memoryMb: 99 } }, "1"));
    assert.deepEqual([forks.children.length, life.config?.description], [1, "new"]);
    assert.equal(life.groups[0]?.config.limits.memoryMb, 99);
  });

  it("gets more replicas, and fewer", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const grown = life.move(planFor({ replicas: 3 }, "1"));
    await settled();
    makeReady(forks.children[1]);
    makeReady(forks.children[2]);
    await grown;
    assert.deepEqual(view(), ["1 ready 1 2 3"]);
    const shrunk = life.move(planFor({ replicas: 1 }, "1"));
    await settled();
    assert.deepEqual(view(), ["1 ready 1"]);
    for (const child of forks.children.slice(1)) child.exits(0);
    await shrunk;
  });

  it("moves nowhere where the replicas that are wanted beside it cannot be had", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"));
    makeReady(forks.child);
    const moved = life.move(planFor({ replicas: 2 }, "1", "2"));
    const refused = assert.rejects(moved, { message: "Cannot start another replica: no room" });
    await settled();
    forks.children[1]?.says({ type: "booted" });
    forks.children[1]?.says({ type: "refused", reason: "no room" });
    await settled();
    forks.children[1]?.exits(1);
    await refused;
    assert.deepEqual([view(), forks.children.length], [["1 ready 1", "2 unloaded"], 2]);
    assert.equal(life.config?.replicas, 1);
  });

  it("gets a new process for a version that is renewed", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const moved = life.move(planFor({}, "1"), { renew: new Set(["1"]) });
    makeReady(forks.children[1]);
    await moved;
    assert.deepEqual(view(), ["1 ready 2"]);
  });
});

describe("a model that nobody wants any more", () => {
  it("is gone when its processes are, and ends those that do not go by themselves", async () => {
    const { clock, forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const moved = life.move(planFor({}));
    await settled();
    assert.deepEqual([view(), drains(forks.child)], [["1 draining"], true]);
    clock.advance(1_000);
    assert.equal(forks.child.kills, 1);
    forks.child.exits(null, "SIGKILL");
    await moved;
    assert.deepEqual(view(), ["1 unloaded"]);
  });
});

describe("a replica that is replaced", () => {
  it("serves until the new one is ready", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const [group] = life.groups;
    const [host] = group?.hosts ?? [];
    assert.ok(group !== undefined && host !== undefined);
    const replaced = group.replace(host);
    assert.deepEqual(view(), ["1 ready 1"]);
    makeReady(forks.children[1]);
    await settled();
    assert.deepEqual([view(), drains(forks.children[0])], [["1 ready 2"], true]);
    forks.children[0]?.exits(0);
    await replaced;
  });

  it("stays where the new one cannot be", async () => {
    const { forks, life, view } = startLife(planFor({}, "1"), ["1"]);
    makeReady(forks.child);
    const [group] = life.groups;
    const [host] = group?.hosts ?? [];
    assert.ok(group !== undefined && host !== undefined);
    const replaced = group.replace(host);
    forks.children[1]?.says({ type: "booted" });
    forks.children[1]?.says({ type: "refused", reason: "no" });
    await assert.rejects(replaced, { message: "Cannot start another replica: no" });
    assert.deepEqual(view(), ["1 ready 1"]);
  });
});

describe("a model of which a version goes on beside a new one", () => {
  /** Version 1 serves with three replicas and goes on with fewer or more; version 2 comes. */
  function adding(replicas: number) {
    const parts = startLife(planFor({ replicas: 3, bakeMs: 500 }, "1"));
    for (const child of parts.forks.children) makeReady(child);
    const moved = parts.life.move(planFor({ replicas, bakeMs: 500 }, "1", "2"));
    const replicasOf = (version: string) =>
      parts.life.serving.find((group) => group.version === version)?.hosts.length ?? 0;
    const makeAllReady = () => {
      for (const child of parts.forks.children.slice(3)) makeReady(child);
    };
    return { ...parts, moved, replicasOf, makeAllReady };
  }

  it("takes its replicas away when the new one serves, and has them again where that fails", async () => {
    const { forks, moved, replicasOf, makeAllReady, life } = adding(1);
    assert.equal(replicasOf("1"), 3);
    makeAllReady();
    await moved;
    assert.deepEqual([replicasOf("1"), replicasOf("2"), life.config?.replicas], [1, 1, 1]);
    forks.children[3]?.exits(null, "SIGSEGV");
    await settled();
    assert.deepEqual([replicasOf("1"), replicasOf("2"), life.config?.replicas], [3, 0, 3]);
  });

  it("adds its replicas before the new one starts, and takes them away where that fails", async () => {
    const { forks, moved, replicasOf, life } = adding(5);
    assert.equal(forks.children.length, 5);
    for (const child of forks.children.slice(3)) makeReady(child);
    await settled();
    assert.equal(forks.children.length, 10);
    forks.children[5]?.says({ type: "booted" });
    const refused = assert.rejects(moved, { message: "Cannot serve model: no" });
    forks.children[5]?.says({ type: "refused", reason: "no" });
    await settled();
    for (const child of forks.children) if (drains(child)) child.exits(0);
    await refused;
    assert.deepEqual([replicasOf("1"), life.config?.replicas], [3, 3]);
  });
});
