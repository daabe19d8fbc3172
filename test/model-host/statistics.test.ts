import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Statistics } from "../../model-host/statistics.ts";
import { snapshotOf } from "../../src/platform/metrics.ts";
import { createRegistry } from "../../src/platform/registry.ts";

const times = { decodeUs: 1, queueUs: 2, runUs: 3, encodeUs: 4 };

async function values(act: (statistics: Statistics) => void): Promise<readonly unknown[]> {
  const registry = createRegistry();
  act(new Statistics(registry, "m", "1"));
  const metrics = await snapshotOf(registry);
  return metrics.flatMap((metric) =>
    metric.values
      .filter(({ value }) => value > 0)
      .map(({ labels: { statistic, batch_size, unit }, value }) =>
        [statistic, batch_size, unit, value].filter((part) => part !== undefined).join(" "),
      ),
  );
}

describe("Statistics of a host", () => {
  it("sums up the stages of requests in nanoseconds", async () => {
    const answered = (statistics: Statistics) => statistics.noteAnswered(times);
    assert.deepEqual(await values(answered), [
      "queue count 1",
      "queue ns 2000",
      "compute_input count 1",
      "compute_input ns 1000",
      "compute_infer count 1",
      "compute_infer ns 3000",
      "compute_output count 1",
      "compute_output ns 4000",
    ]);
  });

  it("sums up runs by their rows", async () => {
    const runs = await values((statistics) => {
      for (const rows of [2, 8, 2]) statistics.noteRun(rows, times);
    });
    const infer = runs.filter((line) => String(line).startsWith("compute_infer"));
    assert.deepEqual(infer, [
      "compute_infer 2 count 2",
      "compute_infer 2 ns 6000",
      "compute_infer 8 count 1",
      "compute_infer 8 ns 3000",
    ]);
  });

  it("keeps the last time, though the clock goes back", async () => {
    const begun = await values((statistics) => {
      statistics.noteBegun(9);
      statistics.noteBegun(8);
    });
    assert.deepEqual(begun, ["9"]);
  });
});
