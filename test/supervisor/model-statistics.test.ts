import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Statistics } from "../../model-host/statistics.ts";
import { Durations } from "../../src/platform/durations.ts";
import { snapshotOf } from "../../src/platform/metrics.ts";
import { createRegistry } from "../../src/platform/registry.ts";
import { durationsMetric } from "../../src/protocol/statistics.ts";
import { MetricsLedger } from "../../supervisor/metrics-ledger.ts";
import { isUsed, modelStatistics } from "../../supervisor/model-statistics.ts";

const times = { decodeUs: 1, queueUs: 2, runUs: 3, encodeUs: 4 };

function host(version = "1") {
  const registry = createRegistry();
  return { statistics: new Statistics(registry, "m", version), registry };
}

function door() {
  const registry = createRegistry();
  const durations = new Durations<"model_id" | "version" | "statistic">(
    registry,
    durationsMetric,
    "Times",
  );
  const of = (statistic: string) => durations.series({ model_id: "m", version: "1", statistic });
  return { registry, success: of("success"), fail: of("fail") };
}

const one = { model: "m", version: "1", isRunning: true, rssBytes: 42 };
const none = { count: 0, ns: 0 };

describe("The statistics of a model's versions", () => {
  it("are nothing before the first request", () => {
    const [stats] = modelStatistics([], [{ ...one, rssBytes: null }]);
    const { inference_stats, ...rest } = stats ?? {};
    assert.deepEqual(rest, {
      name: "m",
      version: "1",
      last_inference: 0,
      inference_count: 0,
      execution_count: 0,
      response_stats: {},
      batch_stats: [],
      memory_usage: [],
    });
    const sums = Object.values(inference_stats as object);
    assert.deepEqual(
      sums,
      sums.map(() => none),
    );
    assert.ok(stats !== undefined && !isUsed(stats));
  });

  it("add up what hosts and front doors have counted, those that ended among them", async () => {
    const ledger = new MetricsLedger();
    const [first, second, front] = [host(), host(), door()];
    for (const { statistics } of [first, second]) {
      statistics.noteBegun(7);
      statistics.noteAnswered(times);
      statistics.noteRun(2, times);
    }
    first.statistics.noteBegun(9);
    second.statistics.noteRun(1, times);
    front.success.add(5);
    front.success.add(5);
    front.fail.add(1);
    for (const part of [first, second, front]) ledger.note(part, await snapshotOf(part.registry));
    ledger.retire(first);
    const [stats] = modelStatistics(await ledger.statistics(), [one]);
    const batch = (batch_size: number, count: number) => ({
      batch_size,
      compute_input: { count, ns: 1_000 * count },
      compute_infer: { count, ns: 3_000 * count },
      compute_output: { count, ns: 4_000 * count },
    });
    assert.deepEqual(stats, {
      name: "m",
      version: "1",
      last_inference: 9,
      inference_count: 5,
      execution_count: 3,
      inference_stats: {
        success: { count: 2, ns: 10_000 },
        fail: { count: 1, ns: 1_000 },
        queue: { count: 2, ns: 4_000 },
        compute_input: { count: 2, ns: 2_000 },
        compute_infer: { count: 2, ns: 6_000 },
        compute_output: { count: 2, ns: 8_000 },
        cache_hit: none,
        cache_miss: none,
      },
      response_stats: {},
      batch_stats: [batch(1, 1), batch(2, 2)],
      memory_usage: [{ type: "CPU", id: 0, byte_size: 42 }],
    });
    assert.ok(isUsed(stats ?? {}));
  });

  it("tell versions apart", async () => {
    const ledger = new MetricsLedger();
    const parts = [host("1"), host("2")];
    for (const [at, { statistics }] of parts.entries()) {
      for (let run = 0; run <= at; run += 1) statistics.noteRun(1, times);
    }
    for (const part of parts) ledger.note(part, await snapshotOf(part.registry));
    const stats = modelStatistics(await ledger.statistics(), [{ ...one, version: "2" }, one]);
    assert.deepEqual(
      stats.map(({ version, execution_count }) => [version, execution_count]),
      [
        ["2", 2],
        ["1", 1],
      ],
    );
  });

  it("stand on no page of metrics", async () => {
    const ledger = new MetricsLedger();
    const part = host();
    part.statistics.noteRun(1, times);
    ledger.note(part, await snapshotOf(part.registry));
    assert.doesNotMatch(await ledger.merged(createRegistry()), /statistics_/);
  });
});
