import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { ModelFolder } from "../../src/config/model-folder.ts";
import type { HostCommand } from "../../src/protocol/control.ts";
import type { ModelConfig } from "../../src/protocol/model-settings.ts";
import type { ModelView } from "../../src/protocol/views.ts";
import type { MakeHostSlot, SlotPlan } from "../../supervisor/host-group.ts";
import { HostSlot } from "../../supervisor/host-slot.ts";
import { noFacts } from "../../supervisor/journal-facts.ts";
import type { LifeListener } from "../../supervisor/life-parts.ts";
import type { ModelLife } from "../../supervisor/model-life.ts";
import { planOf } from "../../supervisor/model-plan.ts";
import { ModelRegistry } from "../../supervisor/model-registry.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeForks, slotContext } from "./fake-forks.ts";

function folder(name: string, config: Partial<ModelConfig>, ...versions: string[]): ModelFolder {
  const wanted = versions.map((version) => ({
    version,
    file: `/models/${name}/${version}`,
    beside: [],
  }));
  return {
    name,
    versions: wanted,
    wanted,
    config: { ...defaultModelConfig, versions: { type: "all" }, ...config },
  };
}

function badFolder(name: string, problem: string): ModelFolder {
  return { name, versions: [], wanted: [], config: defaultModelConfig, problem };
}

function setUp() {
  const clock = new FakeClock();
  const forks = new FakeForks<HostCommand>();
  const plans: SlotPlan[] = [];
  const views: ModelView[] = [];
  const down: string[] = [];
  const reported: (readonly [HostSlot, number])[] = [];
  const context = slotContext(clock);
  const makeSlot: MakeHostSlot = (plan, listener) => {
    plans.push(plan);
    const log = { level: "silent" as const, pretty: false };
    const sizes = { maxFrameBytes: 1, drainSequencesMs: 1 };
    const shared = { fork: forks.fork, socketFolder: "/nowhere", ...sizes, log };
    return new HostSlot(context, { ...plan, ...shared }, listener);
  };
  const listener: LifeListener = {
    onView: ({ name }: ModelLife) => {
      const model = registry.get(name);
      if (model !== undefined) views.push(registry.view(model));
    },
    onHost: () => undefined,
    onStep: () => undefined,
    onBeat: () => undefined,
    onWatch: () => undefined,
    onRollout: () => undefined,
    onMetrics: (host, reportId) => reported.push([host, reportId]),
    onDown: (_, hostId) => down.push(hostId),
  };
  const registry = new ModelRegistry({ clock, makeSlot, drainMs: 1_000, listener });
  const add = (...folders: readonly ModelFolder[]) => {
    for (const one of folders) registry.add(one, planOf(one, noFacts));
  };
  return { forks, plans, views, down, reported, registry, add };
}

describe("ModelRegistry", () => {
  it("has models in the order of their names, whenever they came", () => {
    const { registry, add } = setUp();
    add(folder("m", {}, "1"), folder("a10", {}, "1"), folder("a2", {}, "1"));
    assert.deepEqual(
      registry.known.map((one) => one.folder.name),
      ["a2", "a10", "m"],
    );
  });

  it("makes a slot for every replica of every wanted version", () => {
    const { plans, registry, add } = setUp();
    add(folder("a", { replicas: 2 }, "1", "2"), folder("b", {}, "7"));
    assert.deepEqual(
      plans.map(({ model, version, file, replica, ordinal }) => [
        model,
        version,
        file,
        replica,
        ordinal,
      ]),
      [
        ["a", "1", "/models/a/1", 0, 1],
        ["a", "1", "/models/a/1", 1, 2],
        ["a", "2", "/models/a/2", 0, 3],
        ["a", "2", "/models/a/2", 1, 4],
        ["b", "7", "/models/b/7", 0, 5],
      ],
    );
    assert.equal(registry.hosts.length, 5);
  });

  it("has one list of poison for the replicas of a version, and another for the next version", () => {
    const { plans, add } = setUp();
    add(folder("a", { replicas: 2 }, "1", "2"));
    const [first, second, third] = plans.map(({ poison }) => poison);
    assert.ok(first === second && second !== third);
  });

  it("forks nothing by itself", () => {
    const { forks, add } = setUp();
    add(folder("a", {}, "1"));
    assert.deepEqual(forks.children, []);
  });

  it("shows a model that cannot be served, with its reason and without slots", () => {
    const { registry, plans, add } = setUp();
    add(badFolder("bad", "model.yaml: no"));
    const shown = registry.views.map(({ name, problem, versions }) => [name, problem, versions]);
    assert.deepEqual([shown, plans], [[["bad", "model.yaml: no", []]], []]);
  });

  it("announces the model, and only it, when one of its slots changes", () => {
    const { registry, views, add } = setUp();
    add(folder("a", {}, "1"), folder("b", {}, "1"));
    registry.hosts[1]?.slot.start();
    registry.hosts[1]?.slot.apply({ type: "ready" });
    assert.deepEqual(
      views.map(({ name, versions }) => [name, versions[0]?.state]),
      [
        ["b", "loading"],
        ["b", "ready"],
      ],
    );
  });

  it("tells poison to all replicas of the version, and to no other", () => {
    const { registry, forks, add } = setUp();
    add(folder("a", { replicas: 2 }, "1", "2"));
    for (const host of registry.hosts) host.slot.start();
    const [first, second, third] = forks.children;
    first?.says({ type: "suspect", fingerprint: "f" });
    first?.exits(null, "SIGSEGV");
    const poison = [{ type: "poison", fingerprint: "f" }];
    assert.deepEqual([second?.sent, third?.sent], [poison, []]);
  });

  it("says whose metrics came, and which host went down", () => {
    const { registry, forks, reported, down, add } = setUp();
    add(folder("a", { replicas: 2 }, "1"));
    for (const host of registry.hosts) host.slot.start();
    forks.children[1]?.says({ type: "metrics", reportId: 3, metrics: [] });
    forks.children[1]?.exits(null, "SIGKILL");
    assert.deepEqual([reported, down], [[[registry.hosts[1], 3]], ["a/1#1.2-1"]]);
  });
});
