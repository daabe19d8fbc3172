/* What a request feeds to each input: its own tensor, what its sequence remembers, or a window of its signal. */
import type { ServedModel } from "../src/tensors/codec.ts";
import { standIn } from "../src/tensors/model-state.ts";
import { perModel } from "../src/tensors/per-model.ts";
import type { Part } from "../src/tensors/stacking.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Work, WorkSlice } from "./work.ts";

type Fed = Pick<Work, "request" | "sequence" | "signal">;

/** For each input the index of the state that it carries, or -1. */
const stateAt = perModel(({ metadata }): readonly number[] =>
  metadata.inputs.map((_, at) => metadata.state.findIndex(({ input }) => input === at)),
);

/** The tensor whose shape the input has in the next run. */
export function inputOf(work: Fed, at: number, model: ServedModel): Tensor {
  return (
    remembered(work, at, model) ??
    windowOf(work, at, 0, model) ??
    (work.request.inputs[at] as Tensor)
  );
}

/** What the slice brings to a batch, and whether the memory may be given away. */
export function partOf(
  { work, fromRow, rows }: WorkSlice,
  at: number,
  model: ServedModel,
): Part & { readonly isSpare: boolean } {
  if (work.sequence === null) {
    const own = work.request.inputs[at] as Tensor;
    const isSpare = rows === work.rows && isInOwnMemory(own, work);
    if (own !== model.standIns[at]) return { tensor: own, fromRow, rows, isSpare };
    // What a request leaves out is repeated for the rows of the slice only.
    return { tensor: standIn(model, at, rows), fromRow: 0, rows, isSpare: false };
  }
  const state = remembered(work, at, model);
  const tensor = state ?? windowOf(work, at, fromRow, model) ?? (work.request.inputs[at] as Tensor);
  const isSpare = state !== undefined || isInOwnMemory(tensor, work);
  return { tensor, fromRow: 0, rows: 1, isSpare };
}

/** Once all its rows are in a run of its own, nobody reads a request's inputs again. */
function isInOwnMemory({ data }: Tensor, { ownMemory }: Work): boolean {
  return ArrayBuffer.isView(data) && data.buffer === ownMemory;
}

function remembered({ sequence }: Fed, at: number, model: ServedModel): Tensor | undefined {
  return sequence?.state?.[stateAt(model)[at] ?? -1];
}

function windowOf({ signal }: Fed, at: number, row: number, { metadata }: ServedModel) {
  return at === metadata.stream?.input ? signal?.windowAt(row) : undefined;
}
