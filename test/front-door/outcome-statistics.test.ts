import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { OutcomeStatistics } from "../../src/front-door/outcome-statistics.ts";
import { snapshotOf } from "../../src/platform/metrics.ts";
import { createRegistry } from "../../src/platform/registry.ts";
import type { ErrorCode } from "../../src/protocol/errors.ts";
import { doorParts } from "./door-parts.ts";

type Ended = readonly [model: string, version: string, code: ErrorCode | null];

async function counted(...ended: readonly Ended[]): Promise<readonly unknown[]> {
  const registry = createRegistry();
  const outcomes = new OutcomeStatistics(registry, doorParts().directory);
  for (const [model, version, code] of ended) {
    outcomes.note({ model, version, code, totalMs: 1.5 });
  }
  const [metric] = await snapshotOf(registry);
  return (metric?.values ?? []).map(({ labels, value }) => {
    const { model_id, version, statistic, unit } = labels;
    return [`${model_id}/${version}`, statistic, unit, value];
  });
}

describe("OutcomeStatistics", () => {
  it("sums up how often and how long requests succeeded and failed", async () => {
    assert.deepEqual(await counted(["m", "1", null], ["m", "1", null], ["m", "1", "internal"]), [
      ["m/1", "success", "count", 2],
      ["m/1", "success", "ns", 3_000_000],
      ["m/1", "fail", "count", 1],
      ["m/1", "fail", "ns", 1_500_000],
    ]);
  });

  it("counts what was refused before it had a version for the default one", async () => {
    const [, , count] = await counted(["m", "", "overloaded"], ["m", "1", "overloaded"]);
    assert.deepEqual(count, ["m/1", "fail", "count", 2]);
  });

  it("adds no series for names that clients make up", async () => {
    assert.deepEqual(
      await counted(["no", "1", "model-not-found"], ["m", "9", "model-not-found"]),
      [],
    );
  });
});
