/*
 * Looks at one model for `troupe doctor`, with the engine and the trial of a host, and tells what it finds step by
 * step. It is a process of its own because a bad file may end it, and whoever asked must hear of that.
 */
import { performance } from "node:perf_hooks";
import { TroupeError } from "../src/protocol/errors.ts";
import type { Examine, Finding } from "../src/protocol/examination.ts";
import { ThreadEngine } from "./thread-engine.ts";
import { firstThatRuns, medianMs, type Timed } from "./timed-run.ts";
import { describe } from "./trial.ts";

function tell(finding: Finding): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined) return resolve();
    process.send(finding, undefined, {}, () => resolve());
  });
}

async function examine({ file, beside, settings, maxBatchSize, rows }: Examine): Promise<void> {
  const engine = new ThreadEngine((reason) => void tell({ type: "refused", reason }));
  const beganAt = performance.now();
  const model = await engine.load(file, settings, beside);
  const loadMs = performance.now() - beganAt;
  await tell({ type: "loaded", loadMs, rssBytes: process.memoryUsage.rss() });
  const options = { maxBatchSize, skip: null, state: null, stream: null };
  const metadata = await describe(engine, model, options);
  await tell({ type: "described", metadata });
  await measure({ engine, model, metadata }, rows);
  await tell({ type: "done" });
}

/** A run that takes longer is hardly faster when it is warm. */
const coldRunMs = 50;

/** A larger batch than the model takes is not measured, and nothing where it takes no rows that are made up. */
async function measure(timed: Timed, sizes: readonly number[]): Promise<void> {
  const first = await firstThatRuns(timed);
  if (first !== undefined && first.runMs < coldRunMs) await medianMs(timed, { ...first, rows: 1 });
  const most = timed.metadata.batching.type === "batched" ? Number.POSITIVE_INFINITY : 1;
  for (const rows of sizes.filter((size) => size <= most)) {
    const { freeSize } = first ?? {};
    const runMs = freeSize === undefined ? undefined : await medianMs(timed, { rows, freeSize });
    await tell({ type: "measured", rows, runMs: runMs ?? null });
  }
}

process.on("disconnect", () => process.kill(process.pid, "SIGKILL"));
process.once("message", (message) => {
  examine(message as Examine)
    .catch((thrown: unknown) => {
      const isOurs = thrown instanceof TroupeError;
      return tell({ type: "refused", reason: isOurs ? thrown.message : String(thrown) });
    })
    .finally(() => process.exit());
});
