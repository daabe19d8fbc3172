import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { defaultModelConfig } from "../../src/config/model-config.ts";
import type { HostCommand } from "../../src/protocol/control.ts";
import { Feed } from "../../supervisor/feed.ts";
import { HostSlot } from "../../supervisor/host-slot.ts";
import { LifeNews } from "../../supervisor/life-news.ts";
import { PoisonList } from "../../supervisor/poison-list.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeForks, quietLog, slotContext } from "./fake-forks.ts";
import { makeReady, settled } from "./life-parts.ts";

/** A host of its own, of whose phases the feed is told as those of a model are. */
function setUp(onDown: (host: HostSlot) => void = () => undefined) {
  const clock = new FakeClock();
  const forks = new FakeForks<HostCommand>();
  const feed = new Feed(clock, () => undefined);
  const news = new LifeNews({
    clock,
    log: quietLog,
    feed,
    metrics: { countReplacement: () => undefined },
    hostLogs: { forget: () => undefined },
    view: () => undefined,
    listener: {
      onView: () => undefined,
      onGone: () => undefined,
      onMetrics: () => undefined,
      onReady: () => undefined,
      onDown: () => undefined,
    },
  });
  const host: HostSlot = new HostSlot(
    slotContext(clock),
    {
      ...{ model: "m", version: "1", file: "/m.onnx", beside: [], config: defaultModelConfig },
      ...{ replica: 0, ordinal: 1, fork: forks.fork, socketFolder: "/nowhere" },
      ...{ maxFrameBytes: 1, drainSequencesMs: 1, log: { level: "silent", pretty: false } },
      poison: new PoisonList(clock),
    },
    {
      onChange: () => news.onHost(host),
      onStep: () => undefined,
      onBeat: () => undefined,
      onWatch: () => undefined,
      onMetrics: () => undefined,
      onPoison: () => undefined,
      onDown: () => onDown(host),
    },
  );
  host.slot.start();
  makeReady(forks.child);
  const told = () =>
    feed.recent.map(({ state, reason, details }) => [state, reason, details["pid"]]);
  return { forks, host, told };
}

const begun = [
  ["starting", null, 1],
  ["ready", null, 1],
];

describe("the news of a host", () => {
  it("name the process that died, until there is another", async () => {
    const { forks, told } = setUp();
    forks.child.exits(null, "SIGKILL");
    await settled();
    assert.deepEqual(told(), [...begun, ["queued", "SIGKILL", 1], ["starting", null, 2]]);
  });

  it("tell of one that nobody wants any more since it died what it died of", async () => {
    const { forks, told } = setUp(({ slot }) => slot.apply({ type: "drain" }));
    forks.child.exits(null, "SIGKILL");
    await settled();
    assert.deepEqual(told(), [...begun, ["stopped", "SIGKILL", 1]]);
  });

  it("give no reason where it was asked to end", async () => {
    const { forks, host, told } = setUp();
    host.slot.apply({ type: "drain" });
    forks.child.exits(0);
    await settled();
    assert.deepEqual(told(), [...begun, ["draining", null, 1], ["stopped", null, 1]]);
  });

  it("do not blame one that is asked to end for the process before it", async () => {
    const { forks, host, told } = setUp();
    forks.child.exits(null, "SIGKILL");
    await settled();
    host.slot.apply({ type: "drain" });
    forks.child.exits(0);
    await settled();
    assert.deepEqual(told().slice(-2), [
      ["draining", null, 2],
      ["stopped", null, 2],
    ]);
  });
});
