import type { Datatype, TensorSpec } from "../protocol/model-metadata.ts";
import { type BinarySection, splitBinaryBody } from "./binary-section.ts";
import type { Codec, DecodedRequest, ServedModel } from "./codec.ts";
import { parseJsonBody } from "./json-body.ts";
import { expectObject, isJsonObject, type JsonObject, property } from "./json-object.ts";
import { readElements } from "./json-reader.ts";
import { plainOutputs, stateInputs } from "./model-state.ts";
import { nestingOf } from "./nesting.ts";
import { allOutputs, neededInputs } from "./per-model.ts";
import { encodePrediction, encodePredictionEnd } from "./predict-answer.ts";
import { type Allowance, checkInputs, checkNames, rowAxis } from "./request-check.ts";
import { fitShape } from "./row-layout.ts";
import { signalInput, signalRequest } from "./sample-codec.ts";
import { readBase64, readFormat, readSamples } from "./samples.ts";
import { shapeText } from "./shapes.ts";
import type { Tensor, TensorData } from "./tensor.ts";
import { readOpenInference } from "./v2-request.ts";
import { invalidRequest, listed, quoted, wordFor } from "./wording.ts";

const allowance: Allowance = { rowsOneByOne: true };

/**
 * Troupe's own JSON: `{"features": …}` for a model of one input, or `{"inputs": …}` with one value for each input by
 * name, or with the Open Inference list; see `fitShape` for what nesting may be left out. In a sequence, `{"samples": …}`
 * brings the next piece of a signal, as numbers or, with `encoding`, as base64. Other keys are not read, since a
 * WebSocket frame carries its own beside these.
 */
export const predictCodec: Codec = {
  decode: (body, model) => decodePrediction(body, null, model),
  encode: encodePrediction,
  encodeEnd: encodePredictionEnd,
};

/** The same with binary tensors behind the JSON, for the Open Inference list of inputs. */
export const predictBinaryCodec: Codec = {
  ...predictCodec,
  decode: (body, model) => {
    const { json, tensors } = splitBinaryBody(body);
    const request = decodePrediction(json, tensors, model);
    tensors.end(model.name);
    return request;
  },
};

function decodePrediction(
  json: Uint8Array,
  tensors: BinarySection | null,
  model: ServedModel,
): DecodedRequest {
  return readPrediction(expectObject("body", parseJsonBody(json)), tensors, model);
}

/** The body, once it is JSON. */
export function readPrediction(
  request: JsonObject,
  tensors: BinarySection | null,
  model: ServedModel,
): DecodedRequest {
  if (Object.hasOwn(request, "samples")) return readSignal(request, model);
  const hasFeatures = Object.hasOwn(request, "features");
  const hasInputs = Object.hasOwn(request, "inputs");
  if (hasFeatures === hasInputs) {
    const came = hasFeatures ? "both" : "neither";
    const forms = model.metadata.stream === null ? "" : ", or 'samples'";
    throw invalidRequest(
      `Cannot read body: expected either 'features' or 'inputs'${forms}, got ${came}`,
    );
  }
  return hasFeatures
    ? readFeatures(request["features"], model)
    : readInputs(request, tensors, model);
}

export function readFeatures(features: unknown, model: ServedModel): DecodedRequest {
  const specs = model.metadata.inputs;
  const [needed = -1, ...others] = neededInputs(model);
  const spec = specs[needed];
  if (spec === undefined || others.length > 0) {
    const names = listed(specs.map(({ name }) => name));
    throw invalidRequest(
      `Cannot read 'features': model ${quoted(model.name)} has ${specs.length} inputs, expected 'inputs' with ${names}`,
    );
  }
  const tensor = readInput(features, spec, model);
  if (specs.length === 1) return requestOf([tensor], model);
  return requestOf(
    specs.map((_, at) => (at === needed ? tensor : undefined)),
    model,
  );
}

function readSignal(request: JsonObject, model: ServedModel): DecodedRequest {
  const samples = request["samples"];
  if (Object.hasOwn(request, "features")) {
    throw invalidRequest("Cannot read body: expected either 'features' or 'samples', got both");
  }
  const { spec } = signalInput(model);
  const others = readOthers(property(request, "inputs"), model);
  return signalRequest(readSampleList(samples, request, spec.datatype), others, model);
}

function readSampleList(samples: unknown, request: JsonObject, datatype: Datatype): TensorData {
  if (typeof samples === "string") {
    return readSamples(readBase64(samples), readFormat(property(request, "encoding")), datatype);
  }
  if (Object.hasOwn(request, "encoding")) {
    throw invalidRequest("Cannot read 'encoding': it says how base64 is to be read, got numbers");
  }
  const dims = nestingOf("samples", samples);
  if (dims.length === 1) return readElements({ name: "samples", datatype }, samples, dims);
  throw invalidRequest(
    `Cannot read 'samples': expected a flat list of numbers, or base64, got ${wordFor(samples)}`,
  );
}

/** The inputs beside the signal, which may all be left out where they have stand-ins. */
function readOthers(inputs: unknown, model: ServedModel): readonly (Tensor | undefined)[] {
  if (inputs === undefined) return [];
  const byName = expectObject("'inputs'", inputs);
  const { inputs: specs, stream } = model.metadata;
  const others = specs.filter((_, at) => at !== stream?.input);
  const stranger = Object.keys(byName).find((key) => !others.some(({ name }) => name === key));
  if (stranger !== undefined) {
    const states = stateInputs(model);
    const wanted = others.filter((spec) => !states.has(specs.indexOf(spec)));
    const names = listed(wanted.map(({ name }) => name));
    throw invalidRequest(
      `Cannot read 'inputs': expected, beside 'samples', some of ${names}, got ${quoted(stranger)}`,
    );
  }
  return readByName(byName, model);
}

function readByName(inputs: JsonObject, model: ServedModel): readonly (Tensor | undefined)[] {
  return model.metadata.inputs.map((spec) =>
    Object.hasOwn(inputs, spec.name) ? readInput(inputs[spec.name], spec, model) : undefined,
  );
}

function readInputs(
  request: JsonObject,
  tensors: BinarySection | null,
  model: ServedModel,
): DecodedRequest {
  const inputs = request["inputs"];
  if (Array.isArray(inputs)) {
    return readOpenInference(request, model, { ...allowance, tensors, wantsBinary: false });
  }
  if (!isJsonObject(inputs)) {
    throw invalidRequest(
      `Cannot read 'inputs': expected an object of inputs by name, or a list, got ${wordFor(inputs)}`,
    );
  }
  checkNames(namesIn(inputs, model), model);
  return requestOf(readByName(inputs, model), model);
}

/** In the model's order where they are the model's, so that the check has little to do. */
function namesIn(inputs: JsonObject, model: ServedModel): readonly string[] {
  const names = Object.keys(inputs);
  const specs = model.metadata.inputs;
  const isComplete =
    names.length === specs.length && specs.every(({ name }) => Object.hasOwn(inputs, name));
  return isComplete ? specs.map(({ name }) => name) : names;
}

function readInput(value: unknown, spec: TensorSpec, model: ServedModel): Tensor {
  const dims = nestingOf(spec.name, value);
  // A bare value can only be one row of a list of rows, or a tensor of rank 0.
  if (dims.length === 0 && spec.shape.length > 1) {
    throw invalidRequest(
      `Cannot read input ${quoted(spec.name)}: expected nested lists for shape ${shapeText(spec.shape)}, got ${wordFor(value)}`,
    );
  }
  const axis = rowAxis(spec, model.metadata.batching, allowance);
  const shape = fitShape(dims, { shape: spec.shape, rowAxis: axis });
  return { datatype: spec.datatype, shape, data: readElements(spec, value, dims) };
}

function requestOf(given: readonly (Tensor | undefined)[], model: ServedModel): DecodedRequest {
  const { inputs, rows } = checkInputs(given, model, allowance);
  const [state] = model.metadata.state;
  const bringsState = state !== undefined && given[state.input] !== undefined;
  const outputs = bringsState ? allOutputs(model) : plainOutputs(model);
  return { inputs, rows, outputs, id: undefined, bringsState, isSignal: false };
}
