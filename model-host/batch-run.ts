/* Runs one batch: stacks its inputs, asks the engine, cuts the outputs apart. A batch that fails is run again one by one. */
import { TroupeError } from "../src/protocol/errors.ts";
import type { ModelMetadata, TensorSpec } from "../src/protocol/model-metadata.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { stateOutputs } from "../src/tensors/model-state.ts";
import { slice, stack } from "../src/tensors/stacking.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Engine, NamedTensor, RunResult } from "./engine.ts";
import type { WorkSlice } from "./work.ts";
import { partOf } from "./work-inputs.ts";

export type SliceResult =
  | {
      readonly type: "ran";
      /** One tensor for each output that the request asks for, in its order. */
      readonly outputs: readonly Tensor[];
      /** What the sequence is to remember, one row for each state; empty where there is none. */
      readonly state: readonly Tensor[];
    }
  | { readonly type: "failed"; readonly error: TroupeError };

/** Told before each run of the engine which slices it holds; what it returns is called when the run has ended, well or not. */
export type WatchRun = (slices: readonly WorkSlice[]) => (isWell: boolean) => void;

/** A batch that the engine has been given: one result for each slice, in order; never rejects. */
export type StartedBatch = Promise<readonly SliceResult[]>;

/** One result for each slice, in order; never rejects. `started` is the batch where the engine has it already. */
export async function runBatch(
  engine: Engine,
  model: ServedModel,
  slices: readonly WorkSlice[],
  watch: WatchRun,
  started?: StartedBatch,
): Promise<readonly SliceResult[]> {
  const run = async (some: readonly WorkSlice[], already?: StartedBatch) => {
    const ended = watch(some);
    const results = await (already ?? startBatch(engine, model, some));
    ended(results[0]?.type === "ran");
    return results;
  };
  const together = await run(slices, started);
  if (slices.length === 1 || together[0]?.type === "ran") return together;
  const results: SliceResult[] = [];
  for (const one of slices) results.push(...(await run([one])));
  return results;
}

/** Gives it to the engine, which runs it after what it has been given before. */
export async function startBatch(
  engine: Engine,
  model: ServedModel,
  slices: readonly WorkSlice[],
): StartedBatch {
  const { metadata } = model;
  try {
    const fetched = fetchedOutputs(slices, model);
    const inputs = metadata.inputs.map((_, at) => {
      const { tensor, isSpare } = stackInput(at, slices, model);
      const { name } = metadata.inputs[at] as TensorSpec;
      return engine.takesMemory && !isSpare ? copied(name, tensor) : { ...tensor, name };
    });
    const names = fetched.map((at) => metadata.outputs[at]?.name ?? "");
    return cutApart(model, slices, fetched, await engine.run(inputs, names));
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
function fetchedOutputs(slices: readonly WorkSlice[], model: ServedModel): readonly number[] {
  const first = slices[0]?.work.request.outputs ?? [];
  const states = slices.some(({ work }) => work.sequence !== null) ? stateOutputs(model) : [];
  const isAlike = slices.every(({ work }) => work.request.outputs === first);
  if (isAlike && states.length === 0) return first;
  const wanted = slices.flatMap(({ work }) => work.request.outputs);
  return [...new Set([...wanted, ...states])].toSorted((a, b) => a - b);
}

interface StackedInput {
  readonly tensor: Tensor;
  /** Its memory is needed no more. */
  readonly isSpare: boolean;
}

function stackInput(at: number, slices: readonly WorkSlice[], model: ServedModel): StackedInput {
  const { batchAxis } = model.metadata.inputs[at] as TensorSpec;
  const parts = slices.map((slice) => partOf(slice, at, model));
  const [first] = parts;
  if (first === undefined) throw new Error("a batch has at least one slice");
  const tensor = batchAxis === null ? first.tensor : stack(parts, batchAxis);
  // A request may have to run again, so what was not stacked anew is still needed. But the state of a lone frame is
  // not: either the next comes out of the run, or the sequence ends.
  const isSpare = parts.length === 1 && first.isSpare;
  return { tensor, isSpare: isSpare || !parts.some((part) => sharesMemory(part.tensor, tensor)) };
}

function copied(name: string, { datatype, shape, data }: Tensor): NamedTensor {
  return { name, datatype, shape, data: data.slice() };
}

function sharesMemory(a: Tensor, b: Tensor): boolean {
  if (!ArrayBuffer.isView(a.data) || !ArrayBuffer.isView(b.data)) return false;
  return a.data.buffer === b.data.buffer;
}

function cutApart(
  model: ServedModel,
  slices: readonly WorkSlice[],
  fetched: readonly number[],
  result: RunResult,
): readonly SliceResult[] {
  const { metadata } = model;
  if (slices.length > 1) checkRows(metadata, slices, fetched, result);
  const rowsOf = (at: number, from: number, rows: number) => {
    const tensor = result.outputs[fetched.indexOf(at)] as Tensor;
    const axis = metadata.outputs[at]?.batchAxis ?? null;
    return axis === null || slices.length === 1 ? tensor : slice(tensor, axis, from, rows);
  };
  let row = 0;
  return slices.map(({ work, rows }): SliceResult => {
    const from = row;
    row += rows;
    const outputs = work.request.outputs.map((at) => rowsOf(at, from, rows));
    const states = work.sequence === null ? [] : stateOutputs(model);
    const state = states.map((at) => owned(rowsOf(at, from, rows), outputs));
    return { type: "ran", outputs, state };
  });
}

/**
 * A view of the batch would keep the states of all its sequences alive, and could not be given to the engine again; to
 * make the view costs about as much as to copy a small row. Where the state is the answer too, the next run would take
 * the memory before the answer is written.
 */
function owned(tensor: Tensor, answered: readonly Tensor[]): Tensor {
  const { data } = tensor;
  if (!ArrayBuffer.isView(data)) return tensor;
  const isOwn = data.byteLength === data.buffer.byteLength && !answered.includes(tensor);
  return isOwn ? tensor : { ...tensor, data: data.slice() };
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
