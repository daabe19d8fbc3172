import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { createSupervisorMetrics } from "../../supervisor/supervisor-metrics.ts";

function setUp() {
  const names = new Set(["iris"]);
  const models = () =>
    [...names].map((name) => {
      const state = { config: null, problem: null, rollout: null, failures: new Map() };
      return { name, ...state, versions: [] };
    });
  const metrics = createSupervisorMetrics(() => ({ models: models(), doors: [] }));
  const counted = async () => {
    const page = await metrics.registry.metrics();
    const pattern = /^troupe_(?:changes|restarts|host_replacements)_total\{(.*)\} (\d+)$/gm;
    return [...page.matchAll(pattern)].map(([, labels, value]) => `${labels} ${value}`);
  };
  return { names, metrics, counted };
}

describe("What the supervisor counts", () => {
  it("has a label for each model that there is, and one for all others", async () => {
    const { metrics, counted } = setUp();
    for (const model of ["iris", "x1", "x2"]) {
      metrics.countChange("upload", model, "failed");
      metrics.countRestart("host", model, "hang");
      metrics.countReplacement(model, "memory");
    }
    metrics.countRestart("front-door", "", "hang");
    assert.deepEqual(await counted(), [
      'role="host",model_id="iris",reason="hang" 1',
      'role="host",model_id="",reason="hang" 2',
      'role="front-door",model_id="",reason="hang" 1',
      'model_id="iris",kind="upload",outcome="failed" 1',
      'model_id="",kind="upload",outcome="failed" 2',
      'model_id="iris",reason="memory" 1',
      'model_id="",reason="memory" 2',
    ]);
  });

  it("counts the ends of changes", async () => {
    const { metrics, counted } = setUp();
    for (const state of ["began", "done"]) metrics.countChange("load", "iris", state);
    assert.deepEqual(await counted(), ['model_id="iris",kind="load",outcome="done" 1']);
  });

  it("forgets models that are gone", async () => {
    const { names, metrics, counted } = setUp();
    metrics.countChange("load", "iris", "done");
    metrics.countRestart("front-door", "", "hang");
    metrics.forgetGone();
    assert.equal((await counted()).length, 2);
    names.delete("iris");
    metrics.forgetGone();
    assert.deepEqual(await counted(), ['role="front-door",model_id="",reason="hang" 1']);
  });
});
