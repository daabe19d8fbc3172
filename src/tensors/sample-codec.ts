import type { StreamSpec, TensorSpec } from "../protocol/model-metadata.ts";
import type { Codec, DecodedRequest, ServedModel } from "./codec.ts";
import { plainOutputs, stateInputs } from "./model-state.ts";
import { encodePrediction, encodePredictionEnd } from "./predict-answer.ts";
import { checkInputs } from "./request-check.ts";
import { readSamples, type SampleFormat } from "./samples.ts";
import type { Tensor, TensorData } from "./tensor.ts";
import { invalidRequest, listed, quoted } from "./wording.ts";

/** Bare samples, one after the other, as a microphone gives them; answered in Troupe's own JSON. */
export function sampleCodec(format: SampleFormat): Codec {
  return {
    decode: (body, model) => {
      const { spec } = signalInput(model);
      return signalRequest(readSamples(body, format, spec.datatype), [], model);
    },
    encode: encodePrediction,
    encodeEnd: encodePredictionEnd,
  };
}

/** Throws `invalid-request` where the model takes no signal. */
export function signalInput(model: ServedModel): {
  readonly stream: StreamSpec;
  readonly spec: TensorSpec;
} {
  const { stream, inputs } = model.metadata;
  const spec = stream === null ? undefined : inputs[stream.input];
  if (stream !== null && spec !== undefined) return { stream, spec };
  throw invalidRequest(
    `Cannot read samples: model ${quoted(model.name)} takes tensors, its model.yaml has no 'stream'`,
  );
}

/**
 * A request that brings samples, and `others`, in the model's order, of the other inputs; those that are left out have
 * their stand-ins. Throws `invalid-request` where one is missing, or carries state.
 */
export function signalRequest(
  data: TensorData,
  others: readonly (Tensor | undefined)[],
  model: ServedModel,
): DecodedRequest {
  const { stream, spec } = signalInput(model);
  const given = model.metadata.inputs.map((_, at) =>
    at === stream.input ? undefined : others[at],
  );
  checkPresent(given, stream.input, model);
  const signal: Tensor = { datatype: spec.datatype, shape: [data.length], data };
  const { inputs, rows } = checkInputs(given, model, { rowsOneByOne: true });
  return {
    inputs: inputs.with(stream.input, signal),
    rows,
    outputs: plainOutputs(model),
    id: undefined,
    bringsState: false,
    isSignal: true,
  };
}

function checkPresent(
  given: readonly (Tensor | undefined)[],
  signalAt: number,
  model: ServedModel,
): void {
  const { inputs } = model.metadata;
  const states = stateInputs(model);
  const missing = inputs.filter(
    (_, at) => at !== signalAt && given[at] === undefined && model.standIns[at] === null,
  );
  const brought = inputs.filter((_, at) => states.has(at) && given[at] !== undefined);
  if (missing.length > 0) {
    const names = listed(missing.map(({ name }) => name));
    throw invalidRequest(
      `Cannot read samples: expected the other inputs of model ${quoted(model.name)} in 'inputs' too, missing ${names}`,
    );
  }
  if (brought.length > 0) {
    const names = listed(brought.map(({ name }) => name));
    throw invalidRequest(
      `Cannot read samples: the state is the server's, got ${names} in 'inputs'`,
    );
  }
}
