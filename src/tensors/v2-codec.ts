import { hasMemory, type TensorSpec } from "../protocol/model-metadata.ts";
import type { Answer, Codec, DecodedRequest, ServedModel } from "./codec.ts";
import { parseJsonBody } from "./json-body.ts";
import { expectObject, type JsonObject, property } from "./json-object.ts";
import { checkWritable, stringText, writeElements } from "./json-writer.ts";
import { perModel } from "./per-model.ts";
import type { Tensor } from "./tensor.ts";
import { checkFlag, optionalParameters } from "./v2-outputs.ts";
import { readOpenInference } from "./v2-request.ts";
import { invalidRequest, quoted, wordFor } from "./wording.ts";

/**
 * The JSON form of the Open Inference Protocol V2 (`POST …/infer`), with the checks of open-inference.md sections 2, 5
 * and 6. The binary extension has its place in `readOpenInference`, where a tensor's form is chosen.
 */
export const v2Codec: Codec = {
  decode: decodeInference,
  encode: encodeInference,
  encodeEnd: encodeInferenceEnd,
};

function decodeInference(body: Uint8Array, model: ServedModel): DecodedRequest {
  const request = expectObject("body", parseJsonBody(body));
  const id = readId(property(request, "id"));
  checkParameters(optionalParameters("'parameters'", request), model);
  const decoded = readOpenInference(request, model, { rowsOneByOne: false });
  // Said before the model runs, not after.
  for (const index of decoded.outputs) {
    const { name, datatype } = model.metadata.outputs[index] as TensorSpec;
    checkWritable(name, datatype);
  }
  return { ...decoded, id };
}

/** An empty id counts as none. */
function readId(value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  throw invalidRequest(`Cannot read 'id': expected a string, got ${wordFor(value)}`);
}

/** Those that name a sequence are the front door's to read. */
const sequenceParameters = ["sequence_id", "sequence_start", "sequence_end"] as const;

function checkParameters(parameters: JsonObject, model: ServedModel): void {
  const named = sequenceParameters.find((name) => Object.hasOwn(parameters, name));
  if (named !== undefined && !hasMemory(model.metadata)) {
    throw invalidRequest(
      `Cannot read parameter ${quoted(named)}: model ${quoted(model.name)} keeps no state between requests`,
    );
  }
  for (const name of Object.keys(parameters)) {
    if (name.startsWith("triton_")) {
      throw invalidRequest(
        `Cannot read parameter ${quoted(name)}: parameter keys starting with 'triton_' are reserved`,
      );
    }
    checkParameter(name, parameters[name]);
  }
  checkFlag("'parameters'", parameters, "binary_data_output");
}

function checkParameter(name: string, value: unknown): void {
  if (typeof value === "string" || typeof value === "boolean" || Number.isFinite(value)) return;
  throw invalidRequest(
    `Cannot read parameter ${quoted(name)}: expected a string, a number, true or false, got ${wordFor(value)}`,
  );
}

/** The parts of a response's text that never change. */
interface Constants {
  readonly model: string;
  /** For each output of the model: everything up to the sizes in its shape. */
  readonly outputs: readonly string[];
}

const constantsOf = perModel(
  (model): Constants => ({
    model: `,"model_name":${JSON.stringify(model.name)},"model_version":${JSON.stringify(model.version)}`,
    outputs: model.metadata.outputs.map(
      ({ name, datatype }) => `{"name":${JSON.stringify(name)},"datatype":"${datatype}","shape":[`,
    ),
  }),
);

/**
 * The "Inference Response JSON Object" as UTF-8, fields in Triton's order and `data` flat. The request id of the answer
 * stands in for an id that the client did not send, since it stands in header and body alike. Throws `invalid-request`
 * for FP16 and BF16.
 */
function encodeInference(answer: Answer, model: ServedModel): Uint8Array {
  const constants = constantsOf(model);
  const warnings: string[] = [];
  const outputs = outputsText(answer, model, warnings);
  const id = stringText(answer.request.id ?? answer.requestId);
  const parameters = parametersText(answer, warnings);
  return Buffer.from(`{"id":${id}${constants.model}${parameters},"outputs":[${outputs}]}`);
}

/** A response without outputs whose parameter `rows` says how many have been sent. */
function encodeInferenceEnd(requestId: string, rows: number, model: ServedModel): Uint8Array {
  const id = JSON.stringify(requestId);
  const constants = constantsOf(model);
  return Buffer.from(`{"id":${id}${constants.model},"parameters":{"rows":${rows}},"outputs":[]}`);
}

function outputsText(answer: Answer, model: ServedModel, warnings: string[]): string {
  const heads = constantsOf(model).outputs;
  let text = "";
  for (let i = 0; i < answer.outputs.length; i += 1) {
    const tensor = answer.outputs[i] as Tensor;
    const index = answer.request.outputs[i] as number;
    const { name } = model.metadata.outputs[index] as TensorSpec;
    const data = writeElements(name, tensor, { nested: false, warnings });
    if (i > 0) text += ",";
    text += `${heads[index]}${tensor.shape.join(",")}],"data":${data}}`;
  }
  return text;
}

/** A plain answer has none. */
function parametersText(answer: Answer, warnings: readonly string[]): string {
  if (answer.firstRow === undefined && warnings.length === 0) return "";
  const parameters = {
    ...(answer.firstRow === undefined ? {} : { first_row: answer.firstRow }),
    ...(warnings.length === 0 ? {} : { warnings }),
  };
  return `,"parameters":${JSON.stringify(parameters)}`;
}
