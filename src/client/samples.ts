/** Samples of a signal, as a frame carries them. */
export type Samples = readonly number[] | Int16Array | Int32Array | Float32Array;

export interface WrittenSamples {
  readonly samples: string | readonly number[];
  readonly encoding?: "int16" | "int32" | "float32";
}

/** Typed arrays go as base64 of their bytes, which are little-endian wherever Node and browsers run. */
export function writeSamples(samples: Samples): WrittenSamples {
  if (samples instanceof Int16Array) return { samples: base64Of(samples), encoding: "int16" };
  if (samples instanceof Int32Array) return { samples: base64Of(samples), encoding: "int32" };
  if (samples instanceof Float32Array) return { samples: base64Of(samples), encoding: "float32" };
  return { samples };
}

/** As many as a call may have arguments, by far. */
const bytesAtOnce = 8_192;

function base64Of({ buffer, byteOffset, byteLength }: ArrayBufferView): string {
  const bytes = new Uint8Array(buffer, byteOffset, byteLength);
  let text = "";
  for (let at = 0; at < bytes.length; at += bytesAtOnce) {
    text += String.fromCharCode(...bytes.subarray(at, at + bytesAtOnce));
  }
  return btoa(text);
}
