/* Tensors in JSON, as every server of the Open Inference Protocol V2 takes them. */
import type { Datatype } from "../protocol/model-metadata.ts";
import { allocate, datatypeTraits } from "../tensors/datatypes.ts";
import type { Tensor, TensorData } from "../tensors/tensor.ts";
import { type ClientErrorCode, TroupeClientError, textOf } from "./client-error.ts";
import { parseJson } from "./http.ts";
import { type AnswerHead, answerOf, type InferCodec, type InferRequest } from "./infer-messages.ts";

export const jsonCodec: InferCodec = {
  write: (request) => ({
    body: textOfRequest(request),
    headers: { "content-type": "application/json" },
  }),
  read: ({ body }) =>
    answerOf(parseJson(textOf(body)) as AnswerHead, ({ datatype, data }) =>
      readElements(datatype, data ?? []),
    ),
};

const nameOnly: TensorHeads = { input: (name) => ({ name }), output: (name) => ({ name }) };

function textOfRequest(request: InferRequest): string {
  const inputs = Object.entries(request.inputs).map(textOfInput).join(",");
  const head = JSON.stringify({ ...headOf(request, nameOnly), inputs: undefined });
  return `{"inputs":[${inputs}]${head === "{}" ? "" : ","}${head.slice(1)}`;
}

function textOfInput([name, { datatype, shape, data }]: readonly [string, Tensor]): string {
  const head = JSON.stringify({ name, datatype, shape }).slice(0, -1);
  return `${head},"data":${textOfElements(name, datatype, data)}}`;
}

/** JSON.stringify makes 0 of -0. */
function textOfElements(name: string, datatype: Datatype, data: TensorData): string {
  if (datatypeTraits[datatype].kind === "half") {
    throw onlyBinary("invalid-request", `input '${name}'`, datatype);
  }
  const elements = elementsOf(datatype, data);
  if (!elements.some((element) => Object.is(element, -0))) return JSON.stringify(elements);
  return `[${elements.map((element) => (Object.is(element, -0) ? "-0.0" : JSON.stringify(element))).join(",")}]`;
}

/** How a codec writes what is said of one tensor. */
export interface TensorHeads {
  input(name: string, tensor: Tensor): object;
  output(name: string): object;
}

/** The request's JSON. */
export function headOf(
  { id, inputs, outputs, parameters }: InferRequest,
  heads: TensorHeads,
): object {
  return {
    ...(id === undefined ? {} : { id }),
    ...(parameters === undefined ? {} : { parameters }),
    inputs: Object.entries(inputs).map(([name, tensor]) => heads.input(name, tensor)),
    ...(outputs === undefined ? {} : { outputs: outputs.map((name) => heads.output(name)) }),
  };
}

/** Integers of 64 bits go as strings of digits, which are exact; BOOL goes as true and false. */
function elementsOf(datatype: Datatype, data: TensorData): readonly unknown[] {
  switch (datatypeTraits[datatype].kind) {
    case "boolean":
      return Array.from(data as Uint8Array, (value) => value !== 0);
    case "long":
      return Array.from(data as BigInt64Array, String);
    default:
      return Array.from<unknown>(data);
  }
}

/** What JSON has no number for comes as null, and is NaN again here. */
export function readElements(datatype: Datatype, elements: readonly unknown[]): TensorData {
  const data = allocate(datatype, elements.length);
  const read = readerOf(datatype);
  for (const [at, element] of elements.entries()) (data as unknown[])[at] = read(element);
  return data;
}

function readerOf(datatype: Datatype): (element: unknown) => unknown {
  switch (datatypeTraits[datatype].kind) {
    case "long":
      return (element) => BigInt(element as number | string);
    case "half":
      throw onlyBinary("unexpected-answer", "an output", datatype);
    case "string":
      return String;
    case "float":
      return (element) => (element === null ? Number.NaN : element);
    default:
      return Number;
  }
}

/** The bits of FP16 and BF16 would be read as numbers, which are other ones. */
function onlyBinary(code: ClientErrorCode, what: string, datatype: Datatype): TroupeClientError {
  const words = `${what}: expected ${datatype} in binary, as JSON has none, got a server without`;
  return new TroupeClientError(code, words);
}
