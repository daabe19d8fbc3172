import type { ServedModel } from "./codec.ts";

/**
 * What is the same in every request and answer of a model, made once and forgotten with it. It is kept by the model's
 * identity: hosts hold on to one ServedModel for as long as it serves.
 */
export function perModel<T extends object>(
  make: (model: ServedModel) => T,
): (model: ServedModel) => T {
  const made = new WeakMap<ServedModel, T>();
  return (model) => {
    const known = made.get(model);
    if (known !== undefined) return known;
    const value = make(model);
    made.set(model, value);
    return value;
  };
}

/** Indexes of the inputs that cannot be left out, and the only one where it could be. */
export const neededInputs = perModel(({ metadata: { inputs }, standIns }) =>
  [...inputs.keys()].filter((at) => standIns[at] === null || inputs.length === 1),
);

/** The indexes of all outputs, in the model's order: what a request wants that names none. */
export const allOutputs = perModel((model): readonly number[] => [
  ...model.metadata.outputs.keys(),
]);
