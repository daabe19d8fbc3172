import type { TensorSpec } from "../protocol/model-metadata.ts";
import type { Codec, DecodedRequest, ServedModel } from "./codec.ts";
import { parseJsonBody } from "./json-body.ts";
import { expectObject, isJsonObject, type JsonObject, property } from "./json-object.ts";
import { readElements } from "./json-reader.ts";
import { nestingOf } from "./nesting.ts";
import { allOutputs } from "./per-model.ts";
import { encodePrediction, encodePredictionEnd } from "./predict-answer.ts";
import { type Allowance, checkNames, countRows, rowAxis } from "./request-check.ts";
import { fitShape } from "./row-layout.ts";
import { shapeText } from "./shapes.ts";
import type { Tensor } from "./tensor.ts";
import { readOpenInference } from "./v2-request.ts";
import { invalidRequest, listed, quoted, wordFor } from "./wording.ts";

const allowance: Allowance = { rowsOneByOne: true };

/**
 * Troupe's own JSON: `{"features": …}` for a model of one input, or `{"inputs": …}` with one value for each input by
 * name, or with the Open Inference list; see `fitShape` for what nesting may be left out. Other keys are not read, since
 * a WebSocket frame carries its own beside these.
 */
export const predictCodec: Codec = {
  decode: decodePrediction,
  encode: encodePrediction,
  encodeEnd: encodePredictionEnd,
};

function decodePrediction(body: Uint8Array, model: ServedModel): DecodedRequest {
  const request = expectObject("body", parseJsonBody(body));
  const hasFeatures = Object.hasOwn(request, "features");
  const hasInputs = Object.hasOwn(request, "inputs");
  if (hasFeatures === hasInputs) {
    const came = hasFeatures ? "both" : "neither";
    throw invalidRequest(`Cannot read body: expected either 'features' or 'inputs', got ${came}`);
  }
  return hasFeatures ? readFeatures(request["features"], model) : readInputs(request, model);
}

function readFeatures(features: unknown, model: ServedModel): DecodedRequest {
  const specs = model.metadata.inputs;
  const spec = specs[0];
  if (spec === undefined || specs.length !== 1) {
    const names = listed(specs.map(({ name }) => name));
    throw invalidRequest(
      `Cannot read 'features': model ${quoted(model.name)} has ${specs.length} inputs, expected 'inputs' with ${names}`,
    );
  }
  return requestOf([readInput(features, spec, model)], model);
}

function readInputs(request: JsonObject, model: ServedModel): DecodedRequest {
  const inputs = request["inputs"];
  if (Array.isArray(inputs)) return readOpenInference(request, model, allowance);
  if (!isJsonObject(inputs)) {
    throw invalidRequest(
      `Cannot read 'inputs': expected an object of inputs by name, or a list, got ${wordFor(inputs)}`,
    );
  }
  checkNames(namesIn(inputs, model), model);
  return requestOf(
    model.metadata.inputs.map((spec) => readInput(property(inputs, spec.name), spec, model)),
    model,
  );
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

function requestOf(inputs: readonly Tensor[], model: ServedModel): DecodedRequest {
  const rows = countRows(inputs, model, allowance);
  return { inputs, rows, outputs: allOutputs(model), id: undefined };
}
