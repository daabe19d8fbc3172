/* Tensors as InferTensorContents, as protobufjs takes them. */
import { type Datatype, datatypes } from "../../src/protocol/model-metadata.ts";
import type { Tensor } from "../../src/tensors/tensor.ts";

const fieldOf = {
  BOOL: "bool_contents",
  INT8: "int_contents",
  INT16: "int_contents",
  INT32: "int_contents",
  INT64: "int64_contents",
  UINT8: "uint_contents",
  UINT16: "uint_contents",
  UINT32: "uint_contents",
  UINT64: "uint64_contents",
  FP32: "fp32_contents",
  FP64: "fp64_contents",
  BYTES: "bytes_contents",
} as const;

/** Those that have a field. */
export const typedDatatypes = datatypes.filter((type) => type in fieldOf);

/** Integers of 64 bits as text, strings as bytes. */
export function elementsOf({ datatype, data }: Tensor): readonly unknown[] {
  const elements = Array.from<unknown>(data);
  if (datatype === "BYTES") return elements.map((text) => Buffer.from(String(text)));
  return typeof elements[0] === "bigint" ? elements.map(String) : elements;
}

/** The message's one field. */
export function contentsOf(datatype: Datatype, elements: readonly unknown[]): object {
  return { [fieldOf[datatype as keyof typeof fieldOf]]: elements };
}
