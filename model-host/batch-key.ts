import type { Batching } from "../src/protocol/model-metadata.ts";
import type { ServedModel } from "../src/tensors/codec.ts";
import { perModel } from "../src/tensors/per-model.ts";
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Work } from "./work.ts";
import { inputOf } from "./work-inputs.ts";

const sharesWithNone: readonly Batching["type"][] = ["unbatched", "one-by-one"];

type Keyed = Pick<Work, "request" | "sequence" | "signal">;

/** Requests share a batch when every input has the same row shape, and every input without rows the same value. */
export function batchKey(work: Keyed, model: ServedModel): string | null {
  const { batching, inputs } = model.metadata;
  if (sharesWithNone.includes(batching.type)) return null;
  let key = "";
  for (const [at, spec] of inputs.entries()) {
    const tensor = inputOf(work, at, model);
    key += spec.batchAxis === null ? valueKey(tensor) : shapeKey(tensor.shape, spec.batchAxis);
  }
  return key;
}

/** Whether the key of a frame depends on what the frames before it have left. */
export const hasGrowingState = perModel(({ metadata }) => {
  const states = [...metadata.state].map(({ input }) => metadata.inputs[input]);
  const grows = states.some((spec) =>
    spec?.shape.some((size, axis) => size === -1 && axis !== spec.batchAxis),
  );
  return { grows };
});

function shapeKey(shape: readonly number[], batchAxis: number): string {
  let key = "|";
  for (let axis = 0; axis < shape.length; axis += 1) {
    if (axis !== batchAxis) key += `${shape[axis]},`;
  }
  return key;
}

function valueKey(tensor: Tensor): string {
  if (tensor.datatype === "BYTES") return `=${JSON.stringify(tensor.data)}`;
  return `=${tensor.data.join(",")}`;
}
