import type { TypedArray } from "../tensors/datatypes.ts";

/** Values nested as the input's shape is; a row, or a list of rows. */
export type Features = number | bigint | string | boolean | TypedArray | readonly Features[];

/** In JSON; integers that it cannot hold exactly become strings of digits, which the server takes. */
export function textOfFeatures(features: Features): string {
  // Many times as fast as piece by piece, and a zero that is negative is rare.
  return hasNegativeZero(features) ? piecewise(features) : JSON.stringify(plain(features));
}

export function textOfInputs(inputs: Readonly<Record<string, Features>>): string {
  const members = Object.entries(inputs).map(
    ([name, features]) => `${JSON.stringify(name)}:${textOfFeatures(features)}`,
  );
  return `{${members.join(",")}}`;
}

function hasNegativeZero(features: Features): boolean {
  if (Array.isArray(features)) return features.some(hasNegativeZero);
  if (!ArrayBuffer.isView(features)) return Object.is(features, -0);
  return (features as Float32Array).some((element) => Object.is(element, -0));
}

/** JSON.stringify makes 0 of -0. */
function piecewise(features: Features): string {
  if (Object.is(features, -0)) return "-0.0";
  const elements = elementsOf(features);
  return elements === undefined
    ? JSON.stringify(plain(features))
    : `[${elements.map(piecewise).join(",")}]`;
}

function plain(features: Features): unknown {
  if (typeof features === "bigint") return String(features);
  return elementsOf(features)?.map(plain) ?? features;
}

function elementsOf(features: Features): readonly Features[] | undefined {
  if (ArrayBuffer.isView(features)) {
    return Array.from<number | bigint>(features as Float32Array);
  }
  return Array.isArray(features) ? features : undefined;
}
