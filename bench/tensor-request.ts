// One FP32 tensor `x` as a request of Open Inference V2, in JSON and in binary; the answer is JSON either way.
import { seededRandom } from "../models/random.ts";

export interface TensorRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** Between 0 and 1, of seven digits, which is what a float has. */
export function tensorValues(count: number): Float32Array<ArrayBuffer> {
  const random = seededRandom(count);
  return Float32Array.from({ length: count }, () => Number(random().toPrecision(7)));
}

export function jsonRequest(shape: readonly number[], values: Float32Array): TensorRequest {
  const data = Array.from(values, (value) => Number(value.toPrecision(7)));
  const body = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape, data }] });
  return { headers: { "content-type": "application/json" }, body };
}

/** Blanks behind the JSON put the tensor where every server can read it without a copy. */
const alignment = 8;

export function binaryRequest(shape: readonly number[], values: Float32Array): TensorRequest {
  const parameters = { binary_data_size: values.byteLength };
  const text = JSON.stringify({ inputs: [{ name: "x", datatype: "FP32", shape, parameters }] });
  const json = text.padEnd(Math.ceil(text.length / alignment) * alignment);
  const tensor = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const headers = {
    "content-type": "application/octet-stream",
    "inference-header-content-length": String(json.length),
  };
  return { headers, body: Buffer.concat([Buffer.from(json), tensor]) };
}
