import type { AnswerBody } from "../protocol/host-frames.ts";
import type { Answer, Codec, ServedModel } from "./codec.ts";
import { widenHalf } from "./half-floats.ts";
import { parseJsonBody } from "./json-body.ts";
import { expectObject, property } from "./json-object.ts";
import { numberText, stringText, writeElements } from "./json-writer.ts";
import { encodePredictionEnd, warningsText } from "./predict-answer.ts";
import { readFeatures } from "./predict-codec.ts";
import type { Tensor } from "./tensor.ts";
import { invalidRequest, wordFor } from "./wording.ts";

/**
 * Model-Nexus's JSON: `features` is one row or a list of rows; the answer is `{"model_id","request_id","prediction",
 * "confidence"?,"warnings"?}`, where `prediction` is the first output, flat.
 */
export const nexusCodec: Codec = {
  decode: (body, model) => {
    const features = property(expectObject("body", parseJsonBody(body)), "features");
    if (Array.isArray(features)) return readFeatures(features, model);
    throw invalidRequest(
      `Cannot read 'features': expected a list of numbers, or of rows, got ${wordFor(features)}`,
    );
  },
  encode,
  encodeEnd: encodePredictionEnd,
};

function encode({ request, requestId, outputs }: Answer, model: ServedModel): AnswerBody {
  const warnings: string[] = [];
  const tensors = outputs.map(widenHalf);
  const [first] = tensors;
  const name = model.metadata.outputs[request.outputs[0] ?? 0]?.name ?? "";
  const prediction = first && writeElements(name, first, { nested: false, warnings });
  const highest = tensors.map(highestProbability).find((one) => one !== undefined);
  let text = `{"model_id":${stringText(model.name)},"request_id":${stringText(requestId)}`;
  text += `,"prediction":${prediction ?? "[]"}`;
  if (highest !== undefined) text += `,"confidence":${numberText(highest)}`;
  return { json: Buffer.from(`${text}${warningsText(warnings)}}`), tensors: [] };
}

/** As far as rounding of 32-bit floats takes a sum from 1. */
const sumTolerance = 1e-3;

/** Undefined where the rows of the output are no probabilities: at least two numbers from 0 that add up to 1. */
function highestProbability({ datatype, shape, data }: Tensor): number | undefined {
  const size = shape.at(-1) ?? 0;
  if ((datatype !== "FP32" && datatype !== "FP64") || size < 2) return undefined;
  const scores = data as Float32Array | Float64Array;
  let highest: number | undefined;
  for (let row = 0; row < scores.length; row += size) {
    const best = bestOfRow(scores.subarray(row, row + size));
    if (best === undefined) return undefined;
    highest = Math.max(best, highest ?? best);
  }
  return highest;
}

function bestOfRow(row: Float32Array | Float64Array): number | undefined {
  let sum = 0;
  let best = 0;
  for (const score of row) {
    if (!(score >= 0)) return undefined;
    sum += score;
    best = Math.max(best, score);
  }
  return Math.abs(sum - 1) <= sumTolerance ? best : undefined;
}
