/* Tensors as callers hand them over and get them: typed arrays with a shape. */
import type { Datatype } from "../protocol/model-metadata.ts";
import { datatypeTraits, type TypedArray } from "../tensors/datatypes.ts";
import type { Tensor } from "../tensors/tensor.ts";
import { TroupeClientError } from "./client-error.ts";

/** The datatype may be left out where the array says it: a Float32Array is FP32, and a list of texts BYTES. */
export interface InputTensor {
  readonly data: TypedArray | readonly string[];
  readonly shape: readonly number[];
  readonly datatype?: Datatype;
}

export type Inputs = Readonly<Record<string, InputTensor>>;

/** BOOL is a Uint8Array of 0 and 1, FP16 and BF16 are raw bits in a Uint16Array, BYTES a list of texts. */
export type OutputTensor = Tensor;

const datatypeOfArray: Readonly<Record<string, Datatype>> = {
  Uint8Array: "UINT8",
  Uint16Array: "UINT16",
  Uint32Array: "UINT32",
  BigUint64Array: "UINT64",
  Int8Array: "INT8",
  Int16Array: "INT16",
  Int32Array: "INT32",
  BigInt64Array: "INT64",
  Float32Array: "FP32",
  Float64Array: "FP64",
};

/** Each with its datatype. Throws as `checkTensor` does. */
export function checkTensors(inputs: Inputs): Readonly<Record<string, Tensor>> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, input]) => [name, checkTensor(name, input)]),
  );
}

/** Throws `invalid-request` where data, shape and datatype do not fit together. */
export function checkTensor(name: string, input: InputTensor): Tensor {
  checkParts(name, input);
  const { data, shape } = input;
  const datatype = input.datatype ?? datatypeOf(data);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count !== data.length) {
    throw misfit(name, `${count} elements for shape [${shape}]`, `${data.length}`);
  }
  const { array } = datatypeTraits[datatype];
  const fits = array === null ? Array.isArray(data) : isOf(data, array);
  if (!fits)
    throw misfit(name, `${array?.name ?? "a list of texts"} for ${datatype}`, kindOf(data));
  return { datatype, shape, data };
}

/** For callers without types: a plain list of numbers would go as BYTES. */
function checkParts(name: string, { data, shape }: Partial<InputTensor>): void {
  const isList = Array.isArray(data) && data.every((element) => typeof element === "string");
  if (!isList && !ArrayBuffer.isView(data)) {
    const got = Array.isArray(data) ? "a list of others" : String(data);
    throw misfit(name, "data as a typed array, or as a list of texts", got);
  }
  if (!Array.isArray(shape)) throw misfit(name, "a shape, such as [1,4]", String(shape));
}

/** A Buffer is a Uint8Array too. */
function isOf(data: object, array: { readonly name: string }): boolean {
  return kindOf(data) === array.name;
}

function datatypeOf(data: InputTensor["data"]): Datatype {
  return datatypeOfArray[kindOf(data)] ?? "BYTES";
}

function kindOf(data: object): string {
  return data instanceof Uint8Array ? "Uint8Array" : data.constructor.name;
}

function misfit(name: string, expected: string, got: string): TroupeClientError {
  return new TroupeClientError(
    "invalid-request",
    `input '${name}': expected ${expected}, got ${got}`,
  );
}
