import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Counter, Gauge, Histogram } from "prom-client";
import { seededRandom } from "../../models/random.ts";
import { Distribution, secondsBounds, snapshotOf, Tally } from "../../src/platform/metrics.ts";
import { createRegistry, merge } from "../../src/platform/registry.ts";

const labelNames = ["model_id", "reason"];

function labelsAt(at: number): { model_id: string; reason: string } {
  return { model_id: `m${at % 3}`, reason: at % 2 === 0 ? "a" : 'b "quoted"\n\\' };
}

/** One process that has served `rounds` requests. */
function process(rounds: number) {
  const registry = createRegistry();
  const tally = new Tally<"model_id" | "reason">(registry, "t_total", "Tallied");
  const distribution = new Distribution<"model_id" | "reason">(registry, "d", "Spread", [1, 2, 4]);
  for (let at = 0; at < rounds; at += 1) {
    tally.series(labelsAt(at)).add();
    distribution.series(labelsAt(at)).observe(at % 7);
  }
  return registry;
}

describe("Tally", () => {
  it("prints what prom-client's Counter prints for the same counts", async () => {
    const ours = createRegistry();
    const theirs = createRegistry();
    const tally = new Tally<"model_id" | "reason">(ours, "shed_total", "Requests refused");
    const counter = new Counter({
      name: "shed_total",
      help: "Requests refused",
      labelNames,
      registers: [theirs],
    });
    for (let at = 0; at < 50; at += 1) {
      const labels = labelsAt(at);
      tally.series(labels).add(at % 4 === 0 ? 0.5 : undefined);
      counter.inc(labels, at % 4 === 0 ? 0.5 : 1);
    }
    assert.equal(await ours.metrics(), await theirs.metrics());
  });

  it("gives the same series for the same labels", () => {
    const tally = new Tally<"reason">(createRegistry(), "shed_total", "Requests refused");
    assert.equal(tally.series({ reason: "a" }), tally.series({ reason: "a" }));
    assert.notEqual(tally.series({ reason: "a" }), tally.series({ reason: "b" }));
  });

  it("drops series that are not to be kept, whose counting begins anew", () => {
    const tally = new Tally<"model">(createRegistry(), "runs_total", "Runs");
    for (const model of ["a", "b"]) tally.series({ model }).add();
    tally.keep(({ model }) => model === "b");
    tally.series({ model: "a" }).add(5);
    const values = tally.get().values.map(({ labels, value }) => [labels["model"], value]);
    assert.deepEqual(values, [
      ["b", 1],
      ["a", 5],
    ]);
  });

  it("shows a series that was bound but not counted as 0, and none that was not bound", () => {
    const tally = new Tally<"reason">(createRegistry(), "shed_total", "Requests refused");
    tally.series({ reason: "a" });
    assert.deepEqual(tally.get().values, [{ labels: { reason: "a" }, value: 0 }]);
  });
});

describe("Distribution", () => {
  const bounds = [...secondsBounds];
  const edges = bounds.flatMap((bound) => [bound, bound * 1.0001, bound * 0.9999]);
  const random = seededRandom(1);
  const observed = [...edges, 0, -1, 1e9, ...Array.from({ length: 200 }, () => random() ** 6 * 60)];

  it("prints what prom-client's Histogram prints for the same observations", async () => {
    const ours = createRegistry();
    const theirs = createRegistry();
    const help = "Time spent";
    const distribution = new Distribution<"model_id" | "reason">(ours, "seconds", help, bounds);
    const histogram = new Histogram({
      name: "seconds",
      help,
      labelNames,
      buckets: bounds,
      registers: [theirs],
    });
    for (const [at, value] of observed.entries()) {
      distribution.series(labelsAt(at)).observe(value);
      histogram.observe(labelsAt(at), value);
    }
    assert.equal(await ours.metrics(), await theirs.metrics());
  });

  it("gives the same buckets for the same labels", () => {
    const distribution = new Distribution<"stage">(createRegistry(), "seconds", "Time", [1]);
    assert.equal(distribution.series({ stage: "run" }), distribution.series({ stage: "run" }));
  });
});

describe("merge", () => {
  it("sums counts and buckets over processes, as one process would have counted", async () => {
    const parts = await Promise.all([process(20), process(0), process(15)].map(snapshotOf));
    const [twenty = [], , fifteen = []] = parts;
    const twice = await Promise.all([process(20), process(15)].map(snapshotOf));
    assert.deepEqual(twice, [twenty, fifteen]);
    const merged = await snapshotOf(merge(parts));
    for (const name of ["t_total", "d"]) {
      const value = (snapshots: typeof merged) =>
        snapshots.find((metric) => metric.name === name)?.values ?? [];
      const key = ({ labels, metricName }: (typeof merged)[number]["values"][number]) =>
        JSON.stringify([metricName, Object.entries(labels).toSorted()]);
      const expected = new Map<string, number>();
      for (const one of [...value(twenty), ...value(fifteen)]) {
        expected.set(key(one), (expected.get(key(one)) ?? 0) + one.value);
      }
      assert.deepEqual(new Map(value(merged).map((one) => [key(one), one.value])), expected);
    }
  });

  it("adds up gauges too", async () => {
    const parts = [3, 4].map((value) => {
      const registry = createRegistry();
      new Gauge({ name: "rows", help: "Rows", registers: [registry] }).set(value);
      return snapshotOf(registry);
    });
    const merged = merge(await Promise.all(parts));
    assert.equal(await merged.metrics(), "# HELP rows Rows\n# TYPE rows gauge\nrows 7\n");
  });

  it("survives the channel, which writes JSON", async () => {
    const snapshot = await snapshotOf(process(20));
    const sent = JSON.parse(JSON.stringify(snapshot));
    assert.deepEqual(sent, snapshot);
    assert.equal(await merge([sent]).metrics(), await merge([snapshot]).metrics());
  });

  it("of nothing is nothing", async () =>
    assert.equal((await merge([[], []]).metrics()).trim(), ""));
});
