/* One run of made-up rows, as the trials need it. */
import type { Tensor } from "../src/tensors/tensor.ts";
import type { Engine, ModelInterface, NamedTensor } from "./engine.ts";

/** All outputs, or undefined where the engine refuses the inputs. It takes their memory. */
export async function tryRun(
  engine: Engine,
  model: ModelInterface,
  inputs: readonly NamedTensor[],
): Promise<readonly Tensor[] | undefined> {
  const fetches = model.outputs.map(({ name }) => name);
  return engine.run(inputs, fetches).then(
    ({ outputs }) => outputs,
    () => undefined,
  );
}

/** For inputs that are needed again. */
export function copyOf(input: NamedTensor): NamedTensor {
  return { ...input, data: input.data.slice() };
}
