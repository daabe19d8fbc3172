/* Runs made-up rows, so that the first requests do not pay for memory and caches that are still cold. */
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Engine, ModelInterface } from "./engine.ts";
import { firstThatRuns, timeRun } from "./timed-run.ts";

/** Past this a larger batch is left out, since starting would take too long. */
const maxRunMs = 50;

/** One row, then twice as many each time up to a full batch. What the model refuses is left out. */
export async function warmUp(
  engine: Engine,
  model: ModelInterface,
  metadata: ModelMetadata,
): Promise<void> {
  const { batching } = metadata;
  const most = batching.type === "batched" ? batching.maxBatchSize : 1;
  const timed = { engine, model, metadata };
  const first = await firstThatRuns(timed);
  if (first === undefined) return;
  let { runMs } = first;
  for (let rows = 1; rows < most && runMs < maxRunMs; ) {
    rows = Math.min(rows * 2, most);
    runMs = (await timeRun(timed, { rows, freeSize: first.freeSize })) ?? Number.POSITIVE_INFINITY;
  }
}
