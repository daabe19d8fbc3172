/* Finds out, by trying, whether a pair of tensors that looks like a state is one: fed back, it must fit and matter. */
import type { Batching, StateSpec } from "../src/protocol/model-metadata.ts";
import { allocate } from "../src/tensors/datatypes.ts";
import { product } from "../src/tensors/shapes.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { BatchAxes } from "./batch-hypotheses.ts";
import type { Engine, ModelInterface, NamedTensor } from "./engine.ts";
import { freeSizes, integerRanges, sampleRows } from "./sample-inputs.ts";
import { copyOf, tryRun } from "./trial-run.ts";

export interface Axes {
  readonly batching: Batching;
  readonly inputAxes: BatchAxes;
}

/** The pairs, or none. Never fails. */
export async function confirmState(
  engine: Engine,
  model: ModelInterface,
  pairs: readonly StateSpec[],
  axes: Axes,
): Promise<readonly StateSpec[]> {
  if (pairs.length === 0 || !pairs.every((pair) => isFixed(model, pair, axes))) return [];
  for (const freeSize of freeSizes) {
    for (const integersBelow of integerRanges) {
      const sizes = { axes: axes.inputAxes, rows: 1, freeSize, integersBelow };
      const rows = [sampleRows(model, sizes, 1), sampleRows(model, sizes, 2)] as const;
      if (await matters(engine, model, pairs, rows)) return pairs;
    }
  }
  return [];
}

/** Whether what comes out of the run of one row changes what the next row gives. */
async function matters(
  engine: Engine,
  model: ModelInterface,
  pairs: readonly StateSpec[],
  [first, second]: readonly [readonly NamedTensor[], readonly NamedTensor[]],
): Promise<boolean> {
  const zeros = pairs.map(({ input }) => zeroed(first[input] as NamedTensor));
  const begun = await runWith(engine, model, first, pairs, zeros);
  if (begun === undefined) return false;
  const fedBack = pairs.map(({ output }) => begun[output] as Tensor);
  if (!fedBack.every((tensor, at) => isSameShape(tensor, zeros[at] as Tensor))) return false;
  const afresh = await runWith(engine, model, second, pairs, zeros);
  const after = await runWith(engine, model, second, pairs, fedBack);
  const isAnswer = (_: unknown, at: number) => !pairs.some(({ output }) => output === at);
  if (afresh === undefined || after === undefined) return false;
  return differ(afresh.filter(isAnswer), after.filter(isAnswer));
}

/** What a state is like before the first frame must be known: only the number of rows may be free. */
function isFixed(model: ModelInterface, { input }: StateSpec, { inputAxes }: Axes): boolean {
  const dims = model.inputs[input]?.dims ?? [];
  return (
    dims.length > 0 &&
    dims.every((size, axis) => typeof size === "number" || axis === (inputAxes[input] ?? null))
  );
}

function zeroed({ datatype, shape }: Tensor): Tensor {
  return { datatype, shape, data: allocate(datatype, product(shape)) };
}

async function runWith(
  engine: Engine,
  model: ModelInterface,
  row: readonly NamedTensor[],
  pairs: readonly StateSpec[],
  states: readonly Tensor[],
): Promise<readonly Tensor[] | undefined> {
  const inputs = row.map((tensor, at): NamedTensor => {
    const state = states[pairs.findIndex(({ input }) => input === at)] ?? tensor;
    return copyOf({ name: tensor.name, ...state });
  });
  return tryRun(engine, model, inputs);
}

function isSameShape(a: Tensor, b: Tensor): boolean {
  return a.shape.length === b.shape.length && a.shape.every((size, axis) => size === b.shape[axis]);
}

/** With the same inputs but for the state, which is no state if no answer follows from it. */
function differ(first: readonly Tensor[], second: readonly Tensor[]): boolean {
  return first.some(({ data }, at) => {
    const other = second[at]?.data ?? [];
    for (let i = 0; i < data.length; i += 1) if (!isSame(data[i], other[i])) return true;
    return false;
  });
}

/** Two NaN are no difference. */
function isSame(a: unknown, b: unknown): boolean {
  return a === b || Object.is(a, b);
}
