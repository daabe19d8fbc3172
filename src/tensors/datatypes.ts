import { type Datatype, datatypes } from "../protocol/model-metadata.ts";
import type { TensorData } from "./tensor.ts";

export type TypedArray = Exclude<TensorData, readonly string[]>;

/** Tensor data while it is being filled. */
export type WritableData = TypedArray | string[];

type TypedArrayConstructor =
  | Uint8ArrayConstructor
  | Uint16ArrayConstructor
  | Uint32ArrayConstructor
  | BigUint64ArrayConstructor
  | Int8ArrayConstructor
  | Int16ArrayConstructor
  | Int32ArrayConstructor
  | BigInt64ArrayConstructor
  | Float32ArrayConstructor
  | Float64ArrayConstructor;

/** Both ends are allowed. */
export interface IntegerRange<N extends number | bigint> {
  readonly min: N;
  readonly max: N;
}

/** The kind says which JSON value stands for an element. */
type DatatypeTraits =
  | { readonly kind: "boolean"; readonly bytes: number; readonly array: TypedArrayConstructor }
  | {
      readonly kind: "integer";
      readonly bytes: number;
      readonly array: TypedArrayConstructor;
      readonly range: IntegerRange<number>;
    }
  | {
      readonly kind: "long";
      readonly bytes: number;
      readonly array: TypedArrayConstructor;
      readonly range: IntegerRange<bigint>;
    }
  | {
      readonly kind: "half";
      readonly bytes: number;
      readonly array: TypedArrayConstructor;
      readonly datatype: "FP16" | "BF16";
    }
  | { readonly kind: "float"; readonly bytes: number; readonly array: TypedArrayConstructor }
  /** Elements are strings, each as long as it likes. */
  | { readonly kind: "string"; readonly bytes: null; readonly array: null };

function integer(array: TypedArrayConstructor, min: number, max: number): DatatypeTraits {
  return { kind: "integer", bytes: array.BYTES_PER_ELEMENT, array, range: { min, max } };
}

function long(array: TypedArrayConstructor, min: bigint, max: bigint): DatatypeTraits {
  return { kind: "long", bytes: array.BYTES_PER_ELEMENT, array, range: { min, max } };
}

/** Sizes as the Open Inference Protocol's section "Tensor Data Types" has them; BF16 as Triton has it. */
export const datatypeTraits: Readonly<Record<Datatype, DatatypeTraits>> = {
  BOOL: { kind: "boolean", bytes: 1, array: Uint8Array },
  UINT8: integer(Uint8Array, 0, 0xff),
  UINT16: integer(Uint16Array, 0, 0xffff),
  UINT32: integer(Uint32Array, 0, 0xffff_ffff),
  UINT64: long(BigUint64Array, 0n, 2n ** 64n - 1n),
  INT8: integer(Int8Array, -0x80, 0x7f),
  INT16: integer(Int16Array, -0x8000, 0x7fff),
  INT32: integer(Int32Array, -0x8000_0000, 0x7fff_ffff),
  INT64: long(BigInt64Array, -(2n ** 63n), 2n ** 63n - 1n),
  FP16: { kind: "half", bytes: 2, array: Uint16Array, datatype: "FP16" },
  BF16: { kind: "half", bytes: 2, array: Uint16Array, datatype: "BF16" },
  FP32: { kind: "float", bytes: 4, array: Float32Array },
  FP64: { kind: "float", bytes: 8, array: Float64Array },
  BYTES: { kind: "string", bytes: null, array: null },
};

export function isDatatype(value: unknown): value is Datatype {
  return (datatypes as readonly unknown[]).includes(value);
}

/** Zeroed elements; a BYTES tensor is a list of `count` holes, to be filled by the caller. */
export function allocate(datatype: Datatype, count: number): WritableData {
  // The two most frequent ones go first and by name: a call through the table is not inlined.
  if (datatype === "FP32") return new Float32Array(count);
  if (datatype === "INT64") return new BigInt64Array(count);
  const { array } = datatypeTraits[datatype];
  return array === null ? new Array<string>(count) : new array(count);
}
