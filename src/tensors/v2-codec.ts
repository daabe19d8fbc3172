import { readBinary } from "./binary-elements.ts";
import { type BinarySection, splitBinaryBody } from "./binary-section.ts";
import type { Codec, DecodedRequest, ServedModel } from "./codec.ts";
import { parseJsonBody, readJsonBody } from "./json-body.ts";
import { expectObject, property } from "./json-object.ts";
import { checkWritable } from "./json-writer.ts";
import { readContents } from "./typed-contents.ts";
import { encodeInference, encodeInferenceEnd } from "./v2-answer.ts";
import { optionalParameters } from "./v2-outputs.ts";
import { readParameters } from "./v2-parameters.ts";
import { readOpenInference } from "./v2-request.ts";
import { invalidRequest, wordFor } from "./wording.ts";

/**
 * The Open Inference Protocol V2 (`POST …/infer`) without binary inputs, with the checks of open-inference.md sections
 * 2, 5 and 6. Outputs may be wanted in binary all the same.
 */
export const v2Codec: Codec = {
  decode: (body, model) => readJsonBody(body, model, (json) => decodeInference(json, null, model)),
  encode: encodeInference,
  encodeEnd: encodeInferenceEnd,
};

/** The same with binary tensors behind the JSON (section 4): `length of the JSON u32 | JSON | tensors`. */
export const v2BinaryCodec: Codec = codecWith(readBinary);

/** The same where each of the tensors is an encoded InferTensorContents (section 8). */
export const v2ContentsCodec: Codec = codecWith(readContents);

function codecWith(readElements: typeof readBinary): Codec {
  return {
    ...v2Codec,
    decode: (body, model) => {
      const { json, tensors } = splitBinaryBody(body, readElements);
      const request = decodeInference(parseJsonBody(json), tensors, model);
      tensors.end(model.name);
      return request;
    },
  };
}

function decodeInference(
  json: unknown,
  tensors: BinarySection | null,
  model: ServedModel,
): DecodedRequest {
  const request = expectObject("body", json);
  const id = readId(property(request, "id"));
  const parameters = optionalParameters("'parameters'", request);
  const { wantsBinary, timing } = readParameters(parameters, model);
  const surroundings = { rowsOneByOne: false, tensors, wantsBinary };
  const decoded = readOpenInference(request, model, surroundings);
  checkOutputs(decoded, model);
  return { ...decoded, ...timing, id };
}

/** Said before the model runs, not after. */
function checkOutputs({ outputs, forms }: DecodedRequest, { metadata }: ServedModel): void {
  for (const [i, index] of outputs.entries()) {
    const form = forms?.[i];
    const spec = metadata.outputs[index];
    const isInJson = form === undefined || (!form.isBinary && form.classes === null);
    if (isInJson && spec !== undefined) checkWritable(spec.name, spec.datatype);
  }
}

/** An empty id counts as none. */
function readId(value: unknown): string | undefined {
  if (value === undefined || value === "") return undefined;
  if (typeof value === "string") return value;
  throw invalidRequest(`Cannot read 'id': expected a string, got ${wordFor(value)}`);
}
