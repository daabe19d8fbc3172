import type { TypedArray } from "../tensors/datatypes.ts";

/** Values nested as the input's shape is; a row, or a list of rows. */
export type Features = number | bigint | string | boolean | TypedArray | readonly Features[];

/** As JSON has it; integers that it cannot hold exactly become strings of digits, which the server takes. */
export function plainFeatures(features: Features): unknown {
  if (typeof features === "bigint") return String(features);
  if (Array.isArray(features)) return features.map((one: Features) => plainFeatures(one));
  return ArrayBuffer.isView(features)
    ? Array.from<number | bigint, unknown>(features as Float32Array, plainFeatures)
    : features;
}
