/* ModelInferResponse, out of what a host has answered; its tensors pass through unread. */
import { TroupeError } from "../../protocol/errors.ts";
import type { AnswerBytes } from "../../protocol/frames.ts";
import { isObject } from "../json-request.ts";
import type { Json } from "./definitions.ts";
import { writeParameters } from "./infer-parameters.ts";

/**
 * The message's fields. `id` is the client's own. Throws `internal` where the host's answer is not what it should be:
 * it may be compromised.
 */
export function inferResponse(answer: AnswerBytes, id: string, more: Json = {}): Json {
  const { json, tensors } = splitAnswer(answer);
  const outputs = listIn(json, "outputs");
  return {
    model_name: json["model_name"],
    model_version: json["model_version"],
    id,
    parameters: writeParameters({ ...objectIn(json, "parameters"), ...more }),
    outputs: outputs.map(({ name, datatype, shape }) => ({ name, datatype, shape })),
    raw_output_contents: rawContents(outputs, tensors),
  };
}

function splitAnswer({ body, jsonBytes }: AnswerBytes): { json: Json; tensors: Buffer } {
  // Where no output has any bytes, all of the body is JSON.
  const end = jsonBytes === 0 ? body.length : jsonBytes;
  const json: unknown = JSON.parse(body.toString("utf8", 0, end));
  if (!isObject(json)) throw wrongAnswer();
  return { json, tensors: body.subarray(end) };
}

function rawContents(outputs: readonly Json[], tensors: Buffer): readonly Buffer[] {
  let at = 0;
  const contents = outputs.map((output) => {
    const size = objectIn(output, "parameters")["binary_data_size"] ?? 0;
    if (!Number.isSafeInteger(size) || (size as number) < 0) throw wrongAnswer();
    at += size as number;
    return tensors.subarray(at - (size as number), at);
  });
  if (at !== tensors.length) throw wrongAnswer();
  return contents;
}

function objectIn(json: Json, name: string): Json {
  const value = json[name] ?? {};
  if (isObject(value)) return value;
  throw wrongAnswer();
}

function listIn(json: Json, name: string): readonly Json[] {
  const value = json[name];
  if (Array.isArray(value) && value.every(isObject)) return value;
  throw wrongAnswer();
}

function wrongAnswer(): TroupeError {
  return new TroupeError("internal", "internal error");
}
