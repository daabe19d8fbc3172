/* Runs one batch: stacks its inputs, asks the engine, cuts the outputs apart. A batch that fails is run again one by one. */
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata, TensorSpec } from "../src/protocol/model-metadata.ts";
import { slice, stack } from "../src/tensors/stacking.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Engine, NamedTensor, RunResult } from "./engine.ts";
import type { WorkSlice } from "./work.ts";

export type SliceResult =
  /** One tensor for each output that the request asks for, in its order. */
  | { readonly type: "ran"; readonly outputs: readonly Tensor[] }
  | { readonly type: "failed"; readonly error: TroupeError };

/** Told before each run of the engine which slices it holds; what it returns is called when the run has ended. */
export type WatchRun = (slices: readonly WorkSlice[]) => () => void;

/** One result for each slice, in order; never rejects. */
export async function runBatch(
  engine: Engine,
  metadata: ModelMetadata,
  slices: readonly WorkSlice[],
  watch: WatchRun,
): Promise<readonly SliceResult[]> {
  const run = async (some: readonly WorkSlice[]) => {
    const disarm = watch(some);
    return attempt(engine, metadata, some).finally(disarm);
  };
  const together = await run(slices);
  if (slices.length === 1 || together[0]?.type === "ran") return together;
  const results: SliceResult[] = [];
  for (const one of slices) results.push(...(await run([one])));
  return results;
}

async function attempt(
  engine: Engine,
  metadata: ModelMetadata,
  slices: readonly WorkSlice[],
): Promise<readonly SliceResult[]> {
  try {
    const fetched = fetchedOutputs(slices);
    const inputs = metadata.inputs.map((spec, at) => stackInput(spec, at, slices));
    const names = fetched.map((at) => metadata.outputs[at]?.name ?? "");
    return cutApart(metadata, slices, fetched, await engine.run(inputs, names));
  } catch (thrown) {
    const error = toTroupeError(thrown);
    return slices.map(() => ({ type: "failed", error }));
  }
}

function toTroupeError(thrown: unknown): TroupeError {
  if (thrown instanceof TroupeError) return thrown;
  return new TroupeError("internal", "internal error", { cause: thrown });
}

/** ONNX Runtime copies every output that it is asked for, so it is asked for no more than somebody wants. */
function fetchedOutputs(slices: readonly WorkSlice[]): readonly number[] {
  const first = slices[0]?.work.request.outputs ?? [];
  if (slices.every(({ work }) => work.request.outputs === first)) return first;
  return [...new Set(slices.flatMap(({ work }) => work.request.outputs))].toSorted((a, b) => a - b);
}

function stackInput(spec: TensorSpec, at: number, slices: readonly WorkSlice[]): NamedTensor {
  const tensors = slices.map(({ work, fromRow, rows }) => ({
    tensor: work.request.inputs[at] as Tensor,
    fromRow,
    rows,
  }));
  const [first] = tensors;
  if (first === undefined) throw new Error("a batch has at least one slice");
  const stacked = spec.batchAxis === null ? first.tensor : stack(tensors, spec.batchAxis);
  const { datatype, shape, data } = stacked;
  // The engine takes the memory, and a request may have to run again, so what was not stacked anew is copied.
  const own = tensors.some(({ tensor }) => sharesMemory(tensor, stacked)) ? data.slice() : data;
  return { name: spec.name, datatype, shape, data: own };
}

function sharesMemory(a: Tensor, b: Tensor): boolean {
  if (!ArrayBuffer.isView(a.data) || !ArrayBuffer.isView(b.data)) return false;
  return a.data.buffer === b.data.buffer;
}

function cutApart(
  metadata: ModelMetadata,
  slices: readonly WorkSlice[],
  fetched: readonly number[],
  result: RunResult,
): readonly SliceResult[] {
  if (slices.length > 1) checkRows(metadata, slices, fetched, result);
  let row = 0;
  return slices.map(({ work, rows }): SliceResult => {
    const from = row;
    row += rows;
    const outputs = work.request.outputs.map((at) => {
      const tensor = result.outputs[fetched.indexOf(at)] as Tensor;
      const axis = metadata.outputs[at]?.batchAxis ?? null;
      return axis === null || slices.length === 1 ? tensor : slice(tensor, axis, from, rows);
    });
    return { type: "ran", outputs };
  });
}

/** The trial cannot have tried every input; where an output has other rows than went in, nothing is cut. */
function checkRows(
  metadata: ModelMetadata,
  slices: readonly WorkSlice[],
  fetched: readonly number[],
  result: RunResult,
): void {
  const rows = slices.reduce((sum, slice) => sum + slice.rows, 0);
  for (const [position, at] of fetched.entries()) {
    const axis = metadata.outputs[at]?.batchAxis ?? 0;
    if (result.outputs[position]?.shape[axis] !== rows) {
      throw new Error(`output ${at} does not have ${rows} rows`);
    }
  }
}
