/*
 * Frames of a WebSocket that carry tensors: the length of the JSON in four bytes, the JSON, and the tensors' bytes behind
 * it, as the server's page says under "Binary frames".
 */
import type { Tensor } from "../tensors/tensor.ts";
import { binaryHeads, encoded, joined, TensorReader } from "./binary-tensors.ts";
import { textOf } from "./client-error.ts";
import { parseJson } from "./http.ts";
import type { OutputHead } from "./infer-messages.ts";
import { headOf } from "./json-tensors.ts";
import type { OutputTensor } from "./typed-tensors.ts";

export interface TensorFrame {
  readonly inputs: Readonly<Record<string, Tensor>>;
  /** Names of those that are to come back; at least one. */
  readonly outputs: readonly string[];
  /** What else stands in the JSON. */
  readonly fields: object;
}

const lengthBytes = 4;

export function writeTensorFrame({
  inputs,
  outputs,
  fields,
}: TensorFrame): Uint8Array<ArrayBuffer> {
  const { heads, parts } = binaryHeads(inputs);
  const head = encoded({ ...fields, ...headOf({ inputs, outputs }, heads) });
  const length = new Uint8Array(lengthBytes);
  new DataView(length.buffer).setUint32(0, head.length, true);
  return joined([length, head, ...parts]);
}

/** The JSON's fields, with `tensors` by name in place of `outputs`. Throws `unexpected-answer`. */
export function readTensorFrame(bytes: Uint8Array): object {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const tensorsAt = lengthBytes + view.getUint32(0, true);
  const frame = parseJson(textOf(bytes.subarray(lengthBytes, tensorsAt))) as ListedFrame;
  return withTensors(frame, new TensorReader(bytes, tensorsAt));
}

/** The same of a text: where no tensor has any bytes the frame is one, and its `outputs` are a list nonetheless. */
export function readEmptyTensors(frame: object): object {
  if (!("outputs" in frame && Array.isArray(frame.outputs))) return frame;
  return withTensors(frame as ListedFrame, new TensorReader(new Uint8Array(0), 0));
}

interface ListedFrame {
  readonly outputs: readonly OutputHead[];
}

function withTensors({ outputs, ...fields }: ListedFrame, reader: TensorReader): object {
  const tensors = outputs.map((output): [string, OutputTensor] => {
    const { name, datatype, shape } = output;
    return [name, { datatype, shape, data: reader.read(output) }];
  });
  return { ...fields, tensors: Object.fromEntries(tensors) };
}
