/* Tensors in JSON, as every server of the Open Inference Protocol V2 takes them. */
import type { Datatype } from "../protocol/model-metadata.ts";
import { allocate, datatypeTraits } from "../tensors/datatypes.ts";
import type { Tensor, TensorData } from "../tensors/tensor.ts";
import { textOf } from "./client-error.ts";
import { parseJson } from "./http.ts";
import { type AnswerHead, answerOf, type InferCodec, type InferRequest } from "./infer-messages.ts";

export const jsonCodec: InferCodec = {
  write: (request) => ({
    body: JSON.stringify(headOf(request, { input: jsonInput, output: (name) => ({ name }) })),
    headers: { "content-type": "application/json" },
  }),
  read: ({ body }) =>
    answerOf(parseJson(textOf(body)) as AnswerHead, ({ datatype, data }) =>
      readElements(datatype, data ?? []),
    ),
};

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

function jsonInput(name: string, { datatype, shape, data }: Tensor): object {
  return { name, datatype, shape, data: writeElements(datatype, data) };
}

/** Integers of 64 bits go as strings of digits, which are exact; BOOL goes as true and false. */
function writeElements(datatype: Datatype, data: TensorData): readonly unknown[] {
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
    case "string":
      return String;
    case "float":
      return (element) => (element === null ? Number.NaN : element);
    default:
      return Number;
  }
}
