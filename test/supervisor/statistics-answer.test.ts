import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { batchesMetric, durationsMetric } from "../../src/protocol/statistics.ts";
import type { MetricSnapshot } from "../../src/protocol/views.ts";
import { answerStatistics } from "../../supervisor/statistics-answer.ts";
import { planFor, settled, startLife } from "./life-parts.ts";

/** Of `m`, versions 1, which runs, 2 and 3, which do not. */
async function setUp(usedVersion?: string) {
  const { registry } = startLife(planFor({}, "1"), ["1", "2", "3"]);
  await settled();
  let gathered = 0;
  const labels = { model_id: "m", version: usedVersion ?? "", statistic: "fail", unit: "count" };
  const empty = { help: "", type: "counter", aggregator: "sum", values: [] };
  const counted: readonly MetricSnapshot[] = [
    { ...empty, name: durationsMetric, values: [{ labels, value: 1 }] },
    { ...empty, name: batchesMetric },
  ];
  const statistics = async () => {
    gathered += 1;
    return counted;
  };
  const ask = async (model: string | null, version: string | null) => {
    const question = { type: "statistics", model, version } as const;
    const reply = await answerStatistics(question, registry, { statistics });
    if (reply.type === "failed") return reply.failure.code;
    const { model_stats } = JSON.parse(reply.body) as {
      readonly model_stats: readonly { readonly name: string; readonly version: string }[];
    };
    return model_stats.map((stats) => `${stats.name}/${stats.version}`);
  };
  return { ask, gathered: () => gathered };
}

describe("The answer about statistics", () => {
  it("is of the versions that run, where none is named", async () => {
    const { ask } = await setUp();
    assert.deepEqual(await ask(null, null), ["m/1"]);
    assert.deepEqual(await ask("m", null), ["m/1"]);
  });

  it("is of those that were asked for something too", async () => {
    assert.deepEqual(await (await setUp("2")).ask("m", null), ["m/1", "m/2"]);
  });

  it("is of the version that is named, whatever it does", async () => {
    assert.deepEqual(await (await setUp()).ask("m", "3"), ["m/3"]);
  });

  for (const [model, version] of [
    ["no", null],
    ["m", "9"],
  ] as const) {
    it(`is that there is no ${model}/${version}, and nobody is bothered`, async () => {
      const { ask, gathered } = await setUp();
      assert.deepEqual([await ask(model, version), gathered()], ["model-not-found", 0]);
    });
  }
});
