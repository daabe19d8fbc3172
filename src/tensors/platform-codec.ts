import type { Codec, DecodedRequest, ServedModel } from "./codec.ts";
import { readJsonBody } from "./json-body.ts";
import { expectObject } from "./json-object.ts";
import { encodePredictionEnd, warningsText, writePredictions } from "./predict-answer.ts";
import { readPrediction } from "./predict-codec.ts";
import { invalidRequest, quoted } from "./wording.ts";

/**
 * The AI Inference Backend Platform's JSON: `features` or `inputs` as Troupe's own has them, and of an answer what it
 * calls the result, `{"predictions","outputs"?,"labels"?,"warnings"?}`.
 */
export const platformCodec: Codec = {
  decode: (body, model) => readJsonBody(body, model, (json) => decodePlatform(json, model)),
  encode: (answer, model) => {
    const { text, warnings } = writePredictions(answer, model);
    return { json: Buffer.from(`{${text}${warningsText(warnings)}}`), tensors: [] };
  },
  encodeEnd: encodePredictionEnd,
};

/** Its clients send null for each field that they leave out. */
function decodePlatform(json: unknown, model: ServedModel): DecodedRequest {
  const fields = Object.entries(expectObject("body", json));
  const request = Object.fromEntries(fields.filter(([, value]) => value !== null));
  if (!Object.hasOwn(request, "text")) return readPrediction(request, null, model);
  throw invalidRequest(
    `Cannot read 'text': model ${quoted(model.name)} takes tensors, expected 'features' or 'inputs'; models of text are not built yet`,
  );
}
