import type { AnswerBody } from "../protocol/host-frames.ts";
import type { Answer, ServedModel } from "./codec.ts";
import { stringText } from "./json-writer.ts";
import { writeOutputs } from "./output-list.ts";
import { perModel } from "./per-model.ts";

/** The part of a response's text that never changes. */
const modelText = perModel(({ name, version }) => ({
  text: `,"model_name":${JSON.stringify(name)},"model_version":${JSON.stringify(version)}`,
}));

/**
 * The "Inference Response JSON Object" as UTF-8, fields in Triton's order and `data` flat, and behind it the outputs
 * that are wanted in binary. The request id of the answer stands in for an id that the client did not send, since it
 * stands in header and body alike. Throws `invalid-request` for FP16 and BF16 in JSON.
 */
export function encodeInference(answer: Answer, model: ServedModel): AnswerBody {
  const { text, warnings, tensors } = writeOutputs(answer, model);
  const id = stringText(answer.request.id ?? answer.requestId);
  const parameters = parametersText(answer, warnings);
  const json = `{"id":${id}${modelText(model).text}${parameters},"outputs":[${text}]}`;
  return { json: Buffer.from(json), tensors };
}

/** A response without outputs whose parameter `rows` says how many have been sent. */
export function encodeInferenceEnd(
  requestId: string,
  rows: number,
  model: ServedModel,
): Uint8Array {
  const id = JSON.stringify(requestId);
  const { text } = modelText(model);
  return Buffer.from(`{"id":${id}${text},"parameters":{"rows":${rows}},"outputs":[]}`);
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
