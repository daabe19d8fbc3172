import type { Datatype } from "../protocol/model-metadata.ts";

export type TensorData =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | BigUint64Array
  | Int8Array
  | Int16Array
  | Int32Array
  | BigInt64Array
  | Float32Array
  | Float64Array
  | readonly string[];

/** Row-major elements. BOOL is a Uint8Array of 0 and 1; FP16 and BF16 are the raw bits in a Uint16Array; BYTES is strings. */
export interface Tensor {
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}
