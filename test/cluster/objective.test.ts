import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { heavyModel } from "../../models/loop-models.ts";
import { echoModel } from "../../models/odd-models.ts";
import { type ObjectiveJson, startReady } from "./cluster.ts";
import { patch } from "./model-changes.ts";
import { inLoops, waitFor } from "./wait.ts";

const objectiveMs = 60;
const patienceMs = 40_000;
const cluster = await startReady(
  { after },
  {
    models: {
      heavy: {
        onnx: heavyModel({ size: 256, repeats: 1_000 }),
        yaml: `bake_ms: 0\nobjective: { p99_ms: ${objectiveMs} }\n`,
      },
      echo: { onnx: echoModel() },
    },
  },
);
const labels = { model_id: "heavy" };

async function objective(model = "heavy"): Promise<ObjectiveJson | null> {
  return (await cluster.host(model)).objective;
}

/** Asks for a row or a few at a time, until the host says something of the kind. */
async function told(what: string, isIt: (said: ObjectiveJson) => boolean): Promise<ObjectiveJson> {
  let isOver = false;
  const loops = inLoops(
    4,
    () => isOver,
    async (caller, round) => {
      const rows = ((caller + round) % 4) * 5 + 1;
      const features = Array.from({ length: rows }, () => [1, 2, 3, 4]);
      const { status } = await cluster.predict("heavy", { features });
      assert.equal(status, 200);
    },
  );
  const isTold = async () => {
    const said = await objective();
    return said !== null && isIt(said) && said;
  };
  try {
    return await waitFor(isTold, what, patienceMs);
  } finally {
    isOver = true;
    await loops;
  }
}

describe("A host with an objective", () => {
  it("has chosen nothing before it knows its model", async () => {
    const first = await waitFor(objective, "the first beat");
    const { fixed_ms, row_ms, observed_p99_ms, ...rest } = first;
    assert.deepEqual([fixed_ms, row_ms, observed_p99_ms], [null, null, null]);
    assert.deepEqual(rest, {
      p99_ms: objectiveMs,
      max_rows: 64,
      delay_ms: 0,
      throughput_first: false,
      reason: "batches as without an objective: what a run takes by its rows is not known yet",
    });
  });

  it("tells in the tree and in the metrics what it has chosen under load, and why", async () => {
    const { p99_ms, max_rows, fixed_ms, row_ms, reason } = await told(
      "a fit",
      (said) => said.row_ms !== null,
    );
    assert.equal(p99_ms, objectiveMs);
    assert.ok(max_rows >= 1 && max_rows <= 64, `${max_rows} rows`);
    assert.ok(fixed_ms !== null && row_ms !== null && fixed_ms + row_ms > 0);
    // A busy machine may be too slow for it.
    const isKept = reason.includes(`batches of at most ${max_rows} row`);
    assert.ok(isKept || (reason.startsWith("throughput first: ") && max_rows === 64), reason);
    const rows = await cluster.metric("troupe_objective_rows", labels);
    assert.ok(rows >= 1 && rows <= 64, `${rows} rows`);
  });

  it("measures what its answers take", async () => {
    const isMeasured = (said: ObjectiveJson) => (said.observed_p99_ms ?? 0) > 0;
    await told("a p99", isMeasured);
    assert.ok((await cluster.metric("troupe_objective_p99_seconds", labels)) > 0);
  });

  it("takes another by a change, and brings much through where that cannot be kept", async () => {
    const bad = await patch(cluster, "heavy", { objective: { p99_ms: 0 } });
    assert.equal(bad.status, 400);
    assert.match(bad.text, /objective\.p99_ms must be an integer from 1 to 604800000, got 0/);
    const { status, text } = await patch(cluster, "heavy", { objective: { p99_ms: 1 } });
    assert.equal(status, 200, text);
    const { p99_ms, max_rows } = await told("a reason", ({ reason }) =>
      /^throughput first: .* alone takes? .* more than 1 ms/.test(reason),
    );
    assert.deepEqual([p99_ms, max_rows], [1, 64]);
    await cluster.reaches(1, "troupe_objective_throughput_first", labels);
    assert.equal(await cluster.metric("troupe_objective_target_seconds", labels), 0.001);
  });

  it("has none any more where a change takes it away", async () => {
    const { status, text } = await patch(cluster, "heavy", { objective: null });
    assert.equal(status, 200, text);
    await waitFor(async () => (await objective()) === null, "no objective");
    await cluster.reaches(0, "troupe_objective_rows", labels);
  });
});

describe("A host without an objective", () => {
  it("tells of none", async () => assert.equal(await objective("echo"), null));
});
