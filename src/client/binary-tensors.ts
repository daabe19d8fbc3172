/*
 * Tensors as bare bytes behind a head in JSON: the Open Inference Protocol's binary tensor data extension
 * (https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md).
 * Elements are little-endian, as typed arrays are on every machine that Node and browsers run on.
 */
import { datatypeTraits } from "../tensors/datatypes.ts";
import type { Tensor, TensorData } from "../tensors/tensor.ts";
import { TroupeClientError, textOf } from "./client-error.ts";
import { parseJson } from "./http.ts";
import {
  type AnswerHead,
  answerOf,
  type InferCodec,
  type InferRequest,
  type OutputHead,
  type WrittenRequest,
} from "./infer-messages.ts";
import { headOf, readElements, type TensorHeads } from "./json-tensors.ts";

/** The name under which a server lists it in `GET /v2`. */
export const binaryExtension = "binary_tensor_data";
const lengthHeader = "inference-header-content-length";

export type Bytes = Uint8Array<ArrayBufferLike>;

export const binaryCodec: InferCodec = {
  write: writeBinary,
  read: (answer) => {
    const headLength = Number(answer.header(lengthHeader) ?? answer.body.length);
    const head = parseJson(textOf(answer.body.subarray(0, headLength))) as AnswerHead;
    const reader = new TensorReader(answer.body, headLength);
    return answerOf(head, (output) => reader.read(output));
  },
};

function writeBinary(request: InferRequest): WrittenRequest {
  const { heads, parts } = binaryHeads(request.inputs);
  // Asks for all outputs where none is named; one that is named has to be asked for by itself.
  const parameters = { ...request.parameters, binary_data_output: true };
  const head = encoded(headOf({ ...request, parameters }, heads));
  return {
    body: joined([head, ...parts]),
    headers: {
      "content-type": "application/octet-stream",
      [lengthHeader]: String(head.length),
      // Packing numbers takes longer than it saves. (Browsers do as they like.)
      "accept-encoding": "identity",
    },
  };
}

/** What the head says of each tensor, and their bytes in the same order. */
export function binaryHeads(inputs: InferRequest["inputs"]): {
  readonly heads: TensorHeads;
  readonly parts: readonly Bytes[];
} {
  const parts = new Map(Object.entries(inputs).map(([name, { data }]) => [name, bytesOf(data)]));
  const heads: TensorHeads = {
    input: (name, { datatype, shape }) => {
      const size = parts.get(name)?.byteLength ?? 0;
      return { name, datatype, shape, parameters: { binary_data_size: size } };
    },
    output: (name) => ({ name, parameters: { binary_data: true } }),
  };
  return { heads, parts: [...parts.values()] };
}

export function encoded(head: object): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(head));
}

/** Of BYTES each element stands behind its length, in four bytes. */
function bytesOf(data: Tensor["data"]): Bytes {
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  }
  const encoder = new TextEncoder();
  return joined(
    data.flatMap((text) => {
      const bytes = encoder.encode(text);
      const length = new Uint8Array(4);
      new DataView(length.buffer).setUint32(0, bytes.length, true);
      return [length, bytes];
    }),
  );
}

export function joined(parts: readonly Bytes[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Outputs lie behind each other, in the order of the head. */
export class TensorReader {
  readonly #body: Bytes;
  #at: number;

  constructor(body: Bytes, at: number) {
    this.#body = body;
    this.#at = at;
  }

  read({ name, datatype, data, parameters }: OutputHead): TensorData {
    const size = parameters?.binary_data_size;
    if (size === undefined) return readElements(datatype, data ?? []);
    const end = this.#at + size;
    if (end > this.#body.length) {
      const words = `output '${name}': expected ${size} bytes, got ${this.#body.length - this.#at}`;
      throw new TroupeClientError("unexpected-answer", words);
    }
    // A copy, as a typed array must begin at a multiple of its element's size.
    const bytes = this.#body.slice(this.#at, end);
    this.#at = end;
    const { array } = datatypeTraits[datatype];
    return array === null
      ? readTexts(bytes)
      : new array(bytes.buffer as ArrayBuffer, 0, size / array.BYTES_PER_ELEMENT);
  }
}

function readTexts(bytes: Bytes): readonly string[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const texts: string[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at, true);
    texts.push(textOf(bytes.subarray(at + 4, at + 4 + length)));
    at += 4 + length;
  }
  return texts;
}
