import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as turn } from "node:timers/promises";
import type { DoorCommand, DoorEvent, DoorSettings } from "../../src/protocol/control.ts";
import type { SendHandle } from "../../supervisor/child-process.ts";
import { DoorSlot } from "../../supervisor/door-slot.ts";
import { FakeClock } from "../fake-clock.ts";
import { FakeForks, slotContext } from "./fake-forks.ts";

const settings = { serverName: "troupe" } as DoorSettings;
const handle = {} as SendHandle;

function setUp() {
  const clock = new FakeClock();
  const forks = new FakeForks<DoorCommand>();
  const heard: unknown[] = [];
  const hear =
    (name: string) =>
    (...rest: readonly unknown[]) =>
      heard.push([name, ...rest]);
  const context = slotContext(clock);
  const door: DoorSlot = new DoorSlot(
    context,
    { index: 3, settings, fork: forks.fork, handle, grpcHandle: undefined },
    {
      onChange: () => undefined,
      onStart: hear("start"),
      onListening: hear("listening"),
      onListenFailed: hear("listen-failed"),
      onMetrics: hear("metrics"),
      onQuery: hear("query"),
      onProgress: hear("progress"),
      onTraces: hear("traces"),
      onDropped: hear("dropped"),
      onSilent: hear("silent"),
      onViolation: hear("violation"),
      onDown: ({ cause }) => heard.push(["down", cause]),
    },
  );
  door.slot.start();
  return { clock, forks, heard, door };
}

describe("a front door's slot", () => {
  it("gives its process settings and the listening handle, and then whatever must be known", () => {
    const { forks, heard, door } = setUp();
    forks.child.says({ type: "booted" });
    assert.deepEqual(forks.child.sent, [{ type: "start", settings }]);
    assert.equal(forks.child.handles[0], handle);
    assert.deepEqual(heard, [["start", door]]);
  });

  const figures = { rssBytes: 1, cpuSeconds: 2, eventLoopDelayMs: 3 };
  const rows: readonly (readonly [DoorEvent, unknown[]])[] = [
    [{ type: "listening", port: 80 }, ["listening", 80]],
    [{ type: "listen-failed", reason: "EACCES" }, ["listen-failed", "EACCES"]],
    [{ type: "metrics", reportId: 4, metrics: [] }, ["metrics", 4, []]],
    [{ type: "violation", hostId: "h", reason: "lies" }, ["violation", "h", "lies"]],
  ];
  for (const [event, expected] of rows) {
    it(`hands on ${event.type}`, () => {
      const { forks, heard } = setUp();
      forks.child.says(event);
      assert.deepEqual(heard, [expected]);
    });
  }

  it("says who asks a question", () => {
    const { forks, heard, door } = setUp();
    forks.child.says({ type: "query", queryId: 9, question: { type: "tree" } });
    assert.deepEqual(heard, [["query", door, 9, { type: "tree" }]]);
  });

  it("is ready when it listens", () => {
    const { forks, door } = setUp();
    forks.child.says({ type: "listening", port: 80 });
    assert.deepEqual([door.slot.phase.name, door.index], ["ready", 3]);
  });

  it("hands on which host is silent", () => {
    const { forks, heard } = setUp();
    forks.child.says({ type: "silent", hostId: "iris/1#0.1" });
    assert.deepEqual(heard, [["silent", "iris/1#0.1"]]);
  });

  it("keeps its figures", () => {
    const { forks, door } = setUp();
    forks.child.says({ type: "beat", isResting: false, figures });
    assert.deepEqual(door.slot.figures, figures);
  });

  it("is never given up for long", async () => {
    const { clock, forks, door } = setUp();
    for (let crashes = 1; crashes <= 200; crashes += 1) {
      forks.child.exits(null, "SIGKILL");
      clock.advance(2_000);
      await turn();
      assert.deepEqual([door.slot.phase.name, forks.children.length], ["starting", crashes + 1]);
    }
  });

  it("ends a process that says what no front door says", () => {
    const { forks } = setUp();
    forks.child.says({ type: "answered" });
    assert.equal(forks.child.kills, 1);
  });

  it("says when its process went down", () => {
    const { forks, heard } = setUp();
    forks.child.exits(null, "SIGSEGV");
    assert.deepEqual(heard, [["down", "SIGSEGV"]]);
  });
});
