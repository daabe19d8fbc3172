/* Runs made-up rows, so that the first requests do not pay for memory and caches that are still cold. */
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Engine, ModelInterface } from "./engine.ts";
import { freeSizes, sampleRows } from "./sample-inputs.ts";

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
  const run = (rows: number, freeSize: number) => timeRun(engine, model, metadata, rows, freeSize);
  const first = await firstThatRuns(run);
  if (first === undefined) return;
  let { runMs } = first;
  for (let rows = 1; rows < most && runMs < maxRunMs; ) {
    rows = Math.min(rows * 2, most);
    runMs = (await run(rows, first.freeSize)) ?? Number.POSITIVE_INFINITY;
  }
}

type TimedRun = (rows: number, freeSize: number) => Promise<number | undefined>;

async function firstThatRuns(
  run: TimedRun,
): Promise<{ readonly freeSize: number; readonly runMs: number } | undefined> {
  for (const freeSize of freeSizes) {
    const runMs = await run(1, freeSize);
    if (runMs !== undefined) return { freeSize, runMs };
  }
  return undefined;
}

/** Undefined where the engine refuses the inputs. */
async function timeRun(
  engine: Engine,
  model: ModelInterface,
  { inputs, outputs }: ModelMetadata,
  rows: number,
  freeSize: number,
): Promise<number | undefined> {
  const axes = inputs.map(({ batchAxis }) => batchAxis);
  const batch = sampleRows(model, { axes, rows, freeSize, integersBelow: 2 }, 1);
  const fetches = outputs.map(({ name }) => name);
  return engine.run(batch, fetches).then(
    ({ runMs }) => runMs,
    () => undefined,
  );
}
