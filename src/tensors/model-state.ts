import type { ServedModel } from "./codec.ts";
import { allOutputs, perModel } from "./per-model.ts";
import { stack } from "./stacking.ts";
import type { Tensor } from "./tensor.ts";

/** Indexes of the inputs that carry state. */
export const stateInputs = perModel(
  ({ metadata }): ReadonlySet<number> => new Set(metadata.state.map(({ input }) => input)),
);

/** Indexes of the outputs that carry state, in the order of the model's states. */
export const stateOutputs = perModel(({ metadata }): readonly number[] =>
  metadata.state.map(({ output }) => output),
);

/**
 * Indexes of the outputs that are answers: what a request wants that names none, and does not bring the state. Where
 * nothing but states comes out, as of a filter, these are the answer.
 */
export const plainOutputs = perModel((model): readonly number[] => {
  const hidden = stateOutputs(model);
  const all = allOutputs(model);
  const plain = all.filter((output) => !hidden.includes(output));
  return hidden.length === 0 || plain.length === 0 ? all : plain;
});

/**
 * `rows` rows of what stands for the input at index `at` where a request leaves it out. The caller sees to it that it
 * may be left out.
 */
export function standIn(model: ServedModel, at: number, rows: number): Tensor {
  const one = model.standIns[at] as Tensor;
  const axis = model.metadata.inputs[at]?.batchAxis ?? null;
  if (axis === null || rows === 1) return one;
  return stack(
    Array.from({ length: rows }, () => ({ tensor: one, fromRow: 0, rows: 1 })),
    axis,
  );
}
