import type { AnswerBody } from "../protocol/host-frames.ts";
import type { TensorSpec } from "../protocol/model-metadata.ts";
import type { Answer, ServedModel } from "./codec.ts";
import { widenHalf } from "./half-floats.ts";
import { numberText, stringText, writeElements } from "./json-writer.ts";
import { plainOutputs } from "./model-state.ts";
import { writeOutputs } from "./output-list.ts";
import { perModel } from "./per-model.ts";
import type { Tensor } from "./tensor.ts";

/** The parts of an answer's text that never change. */
interface Constants {
  readonly opening: string;
  /** For each output of the model: its name, its datatype and the key of its shape. */
  readonly outputs: readonly string[];
  /** For each label: everything up to its score. */
  readonly labels: readonly string[];
}

const constantsOf = perModel(
  (model): Constants => ({
    opening: `{"model":${JSON.stringify(model.name)},"version":${JSON.stringify(model.version)}`,
    outputs: model.metadata.outputs.map(
      ({ name, datatype }) => `${JSON.stringify(name)}:{"datatype":"${datatype}","shape":[`,
    ),
    labels: model.labels.map((label) => `{"label":${JSON.stringify(label)},"score":`),
  }),
);

/**
 * `{"model","version","first_row"? or "position"?,"predictions","outputs"?,"labels"?,"warnings"?,"request_id"}` as UTF-8.
 * `predictions` is the first output, nested by its shape; `outputs` stands there where the model has several; `labels`
 * names the best class of each row where the model has labels and an output of one score a label. FP16 and BF16 are
 * written as numbers. A request that wants outputs in another form than that gets in place of `predictions`, `outputs`
 * and `labels` the list of the Open Inference Protocol as `outputs`, whose order is that of the binary tensors behind it.
 */
export function encodePrediction(answer: Answer, model: ServedModel): AnswerBody {
  const constants = constantsOf(model);
  if (answer.request.forms !== undefined) return encodeList(answer, model, constants);
  const { text, warnings } = writePredictions(answer, model);
  const json = `${constants.opening}${placeText(answer)},${text}${closing(answer, warnings)}`;
  return { json: Buffer.from(json), tensors: [] };
}

interface WrittenPredictions {
  /** `"predictions","outputs"?,"labels"?` without the braces around them. */
  readonly text: string;
  readonly warnings: readonly string[];
}

/** What an answer says of its tensors, wanted as they are, in JSON. */
export function writePredictions(answer: Answer, model: ServedModel): WrittenPredictions {
  const constants = constantsOf(model);
  const warnings: string[] = [];
  const outputs: Tensor[] = [];
  const texts: string[] = [];
  for (let i = 0; i < answer.outputs.length; i += 1) {
    const tensor = widenHalf(answer.outputs[i] as Tensor);
    const { name } = specOf(answer, model, i);
    outputs.push(tensor);
    texts.push(writeElements(name, tensor, { nested: true, warnings }));
  }
  let text = `"predictions":${texts[0] ?? "null"}`;
  if (Math.max(plainOutputs(model).length, outputs.length) > 1)
    text += outputsText(answer, constants, texts);
  if (constants.labels.length > 0) text += labelsText(outputs, constants.labels);
  return { text, warnings };
}

function encodeList(answer: Answer, model: ServedModel, { opening }: Constants): AnswerBody {
  const isBinary = (i: number) => answer.request.forms?.[i]?.isBinary ?? false;
  const outputs = answer.outputs.map((tensor, i) => (isBinary(i) ? tensor : widenHalf(tensor)));
  const { text, warnings, tensors } = writeOutputs({ ...answer, outputs }, model);
  const json = `${opening}${placeText(answer)},"outputs":[${text}]${closing(answer, warnings)}`;
  return { json: Buffer.from(json), tensors };
}

/** Where a slice of a streaming answer belongs. */
function placeText({ position, firstRow }: Answer): string {
  if (position !== undefined) return `,"position":${position}`;
  return firstRow === undefined ? "" : `,"first_row":${firstRow}`;
}

/** Empty where there are none. */
export function warningsText(warnings: readonly string[]): string {
  return warnings.length === 0 ? "" : `,"warnings":${JSON.stringify(warnings)}`;
}

function closing({ requestId }: Answer, warnings: readonly string[]): string {
  return `${warningsText(warnings)},"request_id":${stringText(requestId)}}`;
}

/** `{"model","version","rows","request_id"}`: says that all `rows` rows of a streaming answer have been sent. */
export function encodePredictionEnd(
  requestId: string,
  rows: number,
  model: ServedModel,
): Uint8Array {
  const { opening } = constantsOf(model);
  return Buffer.from(`${opening},"rows":${rows},"request_id":${JSON.stringify(requestId)}}`);
}

function specOf(answer: Answer, model: ServedModel, i: number): TensorSpec {
  return model.metadata.outputs[answer.request.outputs[i] as number] as TensorSpec;
}

function outputsText(answer: Answer, constants: Constants, texts: readonly string[]): string {
  const parts = texts.map((text, i) => {
    const head = constants.outputs[answer.request.outputs[i] as number];
    return `${head}${answer.outputs[i]?.shape.join(",")}],"data":${text}}`;
  });
  return `,"outputs":{${parts.join(",")}}`;
}

/** Nothing where no output of floats has one score a label. */
function labelsText(outputs: readonly Tensor[], labels: readonly string[]): string {
  for (const { datatype, shape, data } of outputs) {
    if (shape[shape.length - 1] !== labels.length) continue;
    if (datatype === "FP32" || datatype === "FP64") {
      return `,"labels":[${bestOfRows(data as Float32Array | Float64Array, labels)}]`;
    }
  }
  return "";
}

function bestOfRows(scores: Float32Array | Float64Array, labels: readonly string[]): string {
  let text = "";
  for (let row = 0; row < scores.length; row += labels.length) {
    const best = indexOfBest(scores, row, row + labels.length);
    if (row > 0) text += ",";
    text += best < 0 ? '{"label":null,"score":null}' : bestText(scores[best], labels[best - row]);
  }
  return text;
}

function bestText(score: number | undefined, label: string | undefined): string {
  return `${label}${numberText(score as number)}}`;
}

/** The first of equals; -1 where every score is NaN. */
function indexOfBest(scores: Float32Array | Float64Array, from: number, to: number): number {
  let best = -1;
  let highest = Number.NEGATIVE_INFINITY;
  for (let i = from; i < to; i += 1) {
    const score = scores[i] as number;
    if (best < 0 ? Number.isNaN(score) : !(score > highest)) continue;
    best = i;
    highest = score;
  }
  return best;
}
