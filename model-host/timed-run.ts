/* What a run of made-up rows takes. */
import type { ModelMetadata } from "../src/protocol/model-metadata.ts";
import type { Engine, ModelInterface } from "./engine.ts";
import { freeSizes, sampleRows } from "./sample-inputs.ts";

export interface Timed {
  readonly engine: Engine;
  readonly model: ModelInterface;
  readonly metadata: ModelMetadata;
}

export interface RunSizes {
  readonly rows: number;
  readonly freeSize: number;
}

/** Undefined where the engine refuses the inputs. `seed` tells runs apart. */
export async function timeRun(
  { engine, model, metadata: { inputs, outputs } }: Timed,
  sizes: RunSizes,
  seed = 1,
): Promise<number | undefined> {
  const axes = inputs.map(({ batchAxis }) => batchAxis);
  const batch = sampleRows(model, { ...sizes, axes, integersBelow: 2 }, seed);
  const fetches = outputs.map(({ name }) => name);
  return engine.run(batch, fetches).then(
    ({ runMs }) => runMs,
    () => undefined,
  );
}

/** One row, with the first of the sizes for free axes that the model takes. */
export async function firstThatRuns(
  timed: Timed,
): Promise<{ readonly freeSize: number; readonly runMs: number } | undefined> {
  for (const freeSize of freeSizes) {
    const runMs = await timeRun(timed, { rows: 1, freeSize });
    if (runMs !== undefined) return { freeSize, runMs };
  }
  return undefined;
}

const measuredRuns = 5;

/** The median of a few runs; the first of them warms up. Undefined where the engine refuses one. */
export async function medianMs(timed: Timed, sizes: RunSizes): Promise<number | undefined> {
  const times = await timeRuns(timed, sizes);
  return times?.[Math.floor(measuredRuns / 2)];
}

/** The same of the shortest, which a busy machine lengthens least. */
export async function leastMs(timed: Timed, sizes: RunSizes): Promise<number | undefined> {
  const times = await timeRuns(timed, sizes);
  return times?.[0];
}

/** The shortest first. */
async function timeRuns(timed: Timed, sizes: RunSizes): Promise<readonly number[] | undefined> {
  const times: number[] = [];
  for (let run = 0; run < measuredRuns; run += 1) {
    const runMs = await timeRun(timed, sizes, run + 1);
    if (runMs === undefined) return undefined;
    times.push(runMs);
  }
  return times.toSorted((a, b) => a - b);
}
