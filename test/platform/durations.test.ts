import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Durations, LastTime } from "../../src/platform/durations.ts";
import { snapshotOf } from "../../src/platform/metrics.ts";
import { createRegistry, merge } from "../../src/platform/registry.ts";

describe("Durations", () => {
  it("count, and sum microseconds up as nanoseconds", async () => {
    const registry = createRegistry();
    const durations = new Durations<"stage">(registry, "times", "Times");
    for (const us of [1.5, 2]) durations.series({ stage: "run" }).add(us);
    const [metric] = await snapshotOf(registry);
    assert.deepEqual(metric?.values, [
      { labels: { stage: "run", unit: "count" }, value: 2 },
      { labels: { stage: "run", unit: "ns" }, value: 3_500 },
    ]);
  });
});

describe("LastTime", () => {
  it("is the latest of all processes", async () => {
    const snapshots = [5, 9, 7].map((at) => {
      const registry = createRegistry();
      const last = new LastTime(registry, "last", "Last", { model_id: "m" });
      last.note(at);
      return snapshotOf(registry);
    });
    const [metric] = await snapshotOf(merge(await Promise.all(snapshots)));
    assert.deepEqual(metric?.values, [{ labels: { model_id: "m" }, value: 9 }]);
  });
});
