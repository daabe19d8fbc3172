import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Counter, Gauge } from "prom-client";
import { seededRandom } from "../../models/random.ts";
import { Distribution, snapshotOf, Tally } from "../../src/platform/metrics.ts";
import { createRegistry } from "../../src/platform/registry.ts";
import { MetricsLedger } from "../../supervisor/metrics-ledger.ts";

/** One incarnation of a process, which counts. */
function incarnation() {
  const registry = createRegistry();
  const tally = new Tally<"model_id">(registry, "runs_total", "Runs");
  const spread = new Distribution<"model_id">(registry, "rows", "Rows", [1, 2]);
  const gauge = new Gauge({ name: "waiting", help: "Waiting", registers: [registry] });
  return {
    serve(rows: number) {
      tally.series({ model_id: "iris" }).add();
      spread.series({ model_id: "iris" }).observe(rows);
      gauge.set(rows);
    },
    snapshot: () => snapshotOf(registry),
  };
}

const nothing = createRegistry();

/** The samples of a page, by what stands before the value. */
function samples(page: string): ReadonlyMap<string, number> {
  const lines = page.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(" ");
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

async function sampled(ledger: MetricsLedger): Promise<ReadonlyMap<string, number>> {
  return samples(await ledger.merged(nothing));
}

/** Counters that are lower than they were, or gone. */
function fallen(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
): readonly string[] {
  const counters = [...before].filter(([name]) => name !== "waiting");
  return counters.filter(([name, value]) => (now.get(name) ?? -1) < value).map(([name]) => name);
}

const runs = 'runs_total{model_id="iris"}';

describe("MetricsLedger", () => {
  it("keeps what a process counted after it has ended, and forgets what it measured", async () => {
    const ledger = new MetricsLedger();
    const slot = {};
    const first = incarnation();
    first.serve(2);
    ledger.note(slot, await first.snapshot());
    const before = await sampled(ledger);
    ledger.retire(slot);
    const after = await sampled(ledger);
    const { waiting, ...counted } = Object.fromEntries(before);
    assert.deepEqual([waiting, Object.fromEntries(after)], [2, counted]);
    assert.equal(counted[runs], 1);
  });

  it("adds the next incarnation to the ones before", async () => {
    const ledger = new MetricsLedger();
    const slot = {};
    for (let life = 0; life < 3; life += 1) {
      const process = incarnation();
      process.serve(1);
      process.serve(3);
      ledger.note(slot, await process.snapshot());
      if (life < 2) ledger.retire(slot);
    }
    const page = await sampled(ledger);
    assert.deepEqual(
      [page.get(runs), page.get('rows_bucket{le="2",model_id="iris"}'), page.get("waiting")],
      [6, 3, 3],
    );
  });

  it("takes the last word of a process, not the sum of all", async () => {
    const ledger = new MetricsLedger();
    const slot = {};
    const process = incarnation();
    for (let report = 0; report < 3; report += 1) {
      process.serve(1);
      ledger.note(slot, await process.snapshot());
    }
    assert.equal((await sampled(ledger)).get(runs), 3);
  });

  it("does not mind the end of a process that never reported, or ended before", async () => {
    const ledger = new MetricsLedger();
    const slot = {};
    ledger.retire(slot);
    const process = incarnation();
    process.serve(1);
    ledger.note(slot, await process.snapshot());
    ledger.retire(slot);
    ledger.retire(slot);
    assert.equal((await sampled(ledger)).get(runs), 1);
  });

  it("adds what the supervisor itself counts", async () => {
    const own = createRegistry();
    new Counter({ name: "restarts_total", help: "Restarts", registers: [own] }).inc(4);
    assert.equal(
      await new MetricsLedger().merged(own),
      "# HELP restarts_total Restarts\n# TYPE restarts_total counter\nrestarts_total 4\n",
    );
  });

  it("leaves out series of models that are gone, and forgets what dead ones counted in them", async () => {
    const ledger = new MetricsLedger();
    const [dead, alive] = [{}, {}];
    for (const process of [dead, alive]) {
      const counting = incarnation();
      counting.serve(1);
      ledger.note(process, await counting.snapshot());
    }
    ledger.retire(dead);
    assert.equal((await sampled(ledger)).get(runs), 2);
    const page = samples(await ledger.merged(nothing, ({ model_id }) => model_id !== "iris"));
    assert.deepEqual([...page.keys()], ["waiting"]);
    assert.equal((await sampled(ledger)).get(runs), 1);
  });

  it("lets no counter go backward, whoever dies whenever", async () => {
    const random = seededRandom(8);
    const ledger = new MetricsLedger();
    const slots = Array.from({ length: 3 }, () => ({ process: incarnation() }));
    let last = new Map<string, number>() as ReadonlyMap<string, number>;
    let counted = 0;
    for (let step = 0; step < 200; step += 1) {
      const slot = slots[step % 3] as (typeof slots)[number];
      slot.process.serve(1);
      counted += 1;
      ledger.note(slot, await slot.process.snapshot());
      if (random() < 0.3) {
        ledger.retire(slot);
        slot.process = incarnation();
      }
      const page = await sampled(ledger);
      assert.equal(page.get(runs), counted);
      assert.deepEqual(fallen(last, page), []);
      last = page;
    }
  });
});
