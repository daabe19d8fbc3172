import { TroupeError } from "../src/protocol/errors.ts";
import type { StateSpec, StreamSpec, TensorSpec } from "../src/protocol/model-metadata.ts";
import type { StreamSettings } from "../src/protocol/model-settings.ts";
import { signalDatatypes } from "../src/tensors/samples.ts";

/** Throws `invalid-model` where windows of a signal are not what the input takes. */
export function resolveStream(
  { input: name, window, hop, pad }: StreamSettings,
  inputs: readonly TensorSpec[],
  state: readonly StateSpec[],
): StreamSpec {
  const input = inputs.findIndex((spec) => spec.name === name);
  const spec = inputs[input];
  if (spec === undefined || state.some((pair) => pair.input === input)) {
    const isFree = (_: TensorSpec, at: number) => !state.some((pair) => pair.input === at);
    const known = inputs.filter(isFree).map((one) => `'${one.name}'`);
    throw refusal(`input must be one of ${known.join(", ")}, got '${name}'`);
  }
  if (!signalDatatypes.includes(spec.datatype)) {
    const known = signalDatatypes.join(", ");
    throw refusal(`input must be of one of ${known}, but '${name}' is ${spec.datatype}`);
  }
  if (!fits(spec, window)) {
    throw refusal(
      `window of ${window} does not fit input '${name}', whose shape is [${spec.shape.join(",")}]`,
    );
  }
  return { input, window, hop, pad };
}

/** Samples lie along the last axis, and there is one row, one channel, one of everything else. */
function fits({ shape, batchAxis }: TensorSpec, window: number): boolean {
  const last = shape.length - 1;
  if (last < 0 || batchAxis === last) return false;
  return shape.every((size, axis) => {
    if (axis === last) return size === -1 || size === window;
    return axis === batchAxis || size === -1 || size === 1;
  });
}

function refusal(words: string): TroupeError {
  return new TroupeError("invalid-model", `stream.${words}`);
}
